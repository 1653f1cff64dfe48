package kernels

// The blocks that stay in the caches: blockM elements of a by a chunk, a chunk by blockN of b.
const (
	blockM = 144
	blockN = 1024
)

// gemmTiled is gemmReference with tiles. k must not be 0.
func (w *worker) gemmTiled(m, n, k int, a mat, b right, c mat) {
	group := b.profile.Group()
	end := min(k, group-b.k%group)
	w.gemmGroup(m, n, end, a, b, c)
	for g := end; g < k; g += group {
		sum := mat{room(&w.group, m*n), n, 1}
		w.gemmGroup(m, n, min(group, k-g), a.from(0, g), b.from(g, 0), sum)
		for i := range m {
			addTo(c.data[i*c.row:][:n], sum.data[i*n:])
		}
	}
}

// gemmGroup is gemmTiled for one group of terms.
func (w *worker) gemmGroup(m, n, k int, a mat, b right, c mat) {
	chunk := b.profile.Chunk()
	for n0 := 0; n0 < n; n0 += blockN {
		nb := min(blockN, n-n0)
		for k0, end := 0, 0; k0 < k; k0 = end {
			end = min(k, k0+chunk-(b.k+k0)%chunk)
			w.gemmChunk(m, nb, end-k0, a.from(0, k0), b.from(k0, n0), c.from(0, n0), k0 > 0)
		}
	}
}

// gemmChunk is gemmGroup for kc terms of one chunk and n columns that fit the cache. It adds to c, or
// begins it unless add.
func (w *worker) gemmChunk(m, n, kc int, a mat, b right, c mat, add bool) {
	cols := w.tiles.cols
	direct := 0 // leading columns of b that need no packing
	var packed panels
	if b.panels != nil {
		packed = b.chunk(cols)
	} else {
		if b.col == 1 && m <= 2*w.tiles.rows {
			direct = n / cols * cols
		}
		if direct < n {
			packed = w.packColumns(kc, n-direct, b.mat.from(0, direct), room(&w.packB, panelsLen(kc, n, cols)))
		}
	}
	for i := 0; i < m; i += blockM {
		mb := min(blockM, m-i)
		ab := a.from(i, 0)
		if !w.readable(n, ab) {
			ab = w.packRows(mb, kc, ab, room(&w.packA, mb*rowLength(kc)))
		}
		w.multiply(mb, direct, kc, ab, panels{data: b.data, step: cols, kb: b.row}, c.from(i, 0), add)
		w.multiply(mb, n-direct, kc, ab, packed, c.from(i, direct), add)
	}
}

// readable says whether tiles may read a where it lies to make n columns. Packing pays for itself
// over many columns, and where the rows of a tile would fall on the same lines of the cache.
func (w *worker) readable(n int, a mat) bool {
	if a.col == 1 {
		return n <= 8*w.tiles.cols && !collide(a.row)
	}
	return n <= 2*w.tiles.cols && !collide(a.col)
}

// panels is the right operand of a block: its columns in panels of tiles.cols. Panel p starts at
// data[p*step]; its row k is k*kb further on, or at[k] if at is set.
type panels struct {
	data []float32
	step int
	kb   int
	at   []int32
}

// multiply adds one chunk of kc terms to an mxn block of c, or begins it unless add. Whole panels of
// b must be readable, also where n ends inside one.
func (w *worker) multiply(m, n, kc int, a mat, b panels, c mat, add bool) {
	t := w.tiles
	for j := 0; j < n; j += t.cols {
		panel := b
		panel.data = b.data[j/t.cols*b.step:]
		width := min(t.cols, n-j)
		for i, left := 0, (m+t.rows-1)/t.rows; left > 0; left-- {
			height := (m - i + left - 1) / left // the rows that are left, shared out evenly
			ct := c.from(i, j)
			if width == t.cols {
				t.run(height, kc, a.from(i, 0), panel, ct, add)
			} else {
				w.runEdge(height, width, kc, a.from(i, 0), panel, ct, add)
			}
			i += height
		}
	}
}

// run runs one whole tile.
func (t *tiles) run(height, kc int, a mat, b panels, c mat, add bool) {
	var flag int
	if add {
		flag = 1
	}
	if b.at != nil {
		t.listed[height-1](kc, &a.data[0], a.row, a.col, &b.data[0], &b.at[0], &c.data[0], c.row, flag)
		return
	}
	t.strided[height-1](kc, &a.data[0], a.row, a.col, &b.data[0], b.kb, &c.data[0], c.row, flag)
}

// runEdge runs a tile of which c has only the first width columns.
func (w *worker) runEdge(height, width, kc int, a mat, b panels, c mat, add bool) {
	cols := w.tiles.cols
	tile := mat{room(&w.edge, w.tiles.rows*cols), cols, 1}
	if add {
		for r := range height {
			copy(tile.data[r*cols:], c.data[r*c.row:][:width])
		}
	}
	w.tiles.run(height, kc, a, b, tile, add)
	for r := range height {
		copy(c.data[r*c.row:][:width], tile.data[r*cols:])
	}
}

// addTo adds src to dst.
func addTo(dst, src []float32) {
	src = src[:len(dst)]
	for j := range dst {
		dst[j] += src[j]
	}
}

// room returns n elements of a worker's memory, lengthening it where needed.
func room(p *[]float32, n int) []float32 {
	if len(*p) < n {
		*p = make([]float32, n)
	}
	return (*p)[:n]
}
