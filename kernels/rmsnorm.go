package kernels

// RMSNorm divides each row by its root mean square and multiplies by gamma (Zhang and Sennrich,
// arXiv 1910.07467). contract.md section 7.4.
//
//	x[Rows,Cols], gamma[Cols] -> y[Rows,Cols], rstd[Rows]
type RMSNorm struct {
	Rows, Cols int
	Eps        float32
}

func (o RMSNorm) Name() string { return "rms_norm" }
func (o RMSNorm) Operands() []Operand {
	n := o.Rows * o.Cols
	return []Operand{
		{"x", F32, n, In}, {"gamma", F32, o.Cols, In}, {"y", F32, n, Out}, {"rstd", F32, o.Rows, Out},
	}
}
func (o RMSNorm) pieces(_ *CPU, phase int) int { return onePhase(phase, rowPieces(o.Rows, o.Cols)) }
func (o RMSNorm) piece(w *worker, _, i int, b []Buf) {
	inv := inverse(o.Cols)
	lo, hi := rowRange(i, o.Rows, o.Cols)
	for r := lo; r < hi; r++ {
		x, y := b[0].F[r*o.Cols:(r+1)*o.Cols], b[2].F[r*o.Cols:(r+1)*o.Cols]
		rs := rsqrt(float32(w.vec.rowSumSquares(x)*inv) + o.Eps)
		w.vec.rmsNorm(y, x, b[1].F, rs)
		b[3].F[r] = rs
	}
}

func rmsNormLoop(y, x, gamma []float32, rs float32) {
	y, gamma = y[:len(x)], gamma[:len(x)]
	for i, v := range x {
		y[i] = float32(float32(v*rs) * gamma[i])
	}
}

// RMSNormGrad is the gradient of RMSNorm, contract.md section 7.4: that of LayerNorm with a mean of
// +0 and without its first correction.
//
//	x[Rows,Cols], gamma[Cols], rstd[Rows], dy[Rows,Cols] -> dx[Rows,Cols], dgamma[Cols]
type RMSNormGrad struct{ Rows, Cols int }

func (o RMSNormGrad) Name() string { return "rms_norm_grad" }
func (o RMSNormGrad) Operands() []Operand {
	n := o.Rows * o.Cols
	return []Operand{
		{"x", F32, n, In}, {"gamma", F32, o.Cols, In}, {"rstd", F32, o.Rows, In}, {"dy", F32, n, In},
		{"dx", F32, n, Out}, {"dgamma", F32, o.Cols, Out},
	}
}

func (o RMSNormGrad) pieces(_ *CPU, phase int) int {
	return onePhase(phase, rowPieces(o.Rows, o.Cols)+columnPieces(o.Cols))
}

func (o RMSNormGrad) piece(w *worker, _, i int, b []Buf) {
	x, gamma, rstd, dy := b[0].F, b[1].F, b[2].F, b[3].F
	if n := rowPieces(o.Rows, o.Cols); i >= n {
		lo, hi := columnRange(i-n, o.Cols)
		s := w.columnSums(2 * (hi - lo))
		for r := range o.Rows {
			s.next(w.vec, r)
			at := r * o.Cols
			w.vec.normParams(s.chunk[:hi-lo], s.chunk[hi-lo:], x[at+lo:at+hi], dy[at+lo:at+hi], 0, rstd[r])
		}
		s.end(w.vec)
		copy(b[5].F[lo:hi], s.total[:hi-lo])
		return
	}
	lo, hi := rowRange(i, o.Rows, o.Cols)
	for r := lo; r < hi; r++ {
		at, end := r*o.Cols, (r+1)*o.Cols
		normGradRow(w.vec, b[4].F[at:end], dy[at:end], gamma, x[at:end], 0, rstd[r], false)
	}
}
