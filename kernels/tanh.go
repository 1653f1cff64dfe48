package kernels

import "math"

// tanh is the hyperbolic tangent with at most 1.332 ulp of error, contract.md section 5.3.
func tanh(x float32) float32 {
	if x != x {
		return nan()
	}
	a := math.Float32frombits(math.Float32bits(x) & 0x7fffffff)
	var y float32
	if a < 0.625 {
		u := float32(a * a)
		p := float32(0x1.3acde6p-9)
		p = mad(p, u, -0x1.1547fap-7)
		p = mad(p, u, 0x1.656cb2p-6)
		p = mad(p, u, -0x1.ba19acp-5)
		p = mad(p, u, 0x1.111136p-3)
		p = mad(p, u, -0x1.555556p-2)
		y = mad(float32(a*u), p, a)
	} else {
		b := a
		if b > 9.125 {
			b = 9.125
		}
		e := exp(b + b)
		y = 1 - 2/(e+1)
	}
	return copysign(y, x)
}

// Tanh is the hyperbolic tangent of section 5.3.
//
//	x[N] -> y[N]
type Tanh struct{ N int }

func (o Tanh) Name() string                 { return "tanh" }
func (o Tanh) Operands() []Operand          { return mapOperands(o.N) }
func (Tanh) inPlace() int                   { return 1 }
func (Tanh) kernel() Kernel                 { return Kernel{Name: "drn1_tanh_map"} }
func (Tanh) activation() int                { return 5 }
func (o Tanh) pieces(_ *CPU, phase int) int { return onePhase(phase, elementPieces(o.N)) }
func (o Tanh) piece(w *worker, _, i int, b []Buf) {
	lo, hi := elementRange(i, o.N)
	w.vec.tanh(b[1].F[lo:hi], b[0].F[lo:hi])
}

func tanhLoop(y, x []float32) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] = tanh(v)
	}
}

// TanhGrad is the gradient of Tanh from its output: dx = dy*(1-y*y). contract.md section 6.2.
//
//	y[N], dy[N] -> dx[N]
type TanhGrad struct{ N int }

func (o TanhGrad) Name() string                 { return "tanh_grad" }
func (o TanhGrad) Operands() []Operand          { return gradFromOutputOperands(o.N) }
func (TanhGrad) inPlace() int                   { return 2 }
func (TanhGrad) kernel() Kernel                 { return Kernel{Name: "drn1_tanh_grad"} }
func (o TanhGrad) pieces(_ *CPU, phase int) int { return onePhase(phase, elementPieces(o.N)) }
func (o TanhGrad) piece(w *worker, _, i int, b []Buf) {
	lo, hi := elementRange(i, o.N)
	w.vec.tanhGrad(b[2].F[lo:hi], b[0].F[lo:hi], b[1].F[lo:hi])
}

func tanhGradLoop(dx, y, dy []float32) {
	dx, dy = dx[:len(y)], dy[:len(y)]
	for i, v := range y {
		dx[i] = float32(dy[i] * (1 - float32(v*v)))
	}
}
