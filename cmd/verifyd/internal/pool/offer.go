package pool

import (
	"context"
	"crypto"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/gate"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/state"
)

// Offer is what an operator decides about a job before any work is done.
type Offer struct {
	Program         *program.Program
	Profile         kernels.Profile
	Data            *job.Dataset
	Own             *job.Own    // what each worker's own data must be like: then Data are what the job's start is measured on, and no worker's; nil for Data
	Pool, Audience  string      // names, of which the job holds the hashes; proofs.Audience says how a ledger is named
	Policy          merkle.Hash // of the scoring policy; zero for none
	Steps, Stride   uint64
	Slots           uint32
	Sampled         job.Range
	Audit, Hold     uint32        // share of the claims that are audited, in millionths; claims that are judged before one is paid
	Period          time.Duration // after a claim's verdict, when it is paid though fewer were judged; not counted without a hold
	Delay, Deadline time.Duration // from a claim's arrival to its beacon, and from there to its opening, in whole seconds
	Issued          time.Time
	Log             *job.Log      // nil: the operator is believed about time
	Seed            uint64        // of initial state and dropout
	Beacon          string        // beacon.Quicknet, or beacon.Fixed
	Secret          [32]byte      // value of a fixed beacon: whoever knows it can foresee the challenge
	Base            *verify.Base  // that training starts from; nil if the state is drawn
	Final           *verify.Final // that training goes on from; nil if it is a new one
	Restart         bool          // the counters of Final begin at zero again
	BaseURLs        []string      // where workers can fetch Base; none if they are handed it
	FinalURLs       []string      // and Final
	Curve           []byte        // file of the curve that claims are compared with; nil for the job's start alone
}

// Offered is a job as its operator signed it.
type Offered struct {
	Job      *job.Job
	File     []byte
	Curve    []byte // the file that it names
	Revealed []byte // the document that reveals a fixed beacon, for when every claim has its receipt; else nil
}

// Sign signs the job. The initial state is computed on d. Data that the program cannot read is an error, and so is
// whatever a job may not hold.
func (o *Offer) Sign(ctx context.Context, d engine.Device, operator crypto.Signer) (*Offered, error) {
	key, err := document.NewKey(operator.Public())
	if err != nil {
		return nil, err
	}
	plan, err := program.Compile(o.Program, o.Profile)
	if err != nil {
		return nil, fmt.Errorf("program: %w", err)
	}
	if err := o.Data.Fits(plan); err != nil {
		return nil, err
	}
	offered := &Offered{}
	audience, err := proofs.Audience(o.Audience)
	if err != nil {
		return nil, err
	}
	chain := beacon.Chain{Name: o.Beacon}
	if o.Beacon == beacon.Fixed {
		fixed, value := beacon.NewFixed(o.Secret)
		if offered.Revealed, err = document.Encode(value); err != nil {
			return nil, err
		}
		chain = fixed
	}
	start := o.start()
	init, err := start.Init(ctx, o.Program, o.Profile, d)
	if err != nil {
		return nil, err
	}
	if init.Base != nil {
		init.Base.URLs = o.BaseURLs
	}
	if init.Final != nil {
		init.Final.URLs = o.FinalURLs
	}
	offered.Job = &job.Job{
		Version: job.Version, Profile: o.Profile, Merkle: merkle.Version, State: state.Version,
		Issued: o.Issued.Unix(), Operator: key, Pool: Named(o.Pool), Audience: merkle.Hash(audience), Policy: o.Policy,
		Program: o.Program.Digest(),
		Data:    o.data(),
		Order:   job.Rule,
		Init:    init,
		Seed:    o.Seed, Gate: gate.Version,
		Steps: o.Steps, Stride: o.Stride, Slots: o.Slots, Sampled: o.Sampled, Audit: o.Audit, Hold: o.Hold, Log: o.Log,
		Beacon: chain, Delay: uint32(o.Delay / time.Second), Deadline: uint32(o.Deadline / time.Second),
	}
	if o.Hold > 0 {
		offered.Job.Period = uint32(min(o.Period/time.Second, job.MaxPeriod))
	}
	offered.Job.Curve = o.Program.Digest() // in its place, until the rest is known to be sound
	if err := offered.Job.Check(); err != nil {
		return nil, fault.In("job", err)
	}
	if offered.Curve, err = o.curve(ctx, d); err != nil {
		return nil, err
	}
	offered.Job.Curve = gate.Digest(offered.Curve)
	if offered.File, err = job.Sign(*offered.Job, operator); err != nil {
		return nil, err
	}
	if _, err := verify.Accept(offered.File, o.Program.JSON(), offered.Curve, key); err != nil {
		return nil, err
	}
	return offered, nil
}

// start is what training begins with.
func (o *Offer) start() verify.Start {
	return verify.Start{Seed: o.Seed, Base: o.Base, Final: o.Final, Restart: o.Restart}
}

// data is what the job says of them.
func (o *Offer) data() job.Data {
	if o.Own != nil {
		return job.Data{Own: o.Own, Layout: *o.Data.Layout()}
	}
	return o.Data.Data()
}

// curve is the file of what claims are compared with. Nobody gains by knowing where a start was measured.
func (o *Offer) curve(ctx context.Context, d engine.Device) ([]byte, error) {
	if o.Curve != nil {
		return o.Curve, nil
	}
	c, err := verify.CurveRun{
		Program: o.Program, Profile: o.Profile, Data: o.Data, Start: o.start(), Dropout: o.Seed, Steps: o.Steps, Stride: o.Stride,
		Drawn: o.Program.Digest(), StartOnly: true, Device: d,
	}.Measure(ctx)
	if err != nil {
		return nil, err
	}
	return c.JSON()
}

// Named is the hash that stands for a pool's name, or a seed's, in a job or a signer set: the SHA-256 of the text.
func Named(name string) merkle.Hash { return sha256.Sum256([]byte(name)) }
