package kernels

// silu is x*sigmoid(x), contract.md section 5.7.
func silu(x float32) float32 { return float32(x * sigmoid(x)) }

// siluSlope is the derivative of silu: s*(1 + x*(1-s)) with s = sigmoid(x). contract.md section 6.4.
func siluSlope(x float32) float32 {
	s := sigmoid(x)
	return float32(s * mad(x, 1-s, 1))
}

// SiLU is x*sigmoid(x), contract.md section 5.7.
//
//	x[N] -> y[N]
type SiLU struct{ N int }

func (o SiLU) Name() string                 { return "silu" }
func (o SiLU) Operands() []Operand          { return mapOperands(o.N) }
func (SiLU) inPlace() int                   { return 1 }
func (SiLU) kernel() Kernel                 { return Kernel{Name: "drn1_silu"} }
func (SiLU) activation() int                { return 2 }
func (o SiLU) pieces(_ *CPU, phase int) int { return onePhase(phase, elementPieces(o.N)) }
func (o SiLU) piece(w *worker, _, i int, b []Buf) {
	lo, hi := elementRange(i, o.N)
	w.vec.silu(b[1].F[lo:hi], b[0].F[lo:hi])
}

func siluLoop(y, x []float32) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] = silu(v)
	}
}

// SiLUGrad is the gradient of SiLU: dx = dy*siluSlope(x). contract.md section 6.4.
//
//	x[N], dy[N] -> dx[N]
type SiLUGrad struct{ N int }

func (o SiLUGrad) Name() string                 { return "silu_grad" }
func (o SiLUGrad) Operands() []Operand          { return gradOperands(o.N) }
func (SiLUGrad) inPlace() int                   { return 2 }
func (SiLUGrad) kernel() Kernel                 { return Kernel{Name: "drn1_silu_grad"} }
func (o SiLUGrad) pieces(_ *CPU, phase int) int { return onePhase(phase, elementPieces(o.N)) }
func (o SiLUGrad) piece(w *worker, _, i int, b []Buf) {
	lo, hi := elementRange(i, o.N)
	w.vec.siluGrad(b[2].F[lo:hi], b[0].F[lo:hi], b[1].F[lo:hi])
}

func siluGradLoop(dx, x, dy []float32) {
	dx, dy = dx[:len(x)], dy[:len(x)]
	for i, v := range x {
		dx[i] = float32(dy[i] * siluSlope(v))
	}
}
