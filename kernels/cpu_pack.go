package kernels

// packColumns copies kc rows of an n-column block of b into panels of the tile's width, with zeros
// beyond column n.
func (w *worker) packColumns(kc, n int, b mat, dst []float32) panels {
	cols := w.tiles.cols
	step := panelStep(kc, cols)
	for j := 0; j < n; j += packWidth {
		wide := min(packWidth, n-j)
		if b.col == 1 {
			w.packAlong(kc, wide, b.data[j:], b.row, dst[j/cols*step:], step)
			continue
		}
		for p := 0; p < wide; p += cols {
			w.packAcross(kc, min(cols, wide-p), b.from(0, j+p), dst[(j+p)/cols*step:])
		}
	}
	return panels{data: dst, step: step, kb: cols}
}

// packWidth is how many columns are packed together: enough that each row of b is read by whole lines,
// few enough that the panels written stay in the cache. It is a multiple of every tile's width.
const packWidth = 128

// panelStep is the distance between packed panels: one line more than they hold, so that the panels
// written together do not fall on the same lines of the cache.
func panelStep(kc, cols int) int { return kc*cols + 16 }

// panelsLen is the length of n packed columns.
func panelsLen(kc, n, cols int) int { return (n + cols - 1) / cols * panelStep(kc, cols) }

// packAlong packs n columns whose rows are contiguous.
func (w *worker) packAlong(kc, n int, b []float32, row int, dst []float32, step int) {
	cols := w.tiles.cols
	whole := n / cols * cols
	if w.tiles.copyPanels != nil && whole > 0 {
		w.tiles.copyPanels(kc, n/cols, &b[0], row, &dst[0], step)
	} else {
		for p := 0; p < whole; p += cols {
			for k := range kc {
				copy(dst[p/cols*step+k*cols:][:cols], b[k*row+p:])
			}
		}
	}
	if whole < n {
		for k := range kc {
			d := dst[whole/cols*step+k*cols:][:cols]
			clear(d[copy(d, b[k*row+whole:][:n-whole]):])
		}
	}
}

// packAcross packs one panel of n columns that lie along K.
func (w *worker) packAcross(kc, n int, b mat, d []float32) {
	cols := w.tiles.cols
	if n < cols {
		clear(d[:kc*cols])
	}
	j := 0
	if b.row == 1 && w.tiles.transpose != nil {
		for ; j+8 <= n; j += 8 {
			w.transpose(kc, b.data[j*b.col:], b.col, d[j:], cols)
		}
	}
	for ; j < n; j++ {
		src := b.data[j*b.col:]
		for k := range kc {
			d[k*cols+j] = src[k*b.row]
		}
	}
}

// transpose sets dst[k*rd+i] = src[i*rs+k] for i < 8 and k < n.
func (w *worker) transpose(n int, src []float32, rs int, dst []float32, rd int) {
	whole := n &^ 7
	if whole > 0 {
		w.tiles.transpose(whole, &src[0], rs, &dst[0], rd)
	}
	for k := whole; k < n; k++ {
		for i := range 8 {
			dst[k*rd+i] = src[i*rs+k]
		}
	}
}

// packRows copies an mxkc block of a into rows of length rowLength(kc).
func (w *worker) packRows(m, kc int, a mat, dst []float32) mat {
	ld := rowLength(kc)
	switch {
	case a.col == 1:
		for i := range m {
			copy(dst[i*ld:][:kc], a.data[i*a.row:])
		}
	case a.row == 1 && w.tiles.transpose != nil:
		k := 0
		for ; k+8 <= kc; k += 8 {
			w.transpose(m, a.data[k*a.col:], a.col, dst[k:], ld)
		}
		for ; k < kc; k++ {
			for i := range m {
				dst[i*ld+k] = a.data[k*a.col+i]
			}
		}
	default:
		for i := range m {
			for k := range kc {
				dst[i*ld+k] = a.data[i*a.row+k*a.col]
			}
		}
	}
	return mat{dst, ld, 1}
}

// collide says whether elements stride apart fall on the same few lines of the cache.
func collide(stride int) bool { return stride%256 == 0 }

// rowLength is kc, lengthened where rows that lie kc apart would collide.
func rowLength(kc int) int {
	if kc%128 == 0 {
		return kc + 16
	}
	return kc
}
