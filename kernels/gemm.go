package kernels

// Gemm is the matrix product c = a·b in the GEMM order.
//
// a is MxK, or KxM if TransA. b is KxN, or NxK if TransB. c is MxN. All are dense and row-major.
type Gemm struct {
	M, N, K        int
	TransA, TransB bool
}

// Name is "gemm".
func (Gemm) Name() string { return "gemm" }

// Operands are a, b -> c.
func (o Gemm) Operands() []Operand {
	return []Operand{
		{Name: "a", Len: o.M * o.K},
		{Name: "b", Len: o.K * o.N},
		{Name: "c", Len: o.M * o.N, Access: Out},
	}
}

func (o Gemm) pieces(c *CPU, phase int) int {
	if phase > 0 || o.M == 0 || o.N == 0 {
		return 0
	}
	rows, cols := o.cut(c)
	return (o.M + rows - 1) / rows * ((o.N + cols - 1) / cols)
}

func (o Gemm) piece(w *worker, _, i int, buf []Buf) {
	rows, cols := o.cut(w.cpu)
	down := (o.M + rows - 1) / rows
	m, n := i%down*rows, i/down*cols
	a, b, c := o.views(buf)
	w.gemm(min(rows, o.M-m), min(cols, o.N-n), o.K, a.from(m, 0), b.from(0, n), c.from(m, n))
}

// cut is the size of the blocks of c that are the pieces: a few for each worker, as square as can be,
// and none too small to be worth handing over.
func (o Gemm) cut(c *CPU) (rows, cols int) {
	const smallest = 1 << 18 // multiplications
	high, wide := 1, 8
	if t := c.workers[0].tiles; t != nil {
		high, wide = t.rows, t.cols
	}
	want := 1
	if n := len(c.workers); n > 1 {
		want = min(4*n, o.M*o.N*o.K/smallest)
	}
	down, across := 1, 1
	rows, cols = o.M, o.N
	for down*across < want && (rows > 2*high || cols > 2*wide) {
		if rows > 2*high && (rows >= cols || cols <= 2*wide) {
			down *= 2
			rows = roundUp(o.M, down, high)
		} else {
			across *= 2
			cols = roundUp(o.N, across, wide)
		}
	}
	return rows, cols
}

// roundUp is the size of each of parts of n, in whole units.
func roundUp(n, parts, unit int) int { return (n + parts*unit - 1) / (parts * unit) * unit }

// views resolves the transposes.
func (o Gemm) views(buf []Buf) (a, b, c mat) {
	a = mat{buf[0].F, o.K, 1}
	if o.TransA {
		a = mat{buf[0].F, 1, o.M}
	}
	b = mat{buf[1].F, o.N, 1}
	if o.TransB {
		b = mat{buf[1].F, 1, o.K}
	}
	return a, b, mat{buf[2].F, o.N, 1}
}

// mat is a view of a matrix: element (i,j) is data[i*row+j*col].
type mat struct {
	data     []float32
	row, col int
}

// from is the view whose element (0,0) is element (i,j).
func (m mat) from(i, j int) mat { return mat{m.data[i*m.row+j*m.col:], m.row, m.col} }

// gemm computes c = a·b for an mxk matrix a and a kxn matrix b on this worker alone, in the GEMM
// order with term 0 at row 0 of b. c.col must be 1, and c must not overlap a or b. It leaves the
// scratch that floats returned untouched.
func (w *worker) gemm(m, n, k int, a, b, c mat) {
	if w.tiles == nil || k == 0 {
		w.gemmReference(m, n, k, a, b, c)
		return
	}
	w.gemmTiled(m, n, k, a, b, c)
}

// gemmReference is the definition.
func (w *worker) gemmReference(m, n, k int, a, b, c mat) {
	for i := range m {
		f := w.fold(n)
		for t := range k {
			f.add(t, a.data[i*a.row+t*a.col], b.data[t*b.row:], b.col)
		}
		f.sum(c.data[i*c.row:], 1)
	}
}
