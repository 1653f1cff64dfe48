package verify

import (
	"context"
	"errors"
	"io"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/state"
)

// Start is what a training begins with: what a program draws from a seed; in its place a base, if there is one; and in place of
// both, for what steps move, the state that a claim ended with.
type Start struct {
	Seed    uint64
	Base    *Base
	Final   *Final
	Restart bool // the counters of Final begin at zero again: schedule, optimizer and random numbers do
}

// counters are those of the state before step 0.
func (s *Start) counters() state.Counters {
	if s.Final == nil || s.Restart {
		return state.Counters{}
	}
	return s.Final.Counters
}

// spec compiles a program for a training that begins so.
func (s *Start) spec(p *program.Program, profile kernels.Profile, dropout uint64) (*engine.Spec, error) {
	spec, err := engine.NewSpec(p, profile, dropout)
	if err != nil {
		return nil, err
	}
	c := s.counters()
	spec.Plan = spec.Plan.From(c.Step, c.RNG)
	return spec, nil
}

// begin sets an engine to the state before step 0.
func (s *Start) begin(ctx context.Context, e engine.Engine, spec *engine.Spec) error {
	if err := s.draw(ctx, e, spec); err != nil || s.Final == nil {
		return err
	}
	return s.Final.load(ctx, e)
}

// draw is begin without a final state: as far as that reaches, what is drawn here is not used.
func (s *Start) draw(ctx context.Context, e engine.Engine, spec *engine.Spec) error {
	if s.Base == nil {
		return e.Init(ctx, s.Seed)
	}
	return s.Base.begin(ctx, e, spec)
}

// Init is what a job of a program and a profile says of this start, without places to fetch its files from.
func (s *Start) Init(ctx context.Context, p *program.Program, profile kernels.Profile, d engine.Device) (i job.Init, err error) {
	spec, err := engine.NewSpec(p, profile, 0)
	if err != nil {
		return job.Init{}, err
	}
	digests, err := s.digests(ctx, spec, d)
	if err != nil {
		return job.Init{}, err
	}
	i = job.Init{Root: spec.State.Root(s.counters(), digests), Seed: s.Seed}
	if s.Base != nil {
		size, err := written(s.Base.Write)
		if err != nil {
			return job.Init{}, err
		}
		i.Base = &job.Committed{Root: s.Base.Root, Size: size}
	}
	if f := s.Final; f != nil {
		size, err := written(func(w io.Writer) error { return f.Write(w, spec) })
		if err != nil {
			return job.Init{}, err
		}
		i.Final = &job.Final{Committed: job.Committed{Root: spec.State.Root(f.Counters, digests), Size: size}}
		if !s.Restart {
			i.Final.Counters = &f.Counters
		}
	}
	return i, nil
}

// digests are those of the state before step 0, computed on a device.
func (s *Start) digests(ctx context.Context, spec *engine.Spec, d engine.Device) (digests []merkle.Hash, err error) {
	e, err := d.Start(ctx, spec)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.Close(ctx)) }()
	if err := s.begin(ctx, e, spec); err != nil {
		return nil, err
	}
	return e.Digests(ctx)
}

// written counts what write writes.
func written(write func(io.Writer) error) (uint64, error) {
	var n counting
	err := write(&n)
	return uint64(n), err
}

// counting forgets what is written to it.
type counting uint64

func (c *counting) Write(p []byte) (int, error) {
	*c += counting(len(p))
	return len(p), nil
}

// checkStart refuses to train without what the job starts from.
func (t *Terms) checkStart() error {
	if t.NeedsFinal() {
		return fault.New(fault.Missing, StartFile, "", "the job goes on from it")
	}
	return t.checkBase()
}

// CheckStart refuses what the job starts from unless it is what the job names: all of it, as a device hashes it.
func (t *Terms) CheckStart(ctx context.Context, d engine.Device) error {
	if err := t.checkStart(); err != nil {
		return err
	}
	digests, err := t.start.digests(ctx, t.spec, d)
	if err != nil {
		return err
	}
	return t.isStart(digests)
}

// isStart compares the digests of the state before step 0 with what the job says of it.
func (t *Terms) isStart(digests []merkle.Hash) error {
	if want := t.Job.Init.Final; want != nil {
		if got := t.spec.State.Root(t.start.Final.Counters, digests); got != want.Root {
			return fault.New(fault.WrongDigest, StartFile, "", "root %v, the job has %v", got, want.Root)
		}
	}
	if got := t.spec.State.Root(t.Counters(0, merkle.Hash{}), digests); got != t.Job.Init.Root {
		return fault.New(fault.BadTerms, "", "initial state", "root %v, the job has %v", got, t.Job.Init.Root)
	}
	return nil
}
