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

// deal is how a convolution is cut into pieces: some images each, a group of them, and a part of its channels.
type deal struct{ all, per, groups, channels, parts int }

// deal cuts so many channels of each group, and per images together.
func (s ConvShape) deal(c *CPU, per, channels int) deal {
	d := deal{all: s.N, per: per, groups: s.groups(), channels: channels, parts: 1}
	if n := len(c.workers); n > 1 { // keep the workers busy
		d.parts = max(1, min(4*n/max(d.blocks()*d.groups, 1), channels/(2*c.workers[0].tiles.rows)))
	}
	return d
}

func (d deal) blocks() int { return (d.all + d.per - 1) / d.per }
func (d deal) count() int  { return d.blocks() * d.groups * d.parts }

// dealt is a piece: images from image on, a group, and the half-open range of its channels.
type dealt struct{ image, images, group, lo, hi int }

func (d deal) at(i int) dealt {
	part, block := i%d.parts, i/d.parts/d.groups
	return dealt{
		image: block * d.per, images: min(d.per, d.all-block*d.per), group: i / d.parts % d.groups,
		lo: d.channels * part / d.parts, hi: d.channels * (part + 1) / d.parts,
	}
}

// convolveImages is convolve for n images, one after another or side by side: one makes image i, and y is where its outputs go.
func (w *worker) convolveImages(p Profile, m int, a mat, n int, sideBySide bool, one func(i int) image, y func(i int) []float32) {
	if sideBySide {
		w.convolveColumns(p, m, a, w.manyImages(n, one), y)
		return
	}
	for i := range n {
		w.convolve(p, m, a, one(i), y(i))
	}
}
