package kernels

// ChainChunk and ChainGroup are the terms of a chunk and of a group in sums whose one factor is 1, contract.md
// section 2.5: those of section 2.1, in every profile. As fma(1, x, P) = x + P, they are chains of additions.
const (
	ChainChunk = chunkF32
	ChainGroup = groupF32
)

// columnBlock is the number of columns in one piece of a sum over rows.
const columnBlock = 256

func columnPieces(cols int) int { return (cols + columnBlock - 1) / columnBlock }

func columnRange(i, cols int) (lo, hi int) { return i * columnBlock, min((i+1)*columnBlock, cols) }

// columnSums are running sums in the GEMM order, one a column: the caller adds the terms of row k to
// chunk after next(k).
type columnSums struct{ chunk, group, total []float32 }

// columnSums starts n sums at +0 in w's scratch.
func (w *worker) columnSums(n int) columnSums {
	f := w.floats(3 * n)
	clear(f)
	return columnSums{f[:n:n], f[n : 2*n : 2*n], f[2*n:]}
}

// next moves to row k, where rows come in ascending order.
func (s columnSums) next(v *vector, k int) {
	if k == 0 || k%ChainChunk != 0 {
		return
	}
	s.endChunk(v)
	if k%ChainGroup == 0 {
		s.endGroup(v)
	}
}

func (s columnSums) endChunk(v *vector) {
	v.add(s.group, s.group, s.chunk)
	clear(s.chunk)
}

func (s columnSums) endGroup(v *vector) {
	v.add(s.total, s.total, s.group)
	clear(s.group)
}

// end completes the last chunk and group.
func (s columnSums) end(v *vector) {
	s.endChunk(v)
	s.endGroup(v)
}
