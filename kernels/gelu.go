package kernels

// gelu is x times the normal distribution function, by erf: (0.5*x)*(1 + erf(x/sqrt 2)).
// contract.md section 5.8.
func gelu(x float32) float32 {
	return float32(float32(0.5*x) * (1 + erf(float32(x*0x1.6a09e6p-1))))
}

// geluSlope is the derivative of gelu: distribution plus x times density. contract.md section 6.5.
func geluSlope(x float32) float32 {
	c := float32(0.5 * (1 + erf(float32(x*0x1.6a09e6p-1))))
	d := float32(0x1.988454p-2 * exp(float32(-0.5*float32(x*x))))
	return mad(x, d, c)
}

// GELU is the Gaussian error linear unit of contract.md section 5.8.
//
//	x[N] -> y[N]
type GELU struct{ N int }

func (o GELU) Name() string                 { return "gelu" }
func (o GELU) Operands() []Operand          { return mapOperands(o.N) }
func (GELU) inPlace() int                   { return 1 }
func (GELU) kernel() Kernel                 { return Kernel{Name: "drn1_gelu"} }
func (GELU) activation() int                { return 3 }
func (o GELU) pieces(_ *CPU, phase int) int { return onePhase(phase, elementPieces(o.N)) }
func (o GELU) piece(w *worker, _, i int, b []Buf) {
	lo, hi := elementRange(i, o.N)
	w.vec.gelu(b[1].F[lo:hi], b[0].F[lo:hi])
}

func geluLoop(y, x []float32) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] = gelu(v)
	}
}

// GELUGrad is the gradient of GELU: dx = dy*geluSlope(x). contract.md section 6.5.
//
//	x[N], dy[N] -> dx[N]
type GELUGrad struct{ N int }

func (o GELUGrad) Name() string                 { return "gelu_grad" }
func (o GELUGrad) Operands() []Operand          { return gradOperands(o.N) }
func (GELUGrad) inPlace() int                   { return 2 }
func (GELUGrad) kernel() Kernel                 { return Kernel{Name: "drn1_gelu_grad"} }
func (o GELUGrad) pieces(_ *CPU, phase int) int { return onePhase(phase, elementPieces(o.N)) }
func (o GELUGrad) piece(w *worker, _, i int, b []Buf) {
	lo, hi := elementRange(i, o.N)
	w.vec.geluGrad(b[2].F[lo:hi], b[0].F[lo:hi], b[1].F[lo:hi])
}

func geluGradLoop(dx, x, dy []float32) {
	dx, dy = dx[:len(x)], dy[:len(x)]
	for i, v := range x {
		dx[i] = float32(dy[i] * geluSlope(v))
	}
}
