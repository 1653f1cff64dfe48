package engine

import (
	"context"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/launch"
	"github.com/verifyd/verifyd/verify/internal/little"
)

// evaluation is what an accelerator evaluates with, once that is wanted.
type evaluation struct {
	routine int // -1 until one is recorded
	at      kernels.Range
	outputs []float32 // on the host
}

// Evaluate runs a routine of its own in the memory that a step works in.
func (e *accelerated) Evaluate(ctx context.Context) ([]float32, error) {
	if err := e.tape.Fill(e.in, e.rows, e.spec.Seed, 0); err != nil {
		return nil, err
	}
	v := &e.evaluation
	if v.routine < 0 {
		list, at := e.tape.Evaluation()
		all, err := calls(list)
		if err != nil {
			return nil, err
		}
		routine, err := e.device.Record(ctx, launch.Routine{Calls: all, In: e.tape.In})
		if err != nil {
			return nil, failed(ctx, "record an evaluation", err)
		}
		*v = evaluation{routine, at, make([]float32, at.Words)}
	}
	if err := e.device.Run(ctx, v.routine, e.in, nil); err != nil {
		return nil, failed(ctx, "evaluate", err)
	}
	return v.outputs, failed(ctx, "read an evaluation", e.device.Read(ctx, little.Words32(v.outputs), v.at.Offset))
}
