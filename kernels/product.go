package kernels

// The profiles' seam on processors. Every sum of products of an operator is made by one of the functions below,
// which do as its profile says. Which profile that is has been checked by then.

// product computes c = a·b for an mxk matrix a and a kxn matrix b on this worker alone, with term 0 at
// term b.k, in the profile that b is packed for. c.col must be 1, and c must not overlap a or b. It leaves the
// scratch that floats returned untouched.
func (w *worker) product(m, n, k int, a mat, b right, c mat) {
	switch b.profile {
	case ProfileF32:
		if w.tiles == nil || k == 0 {
			w.gemmReference(m, n, k, a, b, c)
			return
		}
		w.gemmTiled(m, n, k, a, b, c)
	}
}

// productChunk adds the product of the kc terms of one chunk to an mxn block of c, a sum of chunks, or begins it
// unless add. It is for workers with tiles, and panels as multiply takes them.
func (w *worker) productChunk(p Profile, m, n, kc int, a mat, b panels, c mat, add bool) {
	switch p {
	case ProfileF32:
		w.multiply(m, n, kc, a, b, c, add)
	}
}

// productFold returns a fold of n outputs, as fold does: the reference's, term by term.
func (w *worker) productFold(p Profile, n int) *fold {
	return w.fold(n, p.Chunk(), p.Group())
}
