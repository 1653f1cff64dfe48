package kernels

// Gemm is the matrix product c = a·b, in the GEMM order or in what its profile has in its place.
//
// a is MxK, or KxM if TransA. b is KxN, or NxK if TransB. c is MxN. All are dense and row-major.
type Gemm struct {
	M, N, K        int
	TransA, TransB bool
	Profile        Profile
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
	cut := o.cut(c)
	switch {
	case o.M == 0 || o.N == 0:
		return 0
	case cut.shared && phase == 0:
		c.packed = grow(c.packed, c.workers[0].packedLen(o.Profile, o.K, o.N))
		return cut.chunks(o) * cut.strips(o)
	case cut.shared && phase == 1, !cut.shared && phase == 0:
		return cut.down(o) * cut.across(o)
	}
	return 0
}

func (o Gemm) piece(w *worker, phase, i int, buf []Buf) {
	cut := o.cut(w.cpu)
	a, b, c := o.views(buf)
	right := right{profile: o.Profile, mat: b, terms: o.K, width: o.N}
	if cut.shared {
		right.panels = w.cpu.packed
	}
	if cut.shared && phase == 0 {
		k, n := i/cut.strips(o)*o.Profile.Chunk(), i%cut.strips(o)*packWidth
		w.packStrip(right.from(k, n), min(packWidth, o.N-n))
		return
	}
	i, j := i%cut.down(o)*cut.rows, i/cut.down(o)*cut.cols
	w.product(min(cut.rows, o.M-i), min(cut.cols, o.N-j), o.K, a.from(i, 0), right.from(0, j), c.from(i, j))
}

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

// gemmReference is the definition of product in drn1/f32.
func (w *worker) gemmReference(m, n, k int, a mat, b right, c mat) {
	for i := range m {
		f := w.productFold(b.profile, n)
		for t := range k {
			f.add(b.k+t, a.data[i*a.row+t*a.col], b.data[t*b.row:], b.col)
		}
		f.sum(c.data[i*c.row:], 1)
	}
}

func (o Gemm) operations() uint64 { return terms(2, o.M, o.N, o.K) }
