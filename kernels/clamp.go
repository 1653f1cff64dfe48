package kernels

import "math"

// Clamp is x, Lo where x is below it, then Hi where that is above it. NaN and -0 pass. contract.md section 6.7.
//
//	x[N] -> y[N]
type Clamp struct {
	N      int
	Lo, Hi float32
}

func (o Clamp) Name() string        { return "clamp" }
func (o Clamp) Operands() []Operand { return mapOperands(o.N) }
func (Clamp) inPlace() int          { return 1 }
func (o Clamp) kernel() Kernel {
	return Kernel{"drn1_clamp", []uint32{math.Float32bits(o.Lo), math.Float32bits(o.Hi)}}
}
func (o Clamp) pieces(_ *CPU, phase int) int { return onePhase(phase, elementPieces(o.N)) }
func (o Clamp) piece(w *worker, _, i int, b []Buf) {
	lo, hi := elementRange(i, o.N)
	w.vec.clamp(b[1].F[lo:hi], b[0].F[lo:hi], o.Lo, o.Hi)
}

// clamp is v between lo and hi.
func clamp(v, lo, hi float32) float32 {
	if v < lo {
		v = lo
	}
	if v > hi {
		v = hi
	}
	return v
}

func clampLoop(y, x []float32, lo, hi float32) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] = clamp(v, lo, hi)
	}
}

// ClampGrad is dx = x < Lo or x > Hi ? +0 : dy. contract.md section 6.7. A bound of Clamp at which the gradient is +0 is the next
// number inside here.
//
//	x[N], dy[N] -> dx[N]
type ClampGrad struct {
	N      int
	Lo, Hi float32
}

func (o ClampGrad) Name() string        { return "clamp_grad" }
func (o ClampGrad) Operands() []Operand { return gradOperands(o.N) }
func (ClampGrad) inPlace() int          { return 2 }
func (o ClampGrad) kernel() Kernel {
	return Kernel{"drn1_clamp_grad", []uint32{math.Float32bits(o.Lo), math.Float32bits(o.Hi)}}
}
func (o ClampGrad) pieces(_ *CPU, phase int) int { return onePhase(phase, elementPieces(o.N)) }
func (o ClampGrad) piece(w *worker, _, i int, b []Buf) {
	lo, hi := elementRange(i, o.N)
	w.vec.clampGrad(b[2].F[lo:hi], b[0].F[lo:hi], b[1].F[lo:hi], o.Lo, o.Hi)
}

func clampGradLoop(dx, x, dy []float32, lo, hi float32) {
	dx, dy = dx[:len(x)], dy[:len(x)]
	for i, v := range x {
		d := dy[i]
		if v < lo || v > hi {
			d = 0
		}
		dx[i] = d
	}
}
