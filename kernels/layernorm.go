package kernels

// LayerNorm normalises each row to mean 0 and variance 1, then applies gamma and beta. contract.md
// section 7.3.
//
//	x[Rows,Cols], gamma[Cols], beta[Cols] -> y[Rows,Cols], mean[Rows], rstd[Rows]
type LayerNorm struct {
	Rows, Cols int
	Eps        float32
}

func (o LayerNorm) Name() string { return "layer_norm" }
func (o LayerNorm) Operands() []Operand {
	n := o.Rows * o.Cols
	return []Operand{
		{"x", F32, n, In}, {"gamma", F32, o.Cols, In}, {"beta", F32, o.Cols, In},
		{"y", F32, n, Out}, {"mean", F32, o.Rows, Out}, {"rstd", F32, o.Rows, Out},
	}
}
func (o LayerNorm) pieces(_ *CPU, phase int) int { return onePhase(phase, rowPieces(o.Rows, o.Cols)) }
func (o LayerNorm) piece(w *worker, _, i int, b []Buf) {
	inv := inverse(o.Cols)
	lo, hi := rowRange(i, o.Rows, o.Cols)
	for r := lo; r < hi; r++ {
		x, y := b[0].F[r*o.Cols:(r+1)*o.Cols], b[3].F[r*o.Cols:(r+1)*o.Cols]
		mu := float32(w.vec.rowSum(x) * inv)
		rs := rsqrt(float32(w.vec.rowSumDeviations(x, mu)*inv) + o.Eps)
		w.vec.layerNorm(y, x, b[1].F, b[2].F, mu, rs)
		b[4].F[r], b[5].F[r] = mu, rs
	}
}

// rowSumDeviations is R128* of (x-mu)*(x-mu).
func (v *vector) rowSumDeviations(x []float32, mu float32) float32 {
	if len(x) <= r128Block {
		return v.sumDeviations(x, mu)
	}
	var f blockFold
	for i := range blocks(len(x)) {
		lo, hi := blockRange(i, len(x))
		f.add(v.sumDeviations(x[lo:hi], mu))
	}
	return f.sum()
}

func sumDeviationsLoop(x []float32, mu float32) float32 {
	var l lanes
	for i, v := range x {
		d := v - mu
		l[i&127] += float32(d * d)
	}
	return l.sum()
}

func layerNormLoop(y, x, gamma, beta []float32, mu, rs float32) {
	y, gamma, beta = y[:len(x)], gamma[:len(x)], beta[:len(x)]
	for i, v := range x {
		y[i] = mad(float32((v-mu)*rs), gamma[i], beta[i])
	}
}
