package kernels

// fold sums a row of outputs in the GEMM order. It is the definition of every matrix product and convolution of
// drn1/f32, with its chunk of 512 and its group of 8192 terms, and of the bias gradient of every profile:
//
//	S = +0
//	for each group of 8192 terms:
//		G = +0
//		for each chunk of 512 terms: P = +0; P = fma(a, b, P) for each term; G = G + P
//		S = S + G
//
// Chunks and groups lie at absolute multiples of k, so that leaving out terms that are zero never
// moves another one. Each chunk, the first too, is added to a sum that began at +0: a chunk that is
// -0 vanishes there, and so zero terms (±0 times a finite number) can be added or left out anywhere.
type fold struct {
	p, g, s    []float32
	b          []float32 // one row of terms
	chunk, end int       // terms of a chunk; the first behind the one in p
	group, all int       // likewise of the group in g
}

// fold returns a fold of n outputs in the worker's memory, valid until the next call.
func (w *worker) fold(n, chunk, group int) *fold {
	w.sums = grow(w.sums, 4*n)
	t := w.sums
	clear(t)
	w.row = fold{p: t[:n], g: t[n : 2*n], s: t[2*n : 3*n], b: t[3*n:], chunk: chunk, end: chunk, group: group, all: group}
	return &w.row
}

// add makes a*b[j*stride] term k of output j, for every j. k must not decrease.
func (f *fold) add(k int, a float32, b []float32, stride int) {
	f.seek(k)
	if stride != 1 {
		for j := range f.b {
			f.b[j] = b[j*stride]
		}
		b = f.b
	}
	fmaRow(f.p, a, b)
}

// seek closes the chunk and the group that end before term k.
func (f *fold) seek(k int) {
	if k >= f.end {
		addClear(f.g, f.p)
		f.end = (k/f.chunk + 1) * f.chunk
	}
	if k >= f.all {
		addClear(f.s, f.g)
		f.all = (k/f.group + 1) * f.group
	}
}

// sum closes the last chunk and group and writes output j to c[j*stride].
func (f *fold) sum(c []float32, stride int) {
	addClear(f.g, f.p)
	addClear(f.s, f.g)
	for j, s := range f.s {
		c[j*stride] = s
	}
}

// addClear adds src to dst and sets src to +0.
func addClear(dst, src []float32) {
	for j, v := range src {
		dst[j] += v
	}
	clear(src)
}
