package kernels

// packed is the right operand of several products, packed once. It has k rows, the terms, of n
// columns.
type packed struct {
	mat
	k, n   int
	panels []float32 // one chunk of terms after another; nil without tiles
}

// packedLen is the memory that pack needs for k terms of n columns.
func (w *worker) packedLen(k, n int) int {
	if w.tiles == nil {
		return 0
	}
	length := k / chunkK * panelsLen(chunkK, n, w.tiles.cols)
	if rest := k % chunkK; rest > 0 {
		length += panelsLen(rest, n, w.tiles.cols)
	}
	return length
}

// pack packs b into dst, which has packedLen elements and must stay as it is while b is in use.
func (w *worker) pack(k, n int, b mat, dst []float32) packed {
	p := packed{mat: b, k: k, n: n}
	if w.tiles == nil {
		return p
	}
	p.panels = dst
	for from := 0; from < k; from += chunkK {
		w.packColumns(min(chunkK, k-from), n, b.from(from, 0), w.chunk(p, from).data)
	}
	return p
}

// chunk is the panels of the chunk that begins at term from.
func (w *worker) chunk(p packed, from int) panels {
	cols := w.tiles.cols
	at := from / chunkK * panelsLen(chunkK, p.n, cols)
	return panels{data: p.panels[at:], step: panelStep(min(chunkK, p.k-from), cols), kb: cols}
}

// gemmPacked computes c = a·b like gemm, for an mxn block of c at the left of b and for terms from
// to to-1 alone: column 0 of a is term from. Terms keep their chunks and groups.
func (w *worker) gemmPacked(m, n, from, to int, a mat, b packed, c mat) {
	switch {
	case from == 0 && (b.panels == nil || to > groupK || to == 0):
		w.gemm(m, n, to, a, b.mat, c)
	case b.panels == nil || to > groupK:
		w.gemmAt(m, n, from, to, a, b.mat, c)
	default:
		for k, end := from, 0; k < to; k = end {
			end = min((k/chunkK+1)*chunkK, to)
			panels := w.chunk(b, k/chunkK*chunkK)
			panels.data = panels.data[k%chunkK*panels.kb:]
			for m0 := 0; m0 < m; m0 += blockM {
				mb := min(blockM, m-m0)
				ab := a.from(m0, k-from)
				if !w.readable(n, ab) {
					ab = w.packRows(mb, end-k, ab, room(&w.packA, mb*rowLength(end-k)))
				}
				w.multiply(mb, n, end-k, ab, panels, c.from(m0, 0), k > from)
			}
		}
	}
}

// gemmAt is the definition of gemmPacked.
func (w *worker) gemmAt(m, n, from, to int, a, b, c mat) {
	for i := range m {
		f := w.fold(n)
		for k := from; k < to; k++ {
			f.add(k, a.data[i*a.row+(k-from)*a.col], b.data[k*b.row:], b.col)
		}
		f.sum(c.data[i*c.row:], 1)
	}
}
