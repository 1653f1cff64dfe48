//go:build cgo && linux

package cgo_test

import (
	"context"
	"sync"
	"testing"

	"github.com/verifyd/verifyd/cgo"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/launch"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/engine/enginetest"
)

var _ engine.Accelerator = (*cgo.Accelerator)(nil)

// accelerated is a GPU as a device of package engine.
type accelerated struct {
	device  *cgo.Device
	kernels *cgo.Kernels
	limit   uint64 // of each engine
}

func (d accelerated) Name() string { return d.device.Info().Name }
func (d accelerated) Path() string { return "cuda" }

func (d accelerated) Start(ctx context.Context, s *engine.Spec) (engine.Engine, error) {
	return engine.NewAccelerated(ctx, s, d.accelerator)
}

func (d accelerated) Open(ctx context.Context, words int) (engine.Memory, error) {
	return engine.NewMemory(ctx, words, d.accelerator)
}

func (d accelerated) accelerator(ctx context.Context, words int) (engine.Accelerator, error) {
	a, err := cgo.NewAccelerator(ctx, d.device, d.kernels, words, d.limit)
	if err != nil {
		return nil, err
	}
	return a, nil
}

// sideBySide runs the small trainings twice each, all at once.
func sideBySide(t *testing.T, d engine.Device, steps uint64) {
	t.Helper()
	var all sync.WaitGroup
	for _, tr := range append(must(enginetest.Small())(t), must(enginetest.Small())(t)...) {
		all.Go(func() {
			got, err := tr.Digest(t.Context(), d, steps)
			if want, ok := enginetest.Known(tr.Name, steps); err != nil || !ok || got != want {
				t.Errorf("%s beside others: %s after %d steps, known is %s: %v", tr.Name, got, steps, want, err)
			}
		})
	}
	all.Wait()
}

// squares is a routine on n words at 0: ReLU of them to n, and the sum of squares of that to 2n.
func squares(t *testing.T, n int) launch.Routine {
	t.Helper()
	return launch.Routine{
		Calls: []launch.Planned{
			{Plan: must(launch.For(kernels.ReLU{N: n}))(t), Operands: []kernels.Range{{Offset: 0, Words: n}, {Offset: n, Words: n}}},
			{Plan: must(launch.For(kernels.SumSquares{N: n}))(t), Operands: []kernels.Range{{Offset: n, Words: n}, {Offset: 2 * n, Words: 1}}},
		},
		In: kernels.Range{Offset: 0, Words: n}, Out: kernels.Range{Offset: 2 * n, Words: 1},
	}
}
