package verify

import (
	"context"
	"errors"
	"io"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/gate"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/safetensors"
	"github.com/verifyd/verifyd/verify/state"
	"github.com/verifyd/verifyd/verify/trace"
	"github.com/verifyd/verifyd/verify/witness"
)

// Terms are a job and its program, checked and compiled: what worker and verifier both work from.
type Terms struct {
	Job    *job.Job
	Digest merkle.Hash // of the job
	Plan   *program.Plan
	Gate   *gate.Plan // measures a step of Plan

	spec      *engine.Spec
	base      *Base           // that the job starts from, once it is read; nil if it has none
	reference *gate.Reference // of the job's curve
	rows      int             // samples of a step
	log       *witness.Log    // nil if the job names none
}

// Accept reads a job that operator signed, and the program and the curve that it names, and compiles the program.
func Accept(jobFile, programFile, curveFile []byte, operator document.Key) (*Terms, error) {
	j, digest, err := job.Read(JobFile, jobFile, operator)
	if err != nil {
		return nil, err
	}
	p, err := program.Parse(programFile)
	if err != nil {
		return nil, fault.In(ProgramFile, err)
	}
	if got := merkle.Hash(p.Digest()); got != j.Program {
		return nil, fault.New(fault.WrongDigest, ProgramFile, "", "digest %v, the job names %v", got, j.Program)
	}
	spec, err := engine.NewSpec(p, j.Profile, j.Seed)
	if err != nil {
		return nil, fault.In(ProgramFile, err)
	}
	measure, err := gate.NewPlan(spec.Plan)
	if err != nil {
		return nil, fault.In(ProgramFile, err)
	}
	spec.Reads = measure.Words()
	t := &Terms{Job: j, Digest: digest, Plan: spec.Plan, Gate: measure, spec: spec, rows: spec.Plan.X().Shape[0]}
	if j.Log != nil {
		if t.log, err = j.Log.Read(); err != nil {
			return nil, fault.In(JobFile, fault.Under("log", err))
		}
	}
	if err := j.Data.Fits(spec.Plan); err != nil {
		return nil, fault.New(fault.BadTerms, JobFile, "data", "%w", err)
	}
	// The first segment is the longest: if its opening can be described, so can all others.
	if _, err := safetensors.NewWriter(io.Discard, nil, t.segmentInfos(0)); err != nil {
		return nil, fault.New(fault.BadTerms, JobFile, "stride", "openings of %d steps of this program do not fit a file: %w", j.Stride, err)
	}
	if err := t.readCurve(curveFile); err != nil {
		return nil, err
	}
	return t, nil
}

// Program is the job's program.
func (t *Terms) Program() *program.Program { return t.spec.Program }

// Spec is what an engine runs for the job.
func (t *Terms) Spec() *engine.Spec { return t.spec }

// Rows is the number of samples of a step.
func (t *Terms) Rows() int { return t.rows }

// State is the layout of the program's state, for hashing.
func (t *Terms) State() *state.Layout { return t.spec.State }

// Gradient is the layout of the program's gradients, for hashing.
func (t *Terms) Gradient() *state.Layout { return t.spec.Gradient }

// Trace is the shape of the job's traces.
func (t *Terms) Trace() trace.Shape {
	return trace.Shape{Steps: t.Job.Steps, Stride: t.Job.Stride, State: t.spec.State, Gradient: t.spec.Gradient}
}

// Counters are the counters of the state before a step, for the assignment with a digest. The state before step 0 is
// everybody's.
func (t *Terms) Counters(step uint64, assignment merkle.Hash) state.Counters {
	if step == 0 {
		return state.Counters{}
	}
	return state.Counters{
		Step:       step,
		RNG:        step * uint64(t.Plan.Accumulation()),
		Cursor:     step * uint64(t.rows),
		Assignment: assignment,
	}
}

// InitRoot is the root of a program's state as it is initialised from a seed, or from a base if there is one: what an operator
// puts into a job of this profile.
func InitRoot(ctx context.Context, p *program.Program, profile kernels.Profile, seed uint64, base *Base, d engine.Device) (root merkle.Hash, err error) {
	spec, err := engine.NewSpec(p, profile, 0)
	if err != nil {
		return merkle.Hash{}, err
	}
	e, err := d.Start(ctx, spec)
	if err != nil {
		return merkle.Hash{}, err
	}
	defer func() { err = errors.Join(err, e.Close(ctx)) }()
	if err := begin(ctx, e, spec, seed, base); err != nil {
		return merkle.Hash{}, err
	}
	digests, err := e.Digests(ctx)
	if err != nil {
		return merkle.Hash{}, err
	}
	return spec.State.Root(state.Counters{}, digests), nil
}
