package kernels

// LayerNormGrad is the gradient of LayerNorm, contract.md section 7.3. dgamma and dbeta are summed
// over the rows in the order of a GEMM.
//
//	x[Rows,Cols], gamma[Cols], mean[Rows], rstd[Rows], dy[Rows,Cols]
//	-> dx[Rows,Cols], dgamma[Cols], dbeta[Cols]
type LayerNormGrad struct{ Rows, Cols int }

func (o LayerNormGrad) Name() string { return "layer_norm_grad" }
func (o LayerNormGrad) Operands() []Operand {
	n := o.Rows * o.Cols
	return []Operand{
		{"x", F32, n, In}, {"gamma", F32, o.Cols, In}, {"mean", F32, o.Rows, In},
		{"rstd", F32, o.Rows, In}, {"dy", F32, n, In},
		{"dx", F32, n, Out}, {"dgamma", F32, o.Cols, Out}, {"dbeta", F32, o.Cols, Out},
	}
}

// pieces are first blocks of rows of dx, then blocks of columns of dgamma and dbeta.
func (o LayerNormGrad) pieces(_ *CPU, phase int) int {
	return onePhase(phase, rowPieces(o.Rows, o.Cols)+columnPieces(o.Cols))
}

func (o LayerNormGrad) piece(w *worker, _, i int, b []Buf) {
	x, gamma, mean, rstd, dy := b[0].F, b[1].F, b[2].F, b[3].F, b[4].F
	if n := rowPieces(o.Rows, o.Cols); i >= n {
		lo, hi := columnRange(i-n, o.Cols)
		s := w.columnSums(2 * (hi - lo))
		for r := range o.Rows {
			s.next(w.vec, r)
			at := r * o.Cols
			w.vec.normParams(s.chunk[:hi-lo], s.chunk[hi-lo:], x[at+lo:at+hi], dy[at+lo:at+hi], mean[r], rstd[r])
		}
		s.end(w.vec)
		copy(b[6].F[lo:hi], s.total[:hi-lo])
		copy(b[7].F[lo:hi], s.total[hi-lo:])
		return
	}
	lo, hi := rowRange(i, o.Rows, o.Cols)
	for r := lo; r < hi; r++ {
		at, end := r*o.Cols, (r+1)*o.Cols
		normGradRow(w.vec, b[5].F[at:end], dy[at:end], gamma, x[at:end], mean[r], rstd[r], true)
	}
}

// normGradRow is one row of the gradient of a normalisation by rs; centred says that the mean was
// removed too.
func normGradRow(v *vector, dx, dy, gamma, x []float32, mu, rs float32, centred bool) {
	var c1, c2 float32
	if len(x) <= r128Block {
		c1, c2 = v.normGradSums(dy, gamma, x, mu, rs)
	} else {
		var f1, f2 blockFold
		for i := range blocks(len(x)) {
			lo, hi := blockRange(i, len(x))
			s1, s2 := v.normGradSums(dy[lo:hi], gamma[lo:hi], x[lo:hi], mu, rs)
			f1.add(s1)
			f2.add(s2)
		}
		c1, c2 = f1.sum(), f2.sum()
	}
	inv := inverse(len(x))
	c1, c2 = float32(c1*inv), float32(c2*inv)
	if !centred {
		c1 = 0
	}
	v.normGrad(dx, dy, gamma, x, mu, rs, c1, c2)
}

func normGradSumsLoop(dy, gamma, x []float32, mu, rs float32) (s1, s2 float32) {
	var l1, l2 lanes
	dy, gamma = dy[:len(x)], gamma[:len(x)]
	for i, v := range x {
		g := float32(dy[i] * gamma[i])
		xh := float32((v - mu) * rs)
		l1[i&127] += g
		l2[i&127] += float32(g * xh)
	}
	return l1.sum(), l2.sum()
}

func normGradLoop(dx, dy, gamma, x []float32, mu, rs, c1, c2 float32) {
	dx, dy, gamma = dx[:len(x)], dy[:len(x)], gamma[:len(x)]
	for i, v := range x {
		g := float32(dy[i] * gamma[i])
		xh := float32((v - mu) * rs)
		dx[i] = float32(rs * ((g - c1) - float32(xh*c2)))
	}
}

func normParamsLoop(dgamma, dbeta, x, dy []float32, mu, rs float32) {
	dgamma, dbeta, dy = dgamma[:len(x)], dbeta[:len(x)], dy[:len(x)]
	for i, v := range x {
		dgamma[i] += float32(dy[i] * float32((v-mu)*rs))
		dbeta[i] += dy[i]
	}
}
