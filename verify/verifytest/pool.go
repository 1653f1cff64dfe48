package verifytest

import (
	"cmp"
	"context"
	"crypto"
	"time"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/gate"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/state"
	"github.com/verifyd/verifyd/verify/walk"
)

// Arrived is when claims arrive where a setting does not say.
var Arrived = time.Unix(1_790_000_000, 0)

// Issued is when jobs are, and an hour later the worker is registered.
var Issued = time.Unix(1_700_000_000, 0)

// Secret is the value of the beacon where a setting does not say.
var Secret = merkle.Hash{4, 2}

// Setting is what a pool is made from. Zero fields stand for what their comments say.
type Setting struct {
	Operator, Worker crypto.Signer // keys 1 and 2
	Program          *program.Program
	Data             *job.Dataset
	Device           engine.Device  // computes the initial state, and what answers need; a thread of this processor
	Slot             uint32         // of the worker's claim
	Arrived          time.Time      // of the claim
	Secret           merkle.Hash    // value of the beacon
	Order            merkle.Hash    // seed of the order of the worker's samples; 5
	Registered       time.Time      // when the worker is, an hour after jobs are issued
	Round            *beacon.Beacon // gives the seed instead, where the job's chain has rounds
	Base             *verify.Base   // that training starts from
	Final            *verify.Final  // that it goes on from
	Restart          bool           // with counters that begin again
	Measured         *job.Dataset   // what the start is measured on, where data are the worker's own; Data
	Whole            bool           // whether claims are compared with a whole curve; with the start alone
	// Job alters the job before it is signed: 23 steps in segments of 3, of which 3 are drawn and the last one is
	// replayed besides, 2 slots, 6 seconds of delay and 3600 to answer. A root that it leaves zero is computed, but that of data where they are the workers' own: then Data is the worker's; if it gives
	// the root of the start, nobody computes that, and what claims are compared with is nothing.
	Job func(*job.Job)
}

// Pool is one job of an operator and what a worker has answered to it so far. Its methods serve one goroutine at a
// time.
type Pool struct {
	Operator, Worker crypto.Signer
	Data             *job.Dataset
	Terms            *verify.Terms
	Documents        verify.Documents
	Slot             uint32
	Arrived          time.Time
	Device           engine.Device // as in Setting
	Walk             walk.Trail    // that the last answer opened
}

// NewPool makes the operator's documents.
func NewPool(ctx context.Context, s Setting) (*Pool, error) {
	p := &Pool{Operator: s.Operator, Worker: s.Worker, Data: s.Data, Slot: s.Slot, Arrived: s.Arrived, Device: s.Device}
	for key, number := range map[*crypto.Signer]byte{&p.Operator: 1, &p.Worker: 2} {
		if *key == nil {
			made, err := NewKey(number)
			if err != nil {
				return nil, err
			}
			*key = made
		}
	}
	if p.Arrived.IsZero() {
		p.Arrived = Arrived
	}
	operator, err := KeyOf(p.Operator)
	if err != nil {
		return nil, err
	}
	chain, public := beacon.NewFixed(cmp.Or(s.Secret, Secret))
	j := job.Job{
		Version: job.Version, Profile: kernels.ProfileF32, Merkle: merkle.Version, State: state.Version,
		Issued: Issued.Unix(), Operator: operator, Pool: merkle.Hash{1}, Audience: merkle.Hash{2}, Policy: merkle.Hash{3},
		Program: s.Program.Digest(),
		Data:    job.Data{Layout: *s.Data.Layout()},
		Order:   job.Rule,
		Init:    job.Init{Seed: 11},
		Gate:    gate.Version,
		Seed:    12, Steps: 23, Stride: 3, Slots: 2, Sampled: job.Exactly(3), Audit: job.Millionths,
		Beacon: chain, Delay: 6, Deadline: 3600,
	}
	if s.Job != nil {
		s.Job(&j)
	}
	if j.Data.Own == nil {
		j.Data.Samples = cmp.Or(j.Data.Samples, uint64(s.Data.Samples()))
		j.Data.Root = cmp.Or(j.Data.Root, s.Data.Root())
	}
	made := j.Init.Root != (merkle.Hash{})
	if !made {
		err := p.on(func(d engine.Device) (err error) {
			start := s.start(&j)
			j.Init, err = start.Init(ctx, s.Program, j.Profile, d)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	p.Documents.Program = s.Program.JSON()
	if p.Documents.Curve, err = p.curve(ctx, &s, &j, made); err != nil {
		return nil, err
	}
	j.Curve = gate.Digest(p.Documents.Curve)
	if p.Documents.Beacon, err = document.Encode(public); err != nil {
		return nil, err
	}
	if err := p.offer(j); err != nil {
		return nil, err
	}
	if s.Base != nil {
		if err := p.Terms.TakeBase(s.Base); err != nil {
			return nil, err
		}
	}
	if s.Final != nil {
		if err := p.Terms.TakeFinal(s.Final); err != nil {
			return nil, err
		}
	}
	return p, p.assign(s)
}

// start is what the job's training begins with.
func (s *Setting) start(j *job.Job) verify.Start {
	return verify.Start{Seed: j.Init.Seed, Base: s.Base, Final: s.Final, Restart: s.Restart}
}

// on runs f on the pool's device.
func (p *Pool) on(f func(engine.Device) error) error {
	if p.Device != nil {
		return f(p.Device)
	}
	cpu, err := kernels.NewCPU(kernels.Options{Threads: 1})
	if err != nil {
		return err
	}
	defer cpu.Close()
	return f(engine.NewCPU("pool's", cpu, 1))
}

// curve is the file of what claims are compared with.
func (p *Pool) curve(ctx context.Context, s *Setting, j *job.Job, made bool) ([]byte, error) {
	if made {
		return nothing(s.Program, j)
	}
	var c *gate.Curve
	err := p.on(func(d engine.Device) (err error) {
		c, err = verify.CurveRun{
			Program: s.Program, Profile: j.Profile, Data: cmp.Or(s.Measured, s.Data), Start: s.start(j), Dropout: j.Seed, Steps: j.Steps, Stride: j.Stride,
			Drawn: merkle.Hash{6}, StartOnly: !s.Whole, Device: d,
		}.Measure(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	c.Terms = verify.CurveTerms(j) // also where the job was given other roots
	return c.JSON()
}

// nothing is a file that no claim of a job is outside of.
func nothing(p *program.Program, j *job.Job) ([]byte, error) {
	plan, err := program.Compile(p, j.Profile)
	if err != nil {
		return nil, err
	}
	measure, err := gate.NewPlan(plan)
	if err != nil {
		return nil, err
	}
	point := gate.Point{Rows: make([]uint32, 2*measure.Products())}
	c := gate.Curve{Version: gate.CurveVersion, Gate: gate.Version, Terms: verify.CurveTerms(j), Points: []gate.Point{point}}
	return c.JSON()
}

// offer signs a job and accepts it.
func (p *Pool) offer(j job.Job) (err error) {
	if p.Documents.Job, err = job.Sign(j, p.Operator); err != nil {
		return err
	}
	p.Terms, err = verify.Accept(p.Documents.Job, p.Documents.Program, p.Documents.Curve, j.Operator)
	return err
}

// assign gives the slot to the worker.
func (p *Pool) assign(s Setting) error {
	worker, err := KeyOf(p.Worker)
	if err != nil {
		return err
	}
	if s.Registered.IsZero() {
		s.Registered = Issued.Add(time.Hour)
	}
	r := verify.Registration{
		Worker: worker.ID(), Slot: p.Slot, At: s.Registered, Beacon: s.Round, Seed: cmp.Or(s.Order, merkle.Hash{5}),
	}
	if p.Terms.Job.Data.Own != nil {
		own := p.Data.Set()
		r.Data = &own
	}
	p.Documents.Assignment, err = verify.Assign(p.Terms, r, p.Operator)
	return err
}

// Again is the same pool whose claims arrive so many seconds later: the same trace gets another challenge. An operator
// does not give such a second chance.
func (p *Pool) Again(later int64) *Pool {
	again := *p
	again.Arrived = p.Arrived.Add(time.Duration(later) * time.Second)
	return &again
}
