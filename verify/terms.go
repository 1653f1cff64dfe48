package verify

import (
	"io"

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
	start     Start           // its files once they are read
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
	begins := j.Init.Begins()
	spec.Plan = spec.Plan.From(begins.Step, begins.RNG)
	measure, err := gate.NewPlan(spec.Plan)
	if err != nil {
		return nil, fault.In(ProgramFile, err)
	}
	spec.Reads = measure.Words()
	t := &Terms{Job: j, Digest: digest, Plan: spec.Plan, Gate: measure, spec: spec, rows: spec.Plan.X().Shape[0]}
	t.start = Start{Seed: j.Init.Seed, Restart: begins.Step == 0}
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
// everybody's. Those of a final state go on, but for the cursor: it counts in the sequence of the assignment, which begins.
func (t *Terms) Counters(step uint64, assignment merkle.Hash) state.Counters {
	begins := t.Job.Init.Begins()
	if step == 0 {
		return begins
	}
	return state.Counters{
		Step:       begins.Step + step,
		RNG:        begins.RNG + step*uint64(t.Plan.Accumulation()),
		Cursor:     step * uint64(t.rows),
		Assignment: assignment,
	}
}
