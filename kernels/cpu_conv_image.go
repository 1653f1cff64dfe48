package kernels

// image is a padded copy of an image's channels in which a convolution is a sum of shifts: the factor
// of output (i,j) in term k is data[at[k] + i*width + j]. Outputs are computed width to a row; those
// beyond cols are of no use and are left out in the end.
type image struct {
	data       []float32
	at         []int32
	width      int
	rows, cols int // outputs
}

// newImage returns an image of size elements, all +0, in the worker's memory.
func (w *worker) newImage(size, terms, width, rows, cols int) image {
	// The last tile reads past the last output, whatever lies there.
	data := room(&w.image, size+width+w.tiles.cols)
	clear(data[:size])
	if cap(w.at) < terms {
		w.at = make([]int32, terms)
	}
	return image{data, w.at[:terms], width, rows, cols}
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
	terms, chunk, group := len(x.at), p.Chunk(), p.Group()
	for g := 0; g < terms; g += group {
		sum := y
		if g > 0 {
			sum = mat{room(&w.group, m*n), n, 1}
		}
		for k := g; k < min(g+group, terms); k += chunk {
			kc := min(chunk, terms-k)
			b := panels{data: x.data, step: w.tiles.cols, at: x.at[k:]}
			for i := 0; i < m; i += blockM {
				mb := min(blockM, m-i)
				ab := a.from(i, k)
				if collide(a.row) {
					ab = w.packRows(mb, kc, ab, room(&w.packA, mb*rowLength(kc)))
				}
				w.productChunk(p, mb, n, kc, ab, b, sum.from(i, 0), k > g)
			}
		}
		if g > 0 {
			for i := range m {
				addTo(y.data[i*y.row:][:n], sum.data[i*n:])
			}
		}
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
