package kernels

// image is a padded copy of an image's channels in which a convolution is a sum of shifts: the factor
// of output (i,j) in term k is data[at[k] + i*width + j]. Outputs are computed width to a row; those
// beyond cols are of no use and are left out in the end.
type image struct {
	data       []float32
	at         []int32
	width      int
	rows, cols int     // outputs
	starts     []int32 // where terms were left out: the place in at of the first of each chunk, and len(at)
}

// first is the place in at of the first term of a chunk of so many.
func (x image) first(chunk, size int) int {
	if x.starts == nil {
		return min(chunk*size, len(x.at))
	}
	return int(x.starts[min(chunk, len(x.starts)-1)])
}

// newImage returns an image of size elements, all +0, in the worker's memory.
func (w *worker) newImage(size, terms, width, rows, cols int) image {
	// The last tile reads past the last output, whatever lies there.
	data := room(&w.image, size+width+w.tiles.cols)
	clear(data[:size])
	if cap(w.at) < terms {
		w.at = make([]int32, terms)
	}
	return image{data: data, at: w.at[:terms], width: width, rows: rows, cols: cols}
}

// convolve computes m channels of outputs: row i of y is the sum over the terms of a[i,k] times the
// factors above, in a profile. a.col must be 1.
func (w *worker) convolve(p Profile, m int, a mat, x image, y []float32) {
	outputs := x.rows * x.cols
	if x.width == x.cols {
		w.convolveWide(p, m, outputs, a, x, mat{y, outputs, 1})
		return
	}
	unit := w.tiles.cols
	n := ((x.rows-1)*x.width + x.cols + unit - 1) / unit * unit
	wide := room(&w.wide, m*n)
	w.convolveWide(p, m, n, a, x, mat{wide, n, 1})
	for i := range m {
		for r := range x.rows {
			copy(y[i*outputs+r*x.cols:][:x.cols], wide[i*n+r*x.width:])
		}
	}
}

// convolveWide is convolve for n outputs side by side, the useless ones among them.
func (w *worker) convolveWide(p Profile, m, n int, a mat, x image, y mat) {
	chunk, chunks := p.Chunk(), p.Group()/p.Chunk() // terms of one, and ones of a group
	started := false
	for g := 0; x.first(g, chunk) < len(x.at); g += chunks {
		if x.first(g, chunk) == x.first(g+chunks, chunk) {
			continue
		}
		sum, add := y, false
		if started {
			sum = mat{room(&w.group, m*n), n, 1}
		}
		for c := g; c < g+chunks; c++ {
			k := x.first(c, chunk)
			kc := x.first(c+1, chunk) - k
			if kc == 0 {
				continue
			}
			b := panels{data: x.data, step: w.tiles.cols, at: x.at[k:]}
			for i := 0; i < m; i += blockM {
				mb := min(blockM, m-i)
				ab := a.from(i, k)
				if collide(a.row) {
					ab = w.packRows(mb, kc, ab, room(&w.packA, mb*rowLength(kc)))
				}
				w.productChunk(p, mb, n, kc, ab, b, sum.from(i, 0), add)
			}
			add = true
		}
		if started {
			for i := range m {
				addTo(y.data[i*y.row:][:n], sum.data[i*n:])
			}
		}
		started = true
	}
}

// imageParts is into how many parts the channels of each image are cut, to keep the workers busy.
func imageParts(c *CPU, images, channels int) int {
	if len(c.workers) == 1 {
		return 1
	}
	return max(1, min(4*len(c.workers)/max(images, 1), channels/(2*c.workers[0].tiles.rows)))
}

// imagePart is the half-open range of channels in a part.
func imagePart(part, parts, channels int) (lo, hi int) {
	return channels * part / parts, channels * (part + 1) / parts
}
