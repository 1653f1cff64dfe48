package job

import (
	"crypto"
	"errors"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/gate"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/odds"
	"github.com/verifyd/verifyd/verify/state"
)

// Version and Rule are the only values that this version of verifyd knows.
const (
	Version = "verifyd-job/1"
	Rule    = "feistel-aes128-hkdf/1" // order of samples: Order
	Kind    = document.Kind("job")
)

// The limits of a job.
const (
	MaxSteps   = 1 << 24
	MaxStride  = 1 << 10
	MaxSampled = odds.MaxDrawn
	MaxRows    = 1 << 32 // samples of the data
	MaxWindow  = 1 << 31 // seconds of delay and deadline
	MaxHold    = odds.MaxHold
	MaxPeriod  = 1<<32 - 1 // seconds
	LastSecond = 1 << 40   // of Unix time
	Millionths = 1_000_000
)

// Job is the manifest. Every field is signed by the operator, and an empty one is refused unless its
// comment says otherwise.
type Job struct {
	Version string          `json:"version"`
	Profile kernels.Profile `json:"profile"` // what products are: kernels/contract.md
	Merkle  string          `json:"merkle"`  // construction of trees: merkle.Version
	State   string          `json:"state"`   // construction of state roots: state.Version

	Issued   int64        `json:"issued"`   // Unix time in seconds
	Operator document.Key `json:"operator"` // signs the job, assignments and receipts
	Pool     merkle.Hash  `json:"pool"`     // the pool that the job belongs to
	Audience merkle.Hash  `json:"audience"` // SHA-256 of the name of the ledger that proofs are for
	Policy   merkle.Hash  `json:"policy"`   // digest of the scoring policy; may be zero

	Program merkle.Hash `json:"program"` // digest of the program, which holds optimizer and schedule
	Data    Data        `json:"data"`
	Order   string      `json:"order"` // how the samples are ordered: Rule
	Init    Init        `json:"init"`
	Seed    uint64      `json:"seed,string"` // of dropout

	Gate  string      `json:"gate"`  // how the work of a step is measured: gate.Version
	Curve merkle.Hash `json:"curve"` // SHA-256 of the curve that it is compared with

	Steps  uint64 `json:"steps"`  // updates that a claim must hold
	Stride uint64 `json:"stride"` // steps between stored states: the length of a segment
	Slots  uint32 `json:"slots"`  // slots are numbered from 0; one claim for each

	Sampled  Range        `json:"sampled"` // segments drawn uniformly; the last one is replayed besides
	Audit    uint32       `json:"audit"`   // share of the claims that the beacon draws for audit, in millionths
	Hold     uint32       `json:"hold"`    // further claims that are judged before one is paid; may be zero
	Period   uint32       `json:"period"`  // seconds after its verdict at which a claim is paid though fewer were; zero without a hold
	Beacon   beacon.Chain `json:"beacon"`
	Delay    uint32       `json:"delay"`         // seconds from a claim's arrival to its beacon, at least: two periods of the chain
	Deadline uint32       `json:"deadline"`      // seconds from the time of that beacon by which the claim must be opened
	Log      *Log         `json:"log,omitempty"` // without one the operator is believed about time
}

// Range is how many segments may be drawn of a claim: its receipt says how many are.
type Range struct {
	Least uint32 `json:"least"`
	Most  uint32 `json:"most"`
}

// Exactly is a range of one number.
func Exactly(n uint32) Range { return Range{n, n} }

// Data commits to the samples of the job, or where each worker brings its own says what those must be like. Then root and
// samples are zero here, and stand in a worker's assignment.
type Data struct {
	Root    merkle.Hash `json:"root"` // over all samples, each with its layout
	Samples uint64      `json:"samples"`
	Own     *Own        `json:"own,omitempty"`
	Layout
}

// Own is what a worker's own data must be like, beside their layout: how many samples they have.
type Own struct {
	Least uint64 `json:"least"`
	Most  uint64 `json:"most"`
}

// Check returns an error that names the field unless the manifest is one that this version can keep.
func (j *Job) Check() error {
	for _, f := range []struct {
		field, got, want string
		class            fault.Class
	}{
		{"version", j.Version, Version, fault.UnknownVersion},
		{"merkle", j.Merkle, merkle.Version, fault.Unsupported},
		{"state", j.State, state.Version, fault.Unsupported},
		{"order", j.Order, Rule, fault.Unsupported},
		{"gate", j.Gate, gate.Version, fault.UnknownVersion},
	} {
		if f.got != f.want {
			return fault.New(f.class, "", f.field, "%.60q, %q is needed", f.got, f.want)
		}
	}
	if err := j.Profile.Check(); err != nil {
		return unsupported("", err)
	}
	for _, f := range []struct {
		field string
		got   merkle.Hash
	}{
		{"pool", j.Pool}, {"audience", j.Audience}, {"program", j.Program}, {"curve", j.Curve},
		{"init.root", j.Init.Root},
	} {
		if f.got == (merkle.Hash{}) {
			return fault.New(fault.BadTerms, "", f.field, "zero")
		}
	}
	if err := j.Init.check(); err != nil {
		return fault.Under("init", err)
	}
	if err := j.Data.check(); err != nil {
		return err
	}
	if err := j.Beacon.Check(); err != nil {
		return fault.Under("beacon", err)
	}
	if err := j.Data.Layout.Check(); err != nil {
		return fault.New(fault.BadTerms, "", "data", "%w", err)
	}
	for _, f := range []struct {
		field   string
		got, lo uint64
		hi      uint64
	}{
		{"issued", uint64(j.Issued), 1, LastSecond},
		{"steps", j.Steps, 1, MaxSteps},
		{"stride", j.Stride, 1, MaxStride},
		{"slots", uint64(j.Slots), 1, 1 << 31},
		{"sampled.least", uint64(j.Sampled.Least), 1, MaxSampled},
		{"sampled.most", uint64(j.Sampled.Most), uint64(j.Sampled.Least), MaxSampled},
		{"audit", uint64(j.Audit), 1, Millionths},
		{"hold", uint64(j.Hold), 0, MaxHold},
		{"delay", uint64(j.Delay), uint64(2 * j.Beacon.Period()), MaxWindow},
		{"deadline", uint64(j.Deadline), 1, MaxWindow},
	} {
		if f.got < f.lo || f.got > f.hi {
			return fault.New(fault.BadTerms, "", f.field, "%d is outside %d to %d", f.got, f.lo, f.hi)
		}
	}
	// A claim that waits for its verdict must not outlast what is held, or a FAIL would void nothing.
	least, most := uint64(j.Delay)+uint64(j.Deadline), uint64(MaxPeriod)
	if j.Hold == 0 {
		least, most = 0, 0
	}
	if got := uint64(j.Period); got < least || got > most {
		return fault.New(fault.BadTerms, "", "period", "%d is outside %d to %d", got, least, most)
	}
	if j.Log != nil {
		if err := j.Log.Check(); err != nil {
			return fault.Under("log", err)
		}
	}
	if _, err := j.Operator.Public(); err != nil {
		return fault.Under("operator", err)
	}
	return nil
}

// Segments is the number of segments of a claim.
func (j *Job) Segments() uint64 { return (j.Steps + j.Stride - 1) / j.Stride }

// Segment returns the first step of a segment and its number of steps; only the last may be shorter
// than the stride.
func (j *Job) Segment(i uint64) (first, count uint64) {
	first = i * j.Stride
	return first, min(j.Stride, j.Steps-first)
}

// Round is the beacon's round that challenges a claim which arrived at a Unix time, and when that round is due.
func (j *Job) Round(arrived int64) (round uint64, due int64) {
	after := arrived + int64(j.Delay)
	return j.Beacon.RoundAt(after), j.Beacon.Published(after)
}

// Answers is the last second at which a claim that arrived at a Unix time may be opened.
func (j *Job) Answers(arrived int64) int64 {
	_, due := j.Round(arrived)
	return due + int64(j.Deadline)
}

// Sign checks the manifest and returns its envelope. The signer must hold the operator's key.
func Sign(j Job, signer crypto.Signer) ([]byte, error) {
	if err := j.Check(); err != nil {
		return nil, fault.In("job", err)
	}
	key, err := document.NewKey(signer.Public())
	if err != nil {
		return nil, fault.In("job", err)
	}
	if key != j.Operator {
		return nil, fault.New(fault.BadTerms, "job", "operator", "the manifest names another key than the signer's")
	}
	return document.Sign(Kind, j, signer)
}

// Read reads the envelope of a job signed by operator, and returns the manifest and its digest. Errors
// begin with file.
func Read(file string, data []byte, operator document.Key) (*Job, merkle.Hash, error) {
	j, digest, err := document.Read[Job](file, data, Kind, operator)
	if errors.Is(err, kernels.ErrProfile) {
		err = unsupported(file, err)
	}
	if err != nil {
		return nil, merkle.Hash{}, err
	}
	if err := j.Check(); err != nil {
		return nil, merkle.Hash{}, fault.In(file, err)
	}
	if j.Operator != operator {
		return nil, merkle.Hash{}, fault.New(fault.BadTerms, file, "operator", "names another key than the one that signed")
	}
	return &j, digest, nil
}

// unsupported is the refusal of a profile, for whatever reason is inside err.
func unsupported(file string, err error) error {
	for e := (*fault.Error)(nil); errors.As(err, &e) && e.Unwrap() != nil; {
		err = e.Unwrap()
	}
	return fault.New(fault.Unsupported, file, "profile", "%w", err)
}
