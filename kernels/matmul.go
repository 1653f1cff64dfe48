package kernels

// Matmul is Each on every one of Batch pairs of matrices, contract.md section 2.6.
//
//	a[Batch,...], b[Batch,...] -> c[Batch,M,N], the matrices as gemm has them
type Matmul struct {
	Batch int
	Each  Gemm
}

func (o Matmul) Name() string { return "matmul" }
func (o Matmul) Operands() []Operand {
	all := o.Each.Operands()
	for i := range all {
		all[i].Len *= o.Batch
	}
	return all
}

func (o Matmul) profile() Profile { return o.Each.Profile }

// pieces are some matrices each where there are enough of them, and blocks of one where there are not.
func (o Matmul) pieces(c *CPU, phase int) int {
	if o.Batch == 1 {
		return o.Each.pieces(c, phase)
	}
	if o.Each.M == 0 || o.Each.N == 0 {
		return 0
	}
	cut, per := o.cut(c)
	return onePhase(phase, (o.Batch+per-1)/per*cut.down(o.Each)*cut.across(o.Each))
}

// cut is how a matrix is cut, and how many whole ones make a piece.
func (o Matmul) cut(c *CPU) (cut gemmCut, per int) {
	e := o.Each
	if c.workers[0].tiles != nil && o.Batch < 4*len(c.workers) {
		cut = e.cut(c)
		cut.shared = false
		return cut, 1
	}
	size := max(1, e.M*e.N*e.K)
	return gemmCut{rows: max(1, e.M), cols: max(1, e.N)}, max(1, min(smallestPiece/size, o.Batch/(4*len(c.workers))))
}

func (o Matmul) piece(w *worker, phase, i int, b []Buf) {
	if o.Batch == 1 {
		o.Each.piece(w, phase, i, b)
		return
	}
	cut, per := o.cut(w.cpu)
	blocks := cut.down(o.Each) * cut.across(o.Each)
	for n := i / blocks * per; n < min(o.Batch, (i/blocks+1)*per); n++ {
		o.block(w, cut, n, i%blocks, b)
	}
}

// block computes one block of matrix n.
func (o Matmul) block(w *worker, cut gemmCut, n, i int, b []Buf) {
	e := o.Each
	one := [3]Buf{}
	for k, size := range [...]int{e.M * e.K, e.K * e.N, e.M * e.N} {
		one[k].F = b[k].F[n*size : (n+1)*size]
	}
	x, y, c := e.views(one[:])
	r, j := i%cut.down(e)*cut.rows, i/cut.down(e)*cut.cols
	whole := right{profile: e.Profile, mat: y, terms: e.K, width: e.N}
	w.product(min(cut.rows, e.M-r), min(cut.cols, e.N-j), e.K, x.from(r, 0), whole.from(0, j), c.from(r, j))
}

func (o Matmul) operations() uint64 { return terms(2, o.Batch, o.Each.M, o.Each.N, o.Each.K) }
