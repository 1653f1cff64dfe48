package kernels

// geluTanh is the tanh form of GELU (Hendrycks and Gimpel, arXiv 1606.08415), contract.md section
// 5.9.
func geluTanh(x float32) float32 {
	u := float32(x * x)
	v := mad(float32(u*x), 0x1.6e4e26p-5, x)
	return float32(float32(0.5*x) * (1 + tanh(float32(v*0x1.988454p-1))))
}

// geluTanhSlope is the derivative of geluTanh, contract.md section 6.6.
func geluTanhSlope(x float32) float32 {
	u := float32(x * x)
	v := mad(float32(u*x), 0x1.6e4e26p-5, x)
	t := tanh(float32(v * 0x1.988454p-1))
	s := float32(float32(0.5*x) * (1 - float32(t*t)))
	w := float32(0x1.988454p-1 * mad(u, 0x1.12ba9ep-3, 1))
	return mad(s, w, float32(0.5*(1+t)))
}

// GELUTanh is the tanh form of GELU of contract.md section 5.9.
//
//	x[N] -> y[N]
type GELUTanh struct{ N int }

func (o GELUTanh) Name() string                 { return "gelu_tanh" }
func (o GELUTanh) Operands() []Operand          { return mapOperands(o.N) }
func (GELUTanh) inPlace() int                   { return 1 }
func (GELUTanh) kernel() Kernel                 { return Kernel{Name: "drn1_gelu_tanh"} }
func (GELUTanh) activation() int                { return 4 }
func (o GELUTanh) pieces(_ *CPU, phase int) int { return onePhase(phase, elementPieces(o.N)) }
func (o GELUTanh) piece(w *worker, _, i int, b []Buf) {
	lo, hi := elementRange(i, o.N)
	w.vec.geluTanh(b[1].F[lo:hi], b[0].F[lo:hi])
}

func geluTanhLoop(y, x []float32) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] = geluTanh(v)
	}
}

// GELUTanhGrad is the gradient of GELUTanh: dx = dy*geluTanhSlope(x). contract.md section 6.6.
//
//	x[N], dy[N] -> dx[N]
type GELUTanhGrad struct{ N int }

func (o GELUTanhGrad) Name() string                 { return "gelu_tanh_grad" }
func (o GELUTanhGrad) Operands() []Operand          { return gradOperands(o.N) }
func (GELUTanhGrad) inPlace() int                   { return 2 }
func (GELUTanhGrad) kernel() Kernel                 { return Kernel{Name: "drn1_gelu_tanh_grad"} }
func (o GELUTanhGrad) pieces(_ *CPU, phase int) int { return onePhase(phase, elementPieces(o.N)) }
func (o GELUTanhGrad) piece(w *worker, _, i int, b []Buf) {
	lo, hi := elementRange(i, o.N)
	w.vec.geluTanhGrad(b[2].F[lo:hi], b[0].F[lo:hi], b[1].F[lo:hi])
}

func geluTanhGradLoop(dx, x, dy []float32) {
	dx, dy = dx[:len(x)], dy[:len(x)]
	for i, v := range x {
		dx[i] = float32(dy[i] * geluTanhSlope(v))
	}
}
