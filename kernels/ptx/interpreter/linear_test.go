package interpreter

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/launch"
)

// What the compiler made of a fused layer still gives the bytes of its operators, in every tile and cut.
func TestAFusedLayerGivesTheBytesOfItsOperators(t *testing.T) {
	cpu, err := kernels.NewCPU(kernels.Options{ISA: kernels.Generic, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer cpu.Close()
	m := machine(t, 1)
	for _, l := range []launch.Linear{
		{M: 3, N: 5, K: 7, Activation: kernels.ReLU{N: 15}, Profile: kernels.ProfileF32},
		{M: 2, N: 33, K: 9, Activation: kernels.SiLU{N: 66}, Profile: kernels.ProfileF32},
		{M: 33, N: 2, K: 16, Activation: kernels.GELU{N: 66}, Profile: kernels.ProfileF32},
		{M: 1, N: 3, K: 513, Activation: kernels.GELUTanh{N: 3}, Profile: kernels.ProfileF32},
		{M: 1, N: 1, K: 0, Activation: kernels.Tanh{N: 1}, Profile: kernels.ProfileF32},
		{M: 2, N: 2, K: 3, Activation: kernels.Sigmoid{N: 4}, Profile: kernels.ProfileF32},
		{M: 5, N: 6, K: 8, Profile: kernels.ProfileF32},
	} {
		r := rand.New(rand.NewPCG(uint64(l.M*l.N), uint64(l.K)))
		numbers := func(n int) kernels.Buf {
			x := make([]float32, n)
			for i := range x {
				x[i] = float32(r.NormFloat64())
			}
			return kernels.Buf{F: x}
		}
		a, b, bias := numbers(l.M*l.K), numbers(l.N*l.K), numbers(l.N)
		y, z := numbers(l.M*l.N), numbers(l.M*l.N)
		run := func(op kernels.Operator, bufs ...kernels.Buf) {
			if err := cpu.Run(op, bufs); err != nil {
				t.Fatal(err)
			}
		}
		run(kernels.Gemm{M: l.M, N: l.N, K: l.K, TransB: true, Profile: l.Profile}, a, b, y)
		run(kernels.BiasAdd{N: l.M, C: l.N, P: 1}, y, bias, y)
		z = y
		if l.Activation != nil {
			z = numbers(l.M * l.N)
			run(l.Activation, y, z)
		}
		plans, err := l.Variants()
		if err != nil {
			t.Fatal(err)
		}
		for i, plan := range plans {
			m.Plan = func(kernels.Operator) (launch.Plan, error) { return plan, nil }
			gotY, gotZ := numbers(l.M*l.N), numbers(l.M*l.N)
			operands := []kernels.Buf{a, b, bias, gotY, gotZ}
			if l.Activation == nil {
				operands, gotZ = operands[:4], gotY
			}
			if err := m.Run(kernels.Zero{}, operands); err != nil {
				t.Fatal(err)
			}
			for k := range y.F {
				if math.Float32bits(gotY.F[k]) != math.Float32bits(y.F[k]) || math.Float32bits(gotZ.F[k]) != math.Float32bits(z.F[k]) {
					t.Fatalf("%+v, plan %d, element %d: %v and %v, want %v and %v", l, i, k, gotY.F[k], gotZ.F[k], y.F[k], z.F[k])
				}
			}
		}
	}
}
