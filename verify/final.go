package verify

import (
	"context"
	"io"

	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/state"
)

// StartFile holds the state that another claim ended with, where a job goes on from it: what that claim's trace has as
// final.safetensors. No bundle has it, as what moves is in the openings.
const StartFile = "start.safetensors"

// Final is a state that a claim ended with. It is read-only. Its root covers the program's frozen tensors, too, which its file
// does not have: so it is compared when a training begins.
type Final struct {
	Counters state.Counters
	tensors  [][]float32 // in the order of Plan.Tensors
}

// ReadFinal reads the file that a trace has of its last state, or of another one, for a program of the same tensors. Errors
// begin with file.
func ReadFinal(r io.Reader, file string, spec *engine.Spec) (*Final, error) {
	f := &Final{}
	for _, t := range spec.State.Tensors() {
		f.tensors = append(f.tensors, make([]float32, t.Len()))
	}
	var err error
	if f.Counters, err = state.Read(r, file, spec.State, f.tensors); err != nil {
		return nil, err
	}
	if f.Counters.Step == 0 {
		return nil, fault.New(fault.WrongType, file, "metadata: step", "0: no claim ended there")
	}
	return f, nil
}

// Write writes the file that ReadFinal reads.
func (f *Final) Write(w io.Writer, spec *engine.Spec) error {
	return state.Write(w, spec.State, f.Counters, f.tensors)
}

// Start sets a state in a plan's order to this one.
func (f *Final) Start(tensors [][]float32) {
	for i, x := range f.tensors {
		copy(tensors[i], x)
	}
}

// load sets an engine to it. Frozen tensors stay what they are.
func (f *Final) load(ctx context.Context, e engine.Engine) error {
	return e.Load(ctx, func(tensors [][]float32) error {
		f.Start(tensors)
		return nil
	})
}

// TakeFinal gives the terms the state that the job goes on from. Whether it is the one that the job names shows when a training
// begins.
func (t *Terms) TakeFinal(f *Final) error {
	switch want := t.Job.Init.Final; {
	case want == nil:
		return fault.New(fault.WrongType, StartFile, "", "the job does not go on from a claim")
	case want.Counters != nil && *want.Counters != f.Counters:
		return fault.New(fault.WrongDigest, StartFile, "metadata", "step %d, rng %d, cursor %d, assignment %v; the job has step %d, rng %d, cursor %d, assignment %v",
			f.Counters.Step, f.Counters.RNG, f.Counters.Cursor, f.Counters.Assignment,
			want.Counters.Step, want.Counters.RNG, want.Counters.Cursor, want.Counters.Assignment)
	}
	t.start.Final = f
	return nil
}

// Final is what was taken, nil if nothing was.
func (t *Terms) Final() *Final { return t.start.Final }

// NeedsFinal says whether the job goes on from a state that was not taken yet.
func (t *Terms) NeedsFinal() bool { return t.Job.Init.Final != nil && t.start.Final == nil }
