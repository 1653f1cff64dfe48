package kernels

import "math"

// softplus is log(1 + e to the x), from the side of e that does not overflow. contract.md section 6.12.
func softplus(x float32) float32 {
	t := log(1 + exp(-float32(math.Abs(float64(x)))))
	if x > 0 {
		return x + t
	}
	return t
}

// Softplus is log(1 + e to the x), contract.md section 6.12.
//
//	x[N] -> y[N]
type Softplus struct{ N int }

func (o Softplus) Name() string                 { return "softplus" }
func (o Softplus) Operands() []Operand          { return mapOperands(o.N) }
func (Softplus) inPlace() int                   { return 1 }
func (Softplus) kernel() Kernel                 { return Kernel{Name: "drn1_softplus"} }
func (o Softplus) pieces(_ *CPU, phase int) int { return onePhase(phase, elementPieces(o.N)) }
func (o Softplus) piece(w *worker, _, i int, b []Buf) {
	lo, hi := elementRange(i, o.N)
	w.vec.softplus(b[1].F[lo:hi], b[0].F[lo:hi])
}

func softplusLoop(y, x []float32) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] = softplus(v)
	}
}

// SoftplusGrad is the gradient of Softplus: dx = dy*sigmoid(x). contract.md section 6.12.
//
//	x[N], dy[N] -> dx[N]
type SoftplusGrad struct{ N int }

func (o SoftplusGrad) Name() string                 { return "softplus_grad" }
func (o SoftplusGrad) Operands() []Operand          { return gradOperands(o.N) }
func (SoftplusGrad) inPlace() int                   { return 2 }
func (SoftplusGrad) kernel() Kernel                 { return Kernel{Name: "drn1_softplus_grad"} }
func (o SoftplusGrad) pieces(_ *CPU, phase int) int { return onePhase(phase, elementPieces(o.N)) }
func (o SoftplusGrad) piece(w *worker, _, i int, b []Buf) {
	lo, hi := elementRange(i, o.N)
	w.vec.softplusGrad(b[2].F[lo:hi], b[0].F[lo:hi], b[1].F[lo:hi])
}

func softplusGradLoop(dx, x, dy []float32) {
	dx, dy = dx[:len(x)], dy[:len(x)]
	for i, v := range x {
		dx[i] = float32(dy[i] * sigmoid(v))
	}
}
