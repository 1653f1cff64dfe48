package kernels

// hardSigmoid is a sixth of x + 3 between 0 and 6, contract.md section 6.8.
func hardSigmoid(x float32) float32 { return float32(clamp(x+3, 0, 6) * 0x1.555556p-3) }

// HardSigmoid is (x + 3 between 0 and 6) * 1/6, contract.md section 6.8.
//
//	x[N] -> y[N]
type HardSigmoid struct{ N int }

func (o HardSigmoid) Name() string                 { return "hard_sigmoid" }
func (o HardSigmoid) Operands() []Operand          { return mapOperands(o.N) }
func (HardSigmoid) inPlace() int                   { return 1 }
func (HardSigmoid) kernel() Kernel                 { return Kernel{Name: "drn1_hard_sigmoid"} }
func (o HardSigmoid) pieces(_ *CPU, phase int) int { return onePhase(phase, elementPieces(o.N)) }
func (o HardSigmoid) piece(w *worker, _, i int, b []Buf) {
	lo, hi := elementRange(i, o.N)
	w.vec.hardSigmoid(b[1].F[lo:hi], b[0].F[lo:hi])
}

func hardSigmoidLoop(y, x []float32) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] = hardSigmoid(v)
	}
}

// HardSigmoidGrad is the gradient of HardSigmoid: dx = dy * 1/6 where -3 < x < 3, else +0; NaN counts as inside. contract.md section 6.8.
//
//	x[N], dy[N] -> dx[N]
type HardSigmoidGrad struct{ N int }

func (o HardSigmoidGrad) Name() string                 { return "hard_sigmoid_grad" }
func (o HardSigmoidGrad) Operands() []Operand          { return gradOperands(o.N) }
func (HardSigmoidGrad) inPlace() int                   { return 2 }
func (HardSigmoidGrad) kernel() Kernel                 { return Kernel{Name: "drn1_hard_sigmoid_grad"} }
func (o HardSigmoidGrad) pieces(_ *CPU, phase int) int { return onePhase(phase, elementPieces(o.N)) }
func (o HardSigmoidGrad) piece(w *worker, _, i int, b []Buf) {
	lo, hi := elementRange(i, o.N)
	w.vec.hardSigmoidGrad(b[2].F[lo:hi], b[0].F[lo:hi], b[1].F[lo:hi])
}

func hardSigmoidGradLoop(dx, x, dy []float32) {
	dx, dy = dx[:len(x)], dy[:len(x)]
	for i, v := range x {
		d := float32(dy[i] * 0x1.555556p-3)
		if v <= -3 || v >= 3 {
			d = 0
		}
		dx[i] = d
	}
}
