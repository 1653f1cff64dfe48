package verify

import (
	"fmt"
	"io"

	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/safetensors"
	"github.com/verifyd/verifyd/verify/state"
	"github.com/verifyd/verifyd/verify/trace"
)

// Terms are a job and its program, checked and compiled: what worker and verifier both work from.
type Terms struct {
	Job    *job.Job
	Digest merkle.Hash // of the job
	Plan   *program.Plan

	program *program.Program
	state   *state.Layout
	grads   *state.Layout
	rows    int // samples of a step
}

// Accept reads a job that operator signed and the program that it names, and compiles the program.
func Accept(jobFile, programFile []byte, operator document.Key) (*Terms, error) {
	j, digest, err := job.Open(JobFile, jobFile, operator)
	if err != nil {
		return nil, err
	}
	p, err := program.Parse(programFile)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", ProgramFile, err)
	}
	if got := merkle.Hash(p.Digest()); got != j.Program {
		return nil, fmt.Errorf("%s: digest %v, the job names %v", ProgramFile, got, j.Program)
	}
	t := &Terms{Job: j, Digest: digest, program: p}
	if t.Plan, err = program.Compile(p); err != nil {
		return nil, fmt.Errorf("%s: %w", ProgramFile, err)
	}
	if t.state, err = state.NewLayout(state.State, t.Plan.Tensors()); err != nil {
		return nil, fmt.Errorf("%s: %w", ProgramFile, err)
	}
	if t.grads, err = state.NewLayout(state.Gradient, t.Plan.Params()); err != nil {
		return nil, fmt.Errorf("%s: %w", ProgramFile, err)
	}
	t.rows = t.Plan.X().Shape[0]
	// The first segment is the longest: if its opening can be described, so can all others.
	if _, err := safetensors.NewWriter(io.Discard, nil, t.segmentInfos(0)); err != nil {
		return nil, fmt.Errorf("%s: stride: openings of %d steps of this program do not fit a file: %w", JobFile, j.Stride, err)
	}
	return t, nil
}

// Program is the job's program.
func (t *Terms) Program() *program.Program { return t.program }

// Rows is the number of samples of a step.
func (t *Terms) Rows() int { return t.rows }

// State is the layout of the program's state, for hashing.
func (t *Terms) State() *state.Layout { return t.state }

// Gradient is the layout of the program's gradients, for hashing.
func (t *Terms) Gradient() *state.Layout { return t.grads }

// Trace is the shape of the job's traces.
func (t *Terms) Trace() trace.Shape {
	return trace.Shape{Steps: t.Job.Steps, Stride: t.Job.Stride, State: t.state, Gradient: t.grads}
}

// Counters are the counters of the state before a step.
func (t *Terms) Counters(step uint64) state.Counters {
	return state.Counters{
		Step:   step,
		RNG:    step * uint64(t.Plan.Accumulation()),
		Cursor: step * uint64(t.rows),
	}
}

// InitRoot is the root of a program's state as it is initialised from a seed: what an operator puts into
// a job.
func InitRoot(p *program.Program, seed uint64, runner program.Runner) (merkle.Hash, error) {
	plan, err := program.Compile(p)
	if err != nil {
		return merkle.Hash{}, err
	}
	layout, err := state.NewLayout(state.State, plan.Tensors())
	if err != nil {
		return merkle.Hash{}, err
	}
	m, err := program.NewMachine(plan, runner, 0)
	if err != nil {
		return merkle.Hash{}, err
	}
	if err := m.Init(seed); err != nil {
		return merkle.Hash{}, err
	}
	return state.NewHasher(layout, 1).Root(state.Counters{}, m.Tensors()), nil
}
