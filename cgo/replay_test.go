//go:build cgo && linux

package cgo_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/verifyd/verifyd/cgo"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/launch"
)

// replay captures two operators as a step, launches it several times and compares the bytes with the
// CPU's: the sum of squares of ReLU(a).
func replay(t *testing.T, g *cgo.Device) {
	t.Helper()
	const n = 1000
	x, y, s := make([]float32, n), make([]float32, n), make([]float32, 1)
	for i := range x {
		x[i] = float32(i-n/2) / 64
	}
	machine := must(kernels.NewCPU(kernels.Options{Threads: 1}))(t)
	defer machine.Close()
	relu, sum := kernels.ReLU{N: n}, kernels.SumSquares{N: n}
	check(t, machine.Run(relu, []kernels.Buf{{F: x}, {F: y}}))
	check(t, machine.Run(sum, []kernels.Buf{{F: y}, {F: s}}))

	stream := must(g.NewStream())(t)
	pool := g.NewPool(stream, 1<<20)
	set := must(cgo.NewKernels(g))(t)
	ctx, stop := context.WithTimeout(background, time.Minute)
	defer stop()
	plans := []launch.Plan{must(launch.For(relu))(t), must(launch.For(sum))(t)}
	dx, dy, ds := must(pool.Alloc(ctx, 4*n))(t), must(pool.Alloc(ctx, 4*n))(t), must(pool.Alloc(ctx, 4))(t)
	workspace := must(pool.Alloc(ctx, uint64(4*max(plans[0].Workspace, plans[1].Workspace))))(t)
	step := func() error {
		return errors.Join(set.Enqueue(ctx, stream, plans[0], []cgo.Buffer{dx, dy}, workspace),
			set.Enqueue(ctx, stream, plans[1], []cgo.Buffer{dy, ds}, workspace))
	}
	check(t, stream.Upload(ctx, dx, words(x)))
	check(t, step()) // compiles the kernels
	graph := must(stream.Capture(ctx, step))(t)
	for range 10 {
		got := make([]byte, 4)
		check(t, errors.Join(stream.Fill(ctx, ds, 0xffffffff), stream.Fill(ctx, dy, 0xffffffff)))
		check(t, graph.Launch(ctx, stream))
		check(t, stream.Download(ctx, got, ds))
		if want := words(s); string(got) != string(want) {
			t.Fatalf("%x, the CPU has %x", got, want)
		}
	}
	check(t, pool.Close(ctx))
	check(t, graph.Close())
	check(t, stream.Close(ctx))
	check(t, set.Close())
}
