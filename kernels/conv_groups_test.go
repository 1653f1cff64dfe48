package kernels

import (
	"math"
	"testing"
)

// alone runs op on a CPU of the reference and returns its last operand.
func alone(t *testing.T, op Operator, in ...[]float32) []float32 {
	t.Helper()
	cpu, err := NewCPU(Options{ISA: Generic, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer cpu.Close()
	var bufs []Buf
	for _, x := range in {
		bufs = append(bufs, Buf{F: x})
	}
	operands := op.Operands()
	out := make([]float32, operands[len(operands)-1].Len)
	if err := cpu.Run(op, append(bufs, Buf{F: out})); err != nil {
		t.Fatal(err)
	}
	return out
}

// Each group, cut out, gives by the dense operator what it gives in its place.
func TestAGroupIsAConvolutionOfItsOwn(t *testing.T) {
	whole := ConvShape{N: 2, C: 6, H: 7, W: 5, O: 9, KH: 3, KW: 2, StrideH: 2, StrideW: 1, PadH: 1, PadW: 1, Groups: 3, Profile: ProfileF32}
	part := whole
	part.C, part.O, part.Groups = 2, 3, 1
	in, out, weights := whole.H*whole.W, whole.OutH()*whole.OutW(), 3*part.taps()
	// cut takes the channels of group g, so many of so many in each image.
	cut := func(x []float32, g, channels, of, pixels int) (y []float32) {
		for n := range whole.N {
			y = append(y, x[(n*of+g*channels)*pixels:][:channels*pixels]...)
		}
		return y
	}
	same := func(what string, got, want []float32) {
		t.Helper()
		for i := range want {
			if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
				t.Fatalf("%s: element %d is %v, alone it is %v", what, i, got[i], want[i])
			}
		}
	}
	operands := operandsOf(Conv2D{whole})
	x, w := operands[0], operands[1]
	dy := operandsOf(Conv2DGradInput{whole})[0]
	y, dx, dw := alone(t, Conv2D{whole}, x, w), alone(t, Conv2DGradInput{whole}, dy, w), alone(t, Conv2DGradWeight{whole}, x, dy)
	for g := range 3 {
		xg, wg, dyg := cut(x, g, 2, 6, in), w[g*weights:][:weights], cut(dy, g, 3, 9, out)
		same("conv2d", cut(y, g, 3, 9, out), alone(t, Conv2D{part}, xg, wg))
		same("conv2d_grad_input", cut(dx, g, 2, 6, in), alone(t, Conv2DGradInput{part}, dyg, wg))
		same("conv2d_grad_weight", dw[g*weights:][:weights], alone(t, Conv2DGradWeight{part}, xg, dyg))
	}
}

// Taps that are apart are those of a larger filter with zeros between them, which change nothing within one chunk.
func TestADilatedFilterIsALargerOneWithZeros(t *testing.T) {
	s := ConvShape{N: 2, C: 3, H: 11, W: 9, O: 4, KH: 3, KW: 2, StrideH: 2, StrideW: 1, PadH: 2, PadW: 3, DilationH: 2, DilationW: 3, Profile: ProfileF32}
	large := s
	large.KH, large.KW, large.DilationH, large.DilationW = s.spanH(), s.spanW(), 1, 1
	place := func(i int) int {
		return (i/(s.KH*s.KW)*large.KH+i/s.KW%s.KH*2)*large.KW + i%s.KW*3
	}
	operands := operandsOf(Conv2D{s})
	x, w, dy := operands[0], operands[1], operandsOf(Conv2DGradInput{s})[0]
	wide := make([]float32, large.O*large.taps())
	for i, v := range w {
		wide[place(i)] = v
	}
	for _, c := range []struct{ got, want []float32 }{
		{alone(t, Conv2D{s}, x, w), alone(t, Conv2D{large}, x, wide)},
		{alone(t, Conv2DGradInput{s}, dy, w), alone(t, Conv2DGradInput{large}, dy, wide)},
	} {
		for i := range c.want {
			if math.Float32bits(c.got[i]) != math.Float32bits(c.want[i]) {
				t.Fatalf("element %d is %v, %v with zeros", i, c.got[i], c.want[i])
			}
		}
	}
	got, want := alone(t, Conv2DGradWeight{s}, x, dy), alone(t, Conv2DGradWeight{large}, x, dy)
	for i := range got {
		if math.Float32bits(got[i]) != math.Float32bits(want[place(i)]) {
			t.Fatalf("gradient of weight %d is %v, %v of the larger filter", i, got[i], want[place(i)])
		}
	}
}
