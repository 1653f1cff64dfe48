package engine

import (
	"context"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/launch"
	"github.com/verifyd/verifyd/verify/internal/little"
	"github.com/verifyd/verifyd/verify/state"
)

// fixed is what an accelerator hashes its frozen tensors with, once, and where.
type fixed struct {
	*digester
	routine int  // -1 until one is recorded
	hashed  bool // whether the digests of the state have their root
}

// reserve takes words for the table and the results.
func (f *fixed) reserve(l *Layout, tensors []kernels.Range) {
	results := l.Take(f.resultWords())
	table := l.Take(3 * f.count())
	f.place(tensors, results.Offset, table.Offset)
}

// Freeze writes the tensors from memory of the host that is not kept: they are written once.
func (e *accelerated) Freeze(ctx context.Context, fill func([][]float32) error) error {
	staged := make([]float32, e.tape.Fixed.Words)
	var tensors [][]float32
	for _, r := range e.tape.Frozen {
		at := r.Offset - e.tape.Fixed.Offset
		tensors = append(tensors, staged[at:at+r.Words:at+r.Words])
	}
	if err := fill(tensors); err != nil || len(staged) == 0 {
		return err
	}
	e.fixed.hashed = false
	return failed(ctx, "freeze tensors", e.device.Write(ctx, e.tape.Fixed.Offset, little.Words32(staged)))
}

// hashFrozen makes the digests of a state end with the root of the frozen tensors.
func (e *accelerated) hashFrozen(ctx context.Context) (err error) {
	f := e.fixed
	if f == nil || f.hashed {
		return nil
	}
	if f.routine < 0 {
		if err := e.device.Write(ctx, f.table.Offset, launch.DigestTable(f.pieces)); err != nil {
			return failed(ctx, "hash frozen tensors", err)
		}
		if f.routine, err = e.device.Record(ctx, launch.Routine{Calls: []launch.Planned{f.call(e.words)}}); err != nil {
			f.routine = -1
			return failed(ctx, "record the frozen tensors' digests", err)
		}
	}
	words := make([]uint32, f.resultWords())
	if err := e.device.Run(ctx, f.routine, nil, nil); err != nil {
		return failed(ctx, "hash frozen tensors", err)
	}
	if err := e.device.Read(ctx, words, f.sums.Offset); err != nil {
		return failed(ctx, "hash frozen tensors", err)
	}
	digests, _ := f.read(words, f.sums.Offset)
	e.state.digests[len(e.state.digests)-1] = e.spec.Frozen.Root(state.Counters{}, digests)
	f.hashed = true
	return nil
}
