package kernels

import "math"

// Add is c = a + b, contract.md section 4.1.
//
//	a[N], b[N] -> c[N]
type Add struct{ N int }

func (o Add) Name() string { return "add" }
func (o Add) Operands() []Operand {
	return []Operand{{"a", F32, o.N, In}, {"b", F32, o.N, In}, {"c", F32, o.N, Out}}
}
func (Add) inPlace() int                   { return 2 }
func (Add) kernel() Kernel                 { return Kernel{Name: "drn1_add"} }
func (o Add) pieces(_ *CPU, phase int) int { return onePhase(phase, elementPieces(o.N)) }
func (o Add) piece(w *worker, _, i int, b []Buf) {
	lo, hi := elementRange(i, o.N)
	w.vec.add(b[2].F[lo:hi], b[0].F[lo:hi], b[1].F[lo:hi])
}

func addLoop(c, a, b []float32) {
	b, c = b[:len(a)], c[:len(a)]
	for i, v := range a {
		c[i] = v + b[i]
	}
}

// BiasAdd is y[n,c,p] = x[n,c,p] + b[c], contract.md section 4.1. P is 1 for a linear layer and the
// number of pixels for a convolution.
//
//	x[N,C,P], b[C] -> y[N,C,P]
type BiasAdd struct{ N, C, P int }

func (o BiasAdd) Name() string { return "bias_add" }
func (o BiasAdd) Operands() []Operand {
	n := o.N * o.C * o.P
	return []Operand{{"x", F32, n, In}, {"b", F32, o.C, In}, {"y", F32, n, Out}}
}
func (BiasAdd) inPlace() int     { return 1 }
func (o BiasAdd) kernel() Kernel { return Kernel{"drn1_bias_add", []uint32{uint32(o.C), uint32(o.P)}} }

func (o BiasAdd) pieces(_ *CPU, phase int) int {
	if o.P == 1 {
		return onePhase(phase, rowPieces(o.N, o.C))
	}
	return onePhase(phase, rowPieces(o.N*o.C, o.P))
}

func (o BiasAdd) piece(w *worker, _, i int, b []Buf) {
	x, bias, y := b[0].F, b[1].F, b[2].F
	if o.P == 1 {
		lo, hi := rowRange(i, o.N, o.C)
		w.vec.addRows(y[lo*o.C:hi*o.C], x[lo*o.C:hi*o.C], bias)
		return
	}
	lo, hi := rowRange(i, o.N*o.C, o.P)
	for r := lo; r < hi; r++ {
		w.vec.addScalar(y[r*o.P:(r+1)*o.P], x[r*o.P:(r+1)*o.P], bias[r%o.C])
	}
}

func addRowsLoop(y, x, b []float32) {
	for r := 0; r < len(x); r += len(b) {
		for j, v := range b {
			y[r+j] = x[r+j] + v
		}
	}
}

func addScalarLoop(y, x []float32, s float32) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] = v + s
	}
}

// Sub is c = a - b, contract.md section 4.1.
//
//	a[N], b[N] -> c[N]
type Sub struct{ N int }

func (o Sub) Name() string { return "sub" }
func (o Sub) Operands() []Operand {
	return []Operand{{"a", F32, o.N, In}, {"b", F32, o.N, In}, {"c", F32, o.N, Out}}
}
func (Sub) inPlace() int                   { return 2 }
func (Sub) kernel() Kernel                 { return Kernel{Name: "drn1_sub"} }
func (o Sub) pieces(_ *CPU, phase int) int { return onePhase(phase, elementPieces(o.N)) }
func (o Sub) piece(w *worker, _, i int, b []Buf) {
	lo, hi := elementRange(i, o.N)
	w.vec.sub(b[2].F[lo:hi], b[0].F[lo:hi], b[1].F[lo:hi])
}

func subLoop(c, a, b []float32) {
	b, c = b[:len(a)], c[:len(a)]
	for i, v := range a {
		c[i] = v - b[i]
	}
}

// Shift is y = x + S, contract.md section 4.1.
//
//	x[N] -> y[N]
type Shift struct {
	N int
	S float32
}

func (o Shift) Name() string                 { return "shift" }
func (o Shift) Operands() []Operand          { return mapOperands(o.N) }
func (Shift) inPlace() int                   { return 1 }
func (o Shift) kernel() Kernel               { return Kernel{"drn1_shift", []uint32{math.Float32bits(o.S)}} }
func (o Shift) pieces(_ *CPU, phase int) int { return onePhase(phase, elementPieces(o.N)) }
func (o Shift) piece(w *worker, _, i int, b []Buf) {
	lo, hi := elementRange(i, o.N)
	w.vec.addScalar(b[1].F[lo:hi], b[0].F[lo:hi], o.S)
}
