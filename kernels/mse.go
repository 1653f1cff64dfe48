package kernels

import "math"

// MSE is the mean squared error of x against t, contract.md section 7.6.
//
//	x[N], t[N] -> loss[1]
type MSE struct{ N int }

func (o MSE) Name() string { return "mse" }
func (o MSE) Operands() []Operand {
	return []Operand{{"x", F32, o.N, In}, {"t", F32, o.N, In}, {"loss", F32, 1, Out}}
}
func (o MSE) pieces(c *CPU, phase int) int { return sumPieces(c, phase, o.N) }
func (o MSE) piece(w *worker, phase, i int, b []Buf) {
	if phase == 1 {
		b[2].F[0] = float32(w.vec.rowSum(w.cpu.partial) * inverse(o.N))
		return
	}
	lo, hi := blockRange(i, o.N)
	w.cpu.partial[i] = w.vec.sumDifferences(b[0].F[lo:hi], b[1].F[lo:hi])
}

func sumDifferencesLoop(x, t []float32) float32 {
	var l lanes
	t = t[:len(x)]
	for i, v := range x {
		d := v - t[i]
		l[i&127] += float32(d * d)
	}
	return l.sum()
}

// MSEGrad is (x-t)*Scale, where Scale is 2/N times the gradient of the loss. contract.md section
// 7.6.
//
//	x[N], t[N] -> dx[N]
type MSEGrad struct {
	N     int
	Scale float32
}

func (o MSEGrad) Name() string { return "mse_grad" }
func (o MSEGrad) Operands() []Operand {
	return []Operand{{"x", F32, o.N, In}, {"t", F32, o.N, In}, {"dx", F32, o.N, Out}}
}
func (MSEGrad) inPlace() int                   { return 2 }
func (o MSEGrad) kernel() Kernel               { return Kernel{"drn1_mse_grad", []uint32{math.Float32bits(o.Scale)}} }
func (o MSEGrad) pieces(_ *CPU, phase int) int { return onePhase(phase, elementPieces(o.N)) }
func (o MSEGrad) piece(w *worker, _, i int, b []Buf) {
	lo, hi := elementRange(i, o.N)
	w.vec.subScale(b[2].F[lo:hi], b[0].F[lo:hi], b[1].F[lo:hi], o.Scale)
}

func subScaleLoop(dx, x, t []float32, s float32) {
	dx, t = dx[:len(x)], t[:len(x)]
	for i, v := range x {
		dx[i] = float32((v - t[i]) * s)
	}
}
