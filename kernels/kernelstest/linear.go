package kernelstest

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/launch"
)

// CheckLinear compares every plan of a fused layer with its operators one after another. With inPlace, the activation
// writes over its input.
func CheckLinear(runner Runner, l launch.Linear, inPlace bool) error {
	cpu, err := kernels.NewCPU(kernels.Options{ISA: kernels.Generic, Threads: 1})
	if err != nil {
		return err
	}
	defer cpu.Close()
	r := rand.New(rand.NewPCG(uint64(l.M*l.N), uint64(l.K)))
	numbers := func(n int) kernels.Buf {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(r.NormFloat64())
			switch r.IntN(20 + 100*l.K) { // most sums stay numbers
			case 0:
				x[i] = float32(math.Copysign(0, -1))
			case 1:
				x[i] = float32(math.Inf(1 - 2*r.IntN(2)))
			case 2:
				x[i] *= 1e-40
			}
		}
		return kernels.Buf{F: x}
	}
	a, b, bias := numbers(l.M*l.K), numbers(l.N*l.K), numbers(l.N)
	y := numbers(l.M * l.N)
	z := y
	if !inPlace {
		z = numbers(l.M * l.N)
	}
	clone := func(x kernels.Buf) kernels.Buf { return kernels.Buf{F: append([]float32(nil), x.F...)} }
	wantY, wantZ := clone(y), clone(z)
	if inPlace {
		wantZ = wantY
	}
	type step struct {
		op   kernels.Operator
		bufs []kernels.Buf
	}
	steps := []step{
		{kernels.Gemm{M: l.M, N: l.N, K: l.K, TransB: true, Profile: l.Profile}, []kernels.Buf{a, b, wantY}},
		{kernels.BiasAdd{N: l.M, C: l.N, P: 1}, []kernels.Buf{wantY, bias, wantY}},
	}
	if l.Activation != nil {
		steps = append(steps, step{l.Activation, []kernels.Buf{wantY, wantZ}})
	}
	for _, s := range steps {
		if err := cpu.Run(s.op, s.bufs); err != nil {
			return err
		}
	}
	plans, err := l.Variants()
	if err != nil {
		return err
	}
	chosen, err := l.Plan()
	if err != nil {
		return err
	}
	for i, plan := range append(plans, chosen) {
		gotY, gotZ := clone(y), clone(z)
		if inPlace {
			gotZ = gotY
		}
		operands := []kernels.Buf{a, b, bias, gotY, gotZ}
		if l.Activation == nil {
			operands = operands[:4]
		}
		if err := runner.Execute(plan, operands); err != nil {
			return err
		}
		for k := range gotY.F {
			for _, p := range [][2]float32{{gotY.F[k], wantY.F[k]}, {gotZ.F[k], wantZ.F[k]}} {
				if math.Float32bits(p[0]) != math.Float32bits(p[1]) && (p[0] == p[0] || p[1] == p[1]) {
					return fmt.Errorf("%+v, plan %d, element %d: %v, want %v", l, i, k, p[0], p[1])
				}
			}
		}
	}
	return nil
}
