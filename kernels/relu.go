package kernels

// ReLU is max(x, 0): y = x < 0 ? +0 : x. NaN and -0 pass. contract.md section 6.1.
//
//	x[N] -> y[N]
type ReLU struct{ N int }

func (o ReLU) Name() string                 { return "relu" }
func (o ReLU) Operands() []Operand          { return mapOperands(o.N) }
func (ReLU) inPlace() int                   { return 1 }
func (ReLU) kernel() Kernel                 { return Kernel{Name: "drn1_relu"} }
func (ReLU) activation() int                { return 1 }
func (o ReLU) pieces(_ *CPU, phase int) int { return onePhase(phase, elementPieces(o.N)) }
func (o ReLU) piece(w *worker, _, i int, b []Buf) {
	lo, hi := elementRange(i, o.N)
	w.vec.relu(b[1].F[lo:hi], b[0].F[lo:hi])
}

func reluLoop(y, x []float32) {
	y = y[:len(x)]
	for i, v := range x {
		if v < 0 {
			v = 0
		}
		y[i] = v
	}
}

// ReLUGrad is the gradient of ReLU: dx = x <= 0 ? +0 : dy. contract.md section 6.1.
//
//	x[N], dy[N] -> dx[N]
type ReLUGrad struct{ N int }

func (o ReLUGrad) Name() string                 { return "relu_grad" }
func (o ReLUGrad) Operands() []Operand          { return gradOperands(o.N) }
func (ReLUGrad) inPlace() int                   { return 2 }
func (ReLUGrad) kernel() Kernel                 { return Kernel{Name: "drn1_relu_grad"} }
func (o ReLUGrad) pieces(_ *CPU, phase int) int { return onePhase(phase, elementPieces(o.N)) }
func (o ReLUGrad) piece(w *worker, _, i int, b []Buf) {
	lo, hi := elementRange(i, o.N)
	w.vec.reluGrad(b[2].F[lo:hi], b[0].F[lo:hi], b[1].F[lo:hi])
}

func reluGradLoop(dx, x, dy []float32) {
	dx, dy = dx[:len(x)], dy[:len(x)]
	for i, v := range x {
		d := dy[i]
		if v <= 0 {
			d = 0
		}
		dx[i] = d
	}
}
