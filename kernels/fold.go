package kernels

// The GEMM order of DRN-1, in terms along K. They are part of the version number.
const (
	chunkK = 512  // terms of one chain of fused multiply-adds
	groupK = 8192 // terms of one fold of chunks
)

// fold sums a row of outputs in the GEMM order. It is the definition of every matrix product,
// convolution and bias gradient:
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
	p, g, s []float32
	b       []float32 // one row of terms
	k       int       // the last term's place
}

// fold returns a fold of n outputs in the worker's memory, valid until the next call.
func (w *worker) fold(n int) *fold {
	w.sums = grow(w.sums, 4*n)
	t := w.sums
	clear(t)
	w.row = fold{p: t[:n], g: t[n : 2*n], s: t[2*n : 3*n], b: t[3*n:]}
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
	if k/chunkK != f.k/chunkK {
		addClear(f.g, f.p)
	}
	if k/groupK != f.k/groupK {
		addClear(f.s, f.g)
	}
	f.k = k
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
