package kernels

import (
	"math"
	"testing"
)

// outputOf is where output (i,j) of a product lies.
func outputOf(op Operator) func(i, j int) int {
	switch o := op.(type) {
	case Gemm:
		return func(i, j int) int { return i*o.N + j }
	case Matmul:
		return func(i, j int) int { return i*o.Each.N + j%o.Each.N }
	case Conv2D:
		p := o.OutH() * o.OutW()
		return func(i, j int) int { return (j/p%o.N*o.O+i)*p + j%p }
	case Conv2DGradInput:
		p := o.H * o.W
		return func(i, j int) int { return (j/p%o.N*o.C+i)*p + j%p }
	}
	o := op.(Conv2DGradWeight)
	return func(i, j int) int { return i*o.taps() + j%o.taps() }
}

func TestTheFactorsOfAProductAreThoseThatItsOutputsAreSumsOf(t *testing.T) {
	all := []Operator{
		Gemm{M: 5, N: 7, K: 600, Profile: ProfileF32}, Gemm{M: 5, N: 7, K: 9000, TransB: true, Profile: ProfileF32},
		Matmul{3, Gemm{M: 5, N: 7, K: 600, Profile: ProfileF32}}, Matmul{3, Gemm{M: 4, N: 3, K: 13, TransA: true, TransB: true, Profile: ProfileF32}},
		Gemm{M: 4, N: 3, K: 13, TransA: true, Profile: ProfileF32}, Gemm{M: 4, N: 3, K: 13, TransA: true, TransB: true, Profile: ProfileF32},
	}
	for _, s := range convShapes {
		if s.N*s.O*s.OutH()*s.OutW() < 4000 {
			all = append(all, Conv2D{s}, Conv2DGradInput{s}, Conv2DGradWeight{s})
		}
	}
	cpu, err := NewCPU(Options{ISA: Generic, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer cpu.Close()
	for _, op := range all {
		f, ok := FactorsOf(op)
		if !ok {
			t.Fatalf("%s has no factors", op.Name())
		}
		operands := operandsOf(op)
		bufs := make([]Buf, len(operands))
		for i := range operands {
			bufs[i].F = operands[i]
		}
		if err := cpu.Run(op, bufs); err != nil {
			t.Fatal(err)
		}
		at := outputOf(op)
		row := func(x Factor, i int) []float32 {
			all := make([]float32, f.K)
			for k := range all {
				if e := x.At(i, k); e >= 0 {
					all[k] = operands[x.Operand][e]
				}
			}
			return all
		}
		for i := range f.Groups * f.M {
			for j := i / f.M * f.N; j < (i/f.M+1)*f.N; j++ {
				got, want := ProfileF32.Dot(row(f.A, i), row(f.B, j)), operands[2][at(i, j)]
				if math.Float32bits(got) != math.Float32bits(want) {
					t.Fatalf("%+v: output %d, %d is %v, its factors give %v", op, i, j, want, got)
				}
			}
		}
		if f.Groups*f.M*f.N != len(operands[2]) {
			t.Errorf("%+v: %d x %d x %d outputs of %d", op, f.Groups, f.M, f.N, len(operands[2]))
		}
	}
	if _, ok := FactorsOf(Add{N: 3}); ok {
		t.Error("an addition is a product")
	}
}

func TestOnlyTermsThatChangeTheRunningSumAreEffective(t *testing.T) {
	negative, inf, nan := float32(math.Copysign(0, -1)), float32(math.Inf(1)), float32(math.NaN())
	for _, c := range []struct {
		a, b []float32
		want int
	}{
		{nil, nil, 0},
		{[]float32{1, 2, 3}, []float32{1, 1, 1}, 3},
		{[]float32{0, negative, 1}, []float32{5, 5, 0}, 0},
		{[]float32{1, 0x1p-25, 1}, []float32{1, 1, 1}, 2},        // half an ulp and less is absorbed
		{[]float32{1, 0x1p-24, 0x1p-23}, []float32{1, 1, 1}, 2},  // a tie goes to even
		{[]float32{0x1p-25, 1}, []float32{1, 1}, 2},              // but not where the sum is as small
		{[]float32{1, -1, 1}, []float32{1, 1, 1}, 3},             // a sum of zero is another one
		{[]float32{inf, 1, 2, 3}, []float32{1, 1, 1, 1}, 1},      // nothing changes an infinity
		{[]float32{inf, inf, 1, 1}, []float32{1, -1, 1, 1}, 2},   // but its opposite
		{[]float32{nan, 1, 2}, []float32{1, 1, 1}, 1},            // nor a NaN
		{[]float32{0x1p-149, 0x1p-76}, []float32{1, 0x1p-75}, 1}, // below all numbers
	} {
		if got := ProfileF32.Effective(c.a, c.b); got != c.want {
			t.Errorf("%v, %v: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
