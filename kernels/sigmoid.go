package kernels

// sigmoid is 1/(1+exp(-x)), contract.md section 5.6.
func sigmoid(x float32) float32 { return 1 / (1 + exp(-x)) }

// Sigmoid is the logistic function of contract.md section 5.6.
//
//	x[N] -> y[N]
type Sigmoid struct{ N int }

func (o Sigmoid) Name() string                 { return "sigmoid" }
func (o Sigmoid) Operands() []Operand          { return mapOperands(o.N) }
func (Sigmoid) inPlace() int                   { return 1 }
func (Sigmoid) kernel() Kernel                 { return Kernel{Name: "drn1_sigmoid_map"} }
func (Sigmoid) activation() int                { return 6 }
func (o Sigmoid) pieces(_ *CPU, phase int) int { return onePhase(phase, elementPieces(o.N)) }
func (o Sigmoid) piece(w *worker, _, i int, b []Buf) {
	lo, hi := elementRange(i, o.N)
	w.vec.sigmoid(b[1].F[lo:hi], b[0].F[lo:hi])
}

func sigmoidLoop(y, x []float32) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] = sigmoid(v)
	}
}

// SigmoidGrad is the gradient of Sigmoid from its output: dx = dy*(y*(1-y)). contract.md section 6.3.
//
//	y[N], dy[N] -> dx[N]
type SigmoidGrad struct{ N int }

func (o SigmoidGrad) Name() string                 { return "sigmoid_grad" }
func (o SigmoidGrad) Operands() []Operand          { return gradFromOutputOperands(o.N) }
func (SigmoidGrad) inPlace() int                   { return 2 }
func (SigmoidGrad) kernel() Kernel                 { return Kernel{Name: "drn1_sigmoid_grad"} }
func (o SigmoidGrad) pieces(_ *CPU, phase int) int { return onePhase(phase, elementPieces(o.N)) }
func (o SigmoidGrad) piece(w *worker, _, i int, b []Buf) {
	lo, hi := elementRange(i, o.N)
	w.vec.sigmoidGrad(b[2].F[lo:hi], b[0].F[lo:hi], b[1].F[lo:hi])
}

func sigmoidGradLoop(dx, y, dy []float32) {
	dx, dy = dx[:len(y)], dy[:len(y)]
	for i, v := range y {
		dx[i] = float32(dy[i] * float32(v*(1-v)))
	}
}
