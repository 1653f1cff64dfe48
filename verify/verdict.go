package verify

import (
	"crypto"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/odds"
)

// VerdictVersion is the only version of verdicts that this version of verifyd knows.
const VerdictVersion = "verifyd-verdict/1"

const verdictKind = document.Kind("verdict")

// Outcome is the answer of a verdict.
type Outcome string

// The outcomes. INCONCLUSIVE means that two replays disagreed: the fault may lie in the hardware. UNAUDITED means that the
// beacon did not draw the claim for audit: nobody replayed anything, and nothing is known of it.
const (
	Pass         Outcome = "PASS"
	Fail         Outcome = "FAIL"
	Inconclusive Outcome = "INCONCLUSIVE"
	Unaudited    Outcome = "UNAUDITED"
)

// Reason says why a claim did not pass.
type Reason string

// The reasons, in the order in which they are looked for.
const (
	Honest        Reason = "none"
	Malformed     Reason = "malformed"      // what the worker committed to or signed is not in its format, or not finite
	Unopened      Reason = "not-opened"     // no opening that the operator received, and the deadline is over
	Late          Reason = "late"           // the opening arrived after the deadline
	WrongInit     Reason = "initial-state"  // the first leaf does not begin at the job's initial state
	BrokenChain   Reason = "chain"          // a leaf does not begin where the one before it ended
	WrongFinal    Reason = "final-state"    // the claim's final state is not the last leaf's
	WrongState    Reason = "opened-state"   // the opened state is not the one that the leaf commits to
	WrongDigests  Reason = "digest-table"   // the opened digests are not those that the leaf commits to
	WrongSample   Reason = "sample"         // an opened row is not the job's sample
	WrongBatch    Reason = "batch"          // the leaf commits to other samples than the job's order gives
	WrongLoss     Reason = "loss"           // replay gives another loss
	WrongGradient Reason = "gradient"       // replay gives other gradients
	WrongClip     Reason = "clip"           // replay gives another clip coefficient
	WrongUpdate   Reason = "update"         // replay gives another next state
	NotFinite     Reason = "not-finite"     // replay gives a state that is not finite
	Disagreement  Reason = "replays-differ" // two replays of the same segment differ
)

// Difference is the first place at which a claim departs from the truth.
type Difference struct {
	Segment uint64 `json:"segment"`
	Step    uint64 `json:"step"`
	Tensor  string `json:"tensor,omitempty"` // empty where no single tensor is to blame
}

// Finding is the part of a verdict that every verifier of a bundle reaches: it does not depend on who
// looked, when, and with what machine.
type Finding struct {
	Version    string          `json:"version"`
	Outcome    Outcome         `json:"outcome"`
	Reason     Reason          `json:"reason"`
	First      *Difference     `json:"first,omitempty"`
	Profile    kernels.Profile `json:"profile"`
	Job        merkle.Hash     `json:"job"`
	Worker     merkle.Hash     `json:"worker"` // key id
	Slot       uint32          `json:"slot"`
	Assignment merkle.Hash     `json:"assignment"`
	Data       *job.Set        `json:"data,omitempty"` // the worker's own; none where the data are the job's
	Claim      merkle.Hash     `json:"claim"`
	Receipt    merkle.Hash     `json:"receipt"`
	Root       merkle.Hash     `json:"root"`  // over the step leaves
	Final      merkle.Hash     `json:"final"` // claimed final state
	Beacon     string          `json:"beacon"`
	Round      uint64          `json:"round"`
	Randomness merkle.Hash     `json:"randomness"`
	Seed       merkle.Hash     `json:"seed"`
	Steps      uint64          `json:"steps"`    // that the claim holds
	Segments   uint64          `json:"segments"` // N
	Sampled    uint64          `json:"sampled"`  // k, drawn uniformly
	Challenged []uint64        `json:"challenged"`
	Directed   []uint64        `json:"directed,omitempty"` // that moved most, besides
	Walked     []uint64        `json:"walked,omitempty"`   // behind these, in the order of the walk
	Outside    []Outside       `json:"outside,omitempty"`  // of all these, those that begin outside the job's gate, ascending
	Note       string          `json:"note,omitempty"`     // NoteOutside
	Replayed   uint64          `json:"replayed"`           // steps that were run again
	Odds       odds.Odds       `json:"odds"`
	Word       Word            `json:"word"` // on which the times rest: that of the receipt, and of an opening or its absence
}

// Word is whose word is believed about time.
type Word string

// The words.
const (
	// OperatorsWord is that of the one who signs receipts: the job names no witnesses, or the finding is that nothing
	// came in time, which no log can show.
	OperatorsWord Word = "operator"
	// WitnessesWord is that of as many witnesses as the job asks for: they saw assignment and receipt before the
	// beacon's round, and the opening by the deadline.
	WitnessesWord Word = "witnesses"
)

// Build says what reached a finding.
type Build struct {
	Module    string `json:"module"`
	Version   string `json:"version"`
	Revision  string `json:"revision"`
	Go        string `json:"go"`
	Device    string `json:"device"`
	Confirmed string `json:"confirmed,omitempty"` // device of the second replay, if one was made
}

// Verdict is a finding with the evidence that it rests on and the build that reached it.
type Verdict struct {
	Finding  Finding     `json:"finding"`
	Evidence merkle.Hash `json:"evidence"` // root over the case's documents and the finding
	Build    Build       `json:"build"`
	Verifier merkle.Hash `json:"verifier,omitzero"`  // key id of whoever the imprints are of
	Imprints []Imprint   `json:"imprints,omitempty"` // of the replayed segments, in the order of the walk; none without a verifier
}

// Sign returns the envelope of v, signed by the verifier. A verdict that rests on a replay and does not hold the
// imprints of the signer's key is not signed.
func (v *Verdict) Sign(signer crypto.Signer) ([]byte, error) {
	key, err := document.NewKey(signer.Public())
	if err != nil {
		return nil, err
	}
	if err := v.judgedBy(key.ID()); err != nil {
		return nil, fault.In("verdict", err)
	}
	if err := v.imprintedBy(key.ID()); err != nil {
		return nil, fault.In("verdict", err)
	}
	return document.Sign(verdictKind, v, signer)
}

// ReadVerdict reads a verdict that verifier signed. One that holds another verifier's imprints, or too few, is
// refused; whether they are true, [Case.CheckImprint] says. Errors begin with file.
func ReadVerdict(file string, data []byte, verifier document.Key) (*Verdict, error) {
	v, _, err := document.Read[Verdict](file, data, verdictKind, verifier)
	if err != nil {
		return nil, err
	}
	if v.Finding.Version != VerdictVersion {
		return nil, fault.New(fault.UnknownVersion, file, "version", "%.60q, %q is needed", v.Finding.Version, VerdictVersion)
	}
	if err := v.judgedBy(verifier.ID()); err != nil {
		return nil, fault.In(file, err)
	}
	if err := v.imprintedBy(verifier.ID()); err != nil {
		return nil, fault.In(file, err)
	}
	return &v, nil
}
