package doctor

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/launch"
	"github.com/verifyd/verifyd/verify/engine/enginetest"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/state"
)

// sizes are of what is timed.
type sizes struct {
	words  int // copied, and hashed
	gemm   int // rows and columns
	repeat int // runs that are timed together
	warm   int // steps of the training that do not count
	steps  int // that do
}

var (
	cpuSizes = sizes{words: 1 << 22, gemm: 384, repeat: 1, warm: 0, steps: 1}
	gpuSizes = sizes{words: 1 << 26, gemm: 4096, repeat: 10, warm: 2, steps: 20}
)

// measure times the device: of three tries, the fastest.
func (s *subject) measure(ctx context.Context, tr enginetest.Training) (*Speed, error) {
	n, g := s.sizes.words, s.sizes.gemm
	copied, multiplied, hashed, closing, err := s.work(ctx)
	if err != nil {
		return nil, err
	}
	speed := &Speed{}
	for _, m := range []struct {
		work func() error
		of   float64
		to   *float64
	}{{copied, 8 * float64(n), &speed.Copy}, {multiplied, 2 * float64(g) * float64(g) * float64(g), &speed.GEMM}, {hashed, 4 * float64(n), &speed.Hash}} {
		took, err := fastest(m.work)
		if err != nil {
			return nil, errors.Join(err, closing())
		}
		*m.to = m.of * float64(s.sizes.repeat) / took.Seconds()
	}
	if err := closing(); err != nil {
		return nil, err
	}
	speed.Step, err = s.step(ctx, tr)
	return speed, err
}

// noise is the bits of a number in [1, 2). A device that multiplies zeros is faster than one that works.
func noise(i int) uint32 { return 0x3f800000 | uint32(i)*2654435761>>9 }

// fastest runs work three times.
func fastest(work func() error) (time.Duration, error) {
	var best time.Duration
	for try := range 3 {
		start := time.Now()
		if err := work(); err != nil {
			return 0, err
		}
		if took := max(time.Since(start), 1); try == 0 || took < best {
			best = took
		}
	}
	return best, nil
}

// work prepares what is timed; each function does it s.sizes.repeat times.
func (s *subject) work(ctx context.Context) (copied, multiplied, hashed, closing func() error, err error) {
	n, g := s.sizes.words, s.sizes.gemm
	copying, product := kernels.Copy{N: n}, kernels.Gemm{M: g, N: g, K: g, Profile: kernels.ProfileF32}
	if s.runner != nil {
		spec := program.TensorSpec{Name: "copied", Kind: kernels.F32, Shape: []int{n}}
		layout, err := state.NewLayout(state.State, []program.TensorSpec{spec})
		if err != nil {
			return nil, nil, nil, nil, err
		}
		hasher := state.NewHasher(layout, s.runner.Threads())
		x, y, z := make([]float32, max(n, g*g)), make([]float32, max(n, g*g)), make([]float32, g*g)
		for i := range x {
			x[i] = math.Float32frombits(noise(i))
			y[i] = x[i]
		}
		times := func(work func() error) func() error {
			return func() error {
				for range s.sizes.repeat {
					if err := work(); err != nil {
						return err
					}
				}
				return nil
			}
		}
		return times(func() error { return s.runner.Run(copying, []kernels.Buf{{F: x[:n]}, {F: y[:n]}}) }),
			times(func() error {
				return s.runner.Run(product, []kernels.Buf{{F: x[:g*g]}, {F: y[:g*g]}, {F: z}})
			}),
			times(func() error { hasher.Digests([][]float32{x[:n]}); return nil }),
			func() error { return nil }, nil
	}
	return s.routines(ctx, copying, product)
}

// routines are the same on an accelerator, each a single routine.
func (s *subject) routines(ctx context.Context, copying kernels.Copy, product kernels.Gemm) (copied, multiplied, hashed, closing func() error, err error) {
	n, square := copying.N, product.M*product.N
	x, y := kernels.Range{Offset: 0, Words: n}, kernels.Range{Offset: n, Words: n}
	a, b, c := kernels.Range{Offset: 2 * n, Words: square}, kernels.Range{Offset: 2*n + square, Words: square}, kernels.Range{Offset: 2*n + 2*square, Words: square}
	pieces := launch.Pieces([]kernels.Range{x})
	table := kernels.Range{Offset: 2*n + 3*square, Words: 3 * len(pieces)}
	sums := kernels.Range{Offset: table.Offset + table.Words, Words: 8 * len(pieces)}
	odd := kernels.Range{Offset: sums.Offset + sums.Words, Words: len(pieces)}
	words := odd.Offset + odd.Words

	device, err := s.open(ctx, words)
	if err != nil {
		return nil, nil, nil, nil, err
	}
	closing = func() error { return device.Close(context.WithoutCancel(ctx)) }
	fail := func(err error) (func() error, func() error, func() error, func() error, error) {
		return nil, nil, nil, nil, errors.Join(err, closing())
	}
	if err := device.Write(ctx, table.Offset, launch.DigestTable(pieces)); err != nil {
		return fail(err)
	}
	numbers := make([]uint32, max(n, 2*square))
	for i := range numbers {
		numbers[i] = noise(i)
	}
	if err := errors.Join(device.Write(ctx, x.Offset, numbers[:n]), device.Write(ctx, a.Offset, numbers[:2*square])); err != nil {
		return fail(err)
	}
	copyPlan, err := launch.For(copying)
	if err != nil {
		return fail(err)
	}
	productPlan, err := launch.For(product)
	if err != nil {
		return fail(err)
	}
	var work [3]func() error
	for i, call := range []launch.Planned{
		{Plan: copyPlan, Operands: []kernels.Range{x, y}},
		{Plan: productPlan, Operands: []kernels.Range{a, b, c}},
		{Plan: launch.Digests(len(pieces)), Operands: []kernels.Range{{Words: words}, table, sums, odd}},
	} {
		var r launch.Routine
		for range s.sizes.repeat {
			r.Calls = append(r.Calls, call)
		}
		number, err := device.Record(ctx, r)
		if err != nil {
			return fail(err)
		}
		work[i] = func() error { return device.Run(ctx, number, nil, nil) }
	}
	return work[0], work[1], work[2], closing, nil
}

// step is the time of a training step with its digests.
func (s *subject) step(ctx context.Context, tr enginetest.Training) (seconds float64, err error) {
	e, err := s.engine.Start(ctx, tr.Spec)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, e.Close(context.WithoutCancel(ctx))) }()
	if err := e.Init(ctx, 1); err != nil {
		return 0, err
	}
	tr.Fill(e.X(), e.Y(), 0)
	var start time.Time
	for t := range s.sizes.warm + s.sizes.steps {
		if t == s.sizes.warm {
			start = time.Now()
		}
		if _, err := e.Step(ctx, uint64(t)); err != nil {
			return 0, err
		}
	}
	return time.Since(start).Seconds() / float64(s.sizes.steps), nil
}
