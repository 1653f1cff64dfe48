package kernels

// hardSwish is x times a sixth of x + 3 between 0 and 6, contract.md section 6.9.
func hardSwish(x float32) float32 {
	return float32(float32(x*clamp(x+3, 0, 6)) * 0x1.555556p-3)
}

// HardSwish is (x * (x + 3 between 0 and 6)) * 1/6, contract.md section 6.9.
//
//	x[N] -> y[N]
type HardSwish struct{ N int }

func (o HardSwish) Name() string                 { return "hard_swish" }
func (o HardSwish) Operands() []Operand          { return mapOperands(o.N) }
func (HardSwish) inPlace() int                   { return 1 }
func (HardSwish) kernel() Kernel                 { return Kernel{Name: "drn1_hard_swish"} }
func (o HardSwish) pieces(_ *CPU, phase int) int { return onePhase(phase, elementPieces(o.N)) }
func (o HardSwish) piece(w *worker, _, i int, b []Buf) {
	lo, hi := elementRange(i, o.N)
	w.vec.hardSwish(b[1].F[lo:hi], b[0].F[lo:hi])
}

func hardSwishLoop(y, x []float32) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] = hardSwish(v)
	}
}

// HardSwishGrad is the gradient of HardSwish: dx = +0 up to -3, dy from 3 on, dy*(x/3 + 1/2) between. contract.md section 6.9.
//
//	x[N], dy[N] -> dx[N]
type HardSwishGrad struct{ N int }

func (o HardSwishGrad) Name() string                 { return "hard_swish_grad" }
func (o HardSwishGrad) Operands() []Operand          { return gradOperands(o.N) }
func (HardSwishGrad) inPlace() int                   { return 2 }
func (HardSwishGrad) kernel() Kernel                 { return Kernel{Name: "drn1_hard_swish_grad"} }
func (o HardSwishGrad) pieces(_ *CPU, phase int) int { return onePhase(phase, elementPieces(o.N)) }
func (o HardSwishGrad) piece(w *worker, _, i int, b []Buf) {
	lo, hi := elementRange(i, o.N)
	w.vec.hardSwishGrad(b[2].F[lo:hi], b[0].F[lo:hi], b[1].F[lo:hi])
}

func hardSwishGradLoop(dx, x, dy []float32) {
	dx, dy = dx[:len(x)], dy[:len(x)]
	for i, v := range x {
		d := dy[i]
		switch {
		case v <= -3:
			d = 0
		case !(v >= 3):
			d = float32(d * mad(v, 0x1.555556p-2, 0.5))
		}
		dx[i] = d
	}
}
