package kernels

import "math"

// LeakyReLU is y = x > 0 ? x : x*Slope, contract.md section 6.10.
//
//	x[N] -> y[N]
type LeakyReLU struct {
	N     int
	Slope float32
}

func (o LeakyReLU) Name() string        { return "leaky_relu" }
func (o LeakyReLU) Operands() []Operand { return mapOperands(o.N) }
func (LeakyReLU) inPlace() int          { return 1 }
func (o LeakyReLU) kernel() Kernel {
	return Kernel{"drn1_leaky_relu", []uint32{math.Float32bits(o.Slope)}}
}
func (o LeakyReLU) pieces(_ *CPU, phase int) int { return onePhase(phase, elementPieces(o.N)) }
func (o LeakyReLU) piece(w *worker, _, i int, b []Buf) {
	lo, hi := elementRange(i, o.N)
	w.vec.leakyReLU(b[1].F[lo:hi], b[0].F[lo:hi], o.Slope)
}

func leakyReLULoop(y, x []float32, slope float32) {
	y = y[:len(x)]
	for i, v := range x {
		if !(v > 0) {
			v = float32(v * slope)
		}
		y[i] = v
	}
}

// LeakyReLUGrad is the gradient of LeakyReLU: dx = x > 0 ? dy : dy*Slope. contract.md section 6.10.
//
//	x[N], dy[N] -> dx[N]
type LeakyReLUGrad struct {
	N     int
	Slope float32
}

func (o LeakyReLUGrad) Name() string        { return "leaky_relu_grad" }
func (o LeakyReLUGrad) Operands() []Operand { return gradOperands(o.N) }
func (LeakyReLUGrad) inPlace() int          { return 2 }
func (o LeakyReLUGrad) kernel() Kernel {
	return Kernel{"drn1_leaky_relu_grad", []uint32{math.Float32bits(o.Slope)}}
}
func (o LeakyReLUGrad) pieces(_ *CPU, phase int) int { return onePhase(phase, elementPieces(o.N)) }
func (o LeakyReLUGrad) piece(w *worker, _, i int, b []Buf) {
	lo, hi := elementRange(i, o.N)
	w.vec.leakyReLUGrad(b[2].F[lo:hi], b[0].F[lo:hi], b[1].F[lo:hi], o.Slope)
}

func leakyReLUGradLoop(dx, x, dy []float32, slope float32) {
	dx, dy = dx[:len(x)], dy[:len(x)]
	for i, v := range x {
		d := dy[i]
		if !(v > 0) {
			d = float32(d * slope)
		}
		dx[i] = d
	}
}
