package kernels

import "math"

// ELU is y = x > 0 ? x : (exp(x) - 1)*Alpha, contract.md section 6.11.
//
//	x[N] -> y[N]
type ELU struct {
	N     int
	Alpha float32
}

func (o ELU) Name() string        { return "elu" }
func (o ELU) Operands() []Operand { return mapOperands(o.N) }
func (ELU) inPlace() int          { return 1 }
func (o ELU) kernel() Kernel {
	return Kernel{"drn1_elu", []uint32{math.Float32bits(o.Alpha)}}
}
func (o ELU) pieces(_ *CPU, phase int) int { return onePhase(phase, elementPieces(o.N)) }
func (o ELU) piece(w *worker, _, i int, b []Buf) {
	lo, hi := elementRange(i, o.N)
	w.vec.elu(b[1].F[lo:hi], b[0].F[lo:hi], o.Alpha)
}

func eluLoop(y, x []float32, alpha float32) {
	y = y[:len(x)]
	for i, v := range x {
		if !(v > 0) {
			v = float32((exp(v) - 1) * alpha)
		}
		y[i] = v
	}
}

// ELUGrad is the gradient of ELU: dx = x > 0 ? dy : dy*(exp(x)*Alpha). contract.md section 6.11.
//
//	x[N], dy[N] -> dx[N]
type ELUGrad struct {
	N     int
	Alpha float32
}

func (o ELUGrad) Name() string        { return "elu_grad" }
func (o ELUGrad) Operands() []Operand { return gradOperands(o.N) }
func (ELUGrad) inPlace() int          { return 2 }
func (o ELUGrad) kernel() Kernel {
	return Kernel{"drn1_elu_grad", []uint32{math.Float32bits(o.Alpha)}}
}
func (o ELUGrad) pieces(_ *CPU, phase int) int { return onePhase(phase, elementPieces(o.N)) }
func (o ELUGrad) piece(w *worker, _, i int, b []Buf) {
	lo, hi := elementRange(i, o.N)
	w.vec.eluGrad(b[2].F[lo:hi], b[0].F[lo:hi], b[1].F[lo:hi], o.Alpha)
}

func eluGradLoop(dx, x, dy []float32, alpha float32) {
	dx, dy = dx[:len(x)], dy[:len(x)]
	for i, v := range x {
		d := dy[i]
		if !(v > 0) {
			d = float32(d * float32(exp(v)*alpha))
		}
		dx[i] = d
	}
}
