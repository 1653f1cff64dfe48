package kernels

// right is the right operand of a product: where it lies, and its panels if it has been packed
// beforehand, for several products or for all workers.
type right struct {
	mat
	profile Profile   // of the product
	panels  []float32 // one chunk of terms after another; nil to pack when needed
	terms   int       // rows of the whole operand, of which this may be a view
	width   int       // columns of the whole operand
	k, n    int       // place of element (0,0) in it
}

// packedLen is the memory that packing k terms of n columns needs.
func (w *worker) packedLen(p Profile, k, n int) int {
	if w.tiles == nil {
		return 0
	}
	chunk := p.Chunk()
	length := k / chunk * panelsLen(chunk, n, w.tiles.cols)
	if rest := k % chunk; rest > 0 {
		length += panelsLen(rest, n, w.tiles.cols)
	}
	return length
}

// pack packs b for products in a profile into dst, which has packedLen elements and must stay as it is while b is in use.
func (w *worker) pack(p Profile, k, n int, b mat, dst []float32) right {
	r := right{profile: p, mat: b, terms: k, width: n}
	if w.tiles == nil {
		return r
	}
	r.panels = dst
	for from := 0; from < k; from += p.Chunk() {
		w.packStrip(r.from(from, 0), n)
	}
	return r
}

// packStrip packs the first n columns of the chunk of terms at which b begins into its panels.
func (w *worker) packStrip(b right, n int) {
	kc := min(b.profile.Chunk(), b.terms-b.k)
	w.packColumns(kc, n, b.mat, b.chunk(w.tiles.cols).data)
}

// from is mat.from.
func (b right) from(i, j int) right {
	b.mat = b.mat.from(i, j)
	b.k, b.n = b.k+i, b.n+j
	return b
}

// chunk is the panels from column b.n on, beginning with term b.k of its chunk.
func (b right) chunk(cols int) panels {
	size := b.profile.Chunk()
	first := b.k / size * size
	step := panelStep(min(size, b.terms-first), cols)
	at := b.k/size*panelsLen(size, b.width, cols) + b.n/cols*step + (b.k-first)*cols
	return panels{data: b.panels[at:], step: step, kb: cols}
}

// gemmPacked computes c = a·b like product, for an mxn block of c at the left of b and for terms from
// to to-1 alone: column 0 of a is term from. Terms keep their chunks and groups.
func (w *worker) gemmPacked(m, n, from, to int, a mat, b right, c mat) {
	if from > 0 {
		b = b.from(from, 0)
	}
	w.product(m, n, to-from, a, b, c)
}
