package kernels

// BiasGrad is the gradient of BiasAdd by its bias: db[c] is the sum of dy[n,c,p] over K = (n,p),
// ascending, in the GEMM order of the product with ones (fma(1,x,P) = P+x).
//
// dy is NxCxP, db is C. P is 1 behind a linear layer and the number of pixels behind a convolution.
type BiasGrad struct{ N, C, P int }

// Name is "bias_grad".
func (BiasGrad) Name() string { return "bias_grad" }

// Operands are dy -> db.
func (o BiasGrad) Operands() []Operand {
	return []Operand{
		{Name: "dy", Len: o.N * o.C * o.P},
		{Name: "db", Len: o.C, Access: Out},
	}
}

// block is the number of outputs in one piece: a strip of columns, or some planes.
func (o BiasGrad) block() int {
	if o.P == 1 {
		return columnBlock
	}
	return 8
}

func (o BiasGrad) pieces(_ *CPU, phase int) int {
	return onePhase(phase, (o.C+o.block()-1)/o.block())
}

func (o BiasGrad) piece(w *worker, _, i int, buf []Buf) {
	lo := i * o.block()
	hi := min(lo+o.block(), o.C)
	dy, db := buf[0].F, buf[1].F[lo:hi]
	f := w.fold(hi-lo, ChainChunk, ChainGroup)
	total := o.N * o.P
	for k := 0; k < total; {
		f.seek(k)
		end := min(k-k%ChainChunk+ChainChunk, total) // of the chunk
		if o.P == 1 {
			w.vec.foldRows(f.p, dy[k*o.C+lo:], o.C, end-k)
			k = end
			continue
		}
		n, p := k/o.P, k%o.P
		count := min(end-k, o.P-p)
		w.vec.foldColumns(f.p, dy[(n*o.C+lo)*o.P+p:], o.P, count)
		k += count
	}
	f.sum(db, 1)
}

func foldRowsLoop(sum, x []float32, stride, n int) {
	for i := range n {
		for j := range sum {
			sum[j] += x[i*stride+j]
		}
	}
}

func foldColumnsLoop(sum, x []float32, stride, n int) {
	for j := range sum {
		for i := range n {
			sum[j] += x[j*stride+i]
		}
	}
}
