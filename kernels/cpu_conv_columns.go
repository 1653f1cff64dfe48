package kernels

// Convolutions whose images are small: the pixels that some images' outputs meet under a chunk of terms are laid out side by
// side, a column for each output, so that many outputs share the weights that they read and no tile computes what nobody wants.

// outputBlock is how many outputs are about as many as share a chunk of terms.
const outputBlock = 256

// columns are images of one layout behind each other, n of them, each of so many elements.
type columns struct {
	image
	n, apart int
}

// together is how many of n images a piece computes, and whether side by side: where their shifts would compute a tenth more
// outputs than there are, or would read many weights for few of them.
func (w *worker) together(n, width, rows, cols, weights int) (images int, sideBySide bool) {
	unit := w.tiles.cols
	computed := ((rows-1)*width + cols + unit - 1) / unit * unit
	if 10*rows*cols >= 9*computed && (rows*cols >= outputBlock || weights <= fewestShared) {
		return 1, false
	}
	return w.columnImages(n, rows*cols), true
}

// columnImages is how many of n images lie side by side where outputs of one are so many: fewer where several workers share them.
func (w *worker) columnImages(n, outputs int) int {
	if k := 2 * len(w.cpu.workers); k > 2 {
		n = (n + k - 1) / k
	}
	return max(1, min(n, outputBlock/max(1, outputs)))
}

// convolveColumns is convolve for all images of x at once: y(i) is where those of image i go.
func (w *worker) convolveColumns(p Profile, m int, a mat, x columns, y func(i int) []float32) {
	outputs := x.rows * x.cols
	n := x.n * outputs
	sum := room(&w.wide, m*n)
	w.columnGroups(p, m, n, a, x, mat{sum, n, 1})
	for i := range x.n {
		to := y(i)
		for r := range m {
			copy(to[r*outputs:][:outputs], sum[r*n+i*outputs:])
		}
	}
}

// columnGroups is convolveColumns into rows of n outputs.
func (w *worker) columnGroups(p Profile, m, n int, a mat, x columns, y mat) {
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
			b := w.packPixels(x, k, kc)
			for i := 0; i < m; i += blockM {
				mb := min(blockM, m-i)
				ab := a.from(i, k)
				if !w.readable(n, ab) {
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

// packPixels lays out the factors of kc terms from term k on in panels, an output of an image a column.
func (w *worker) packPixels(x columns, k, kc int) panels {
	cols, outputs := w.tiles.cols, x.rows*x.cols
	n := x.n * outputs
	b := panels{data: room(&w.packB, panelsLen(kc, n, cols)), step: panelStep(kc, cols), kb: cols}
	if over := n % cols; over > 0 {
		last := b.data[n/cols*b.step:]
		for t := range kc {
			clear(last[t*cols+over:][:cols-over])
		}
	}
	for j := 0; j < n; {
		// Outputs up to the end of a row of an image, or of a panel.
		row, col := j%outputs/x.cols, j%x.cols
		run := min(x.cols-col, cols-j%cols)
		from := x.data[j/outputs*x.apart+row*x.width+col:]
		copyRuns(b.data[j/cols*b.step+j%cols:], cols, from, x.at[k:k+kc], run)
		j += run
	}
	return b
}

// copyRuns copies run elements of x from at[t] on to dst[t*step], for each t.
func copyRuns(dst []float32, step int, x []float32, at []int32, run int) {
	switch run {
	case 4:
		for t, place := range at {
			*(*[4]float32)(dst[t*step:]) = [4]float32(x[place:])
		}
	case 8:
		for t, place := range at {
			*(*[8]float32)(dst[t*step:]) = [8]float32(x[place:])
		}
	case 16:
		for t, place := range at {
			*(*[16]float32)(dst[t*step:]) = [16]float32(x[place:])
		}
	default:
		for t, place := range at {
			copy(dst[t*step:][:run], x[place:])
		}
	}
}

// manyImages lays out n images behind each other: one makes image i in its own memory, all alike.
func (w *worker) manyImages(n int, one func(i int) image) columns {
	var x columns
	for i := range n {
		m := one(i)
		if i == 0 {
			x = columns{image: m, n: n, apart: len(m.data)}
			room(&w.images, n*x.apart)
		}
		copy(w.images[i*x.apart:][:x.apart], m.data)
	}
	x.data = w.images[:n*x.apart]
	return x
}

// row sets dst to the factors of the term at a place, for the outputs of all images from one on.
func (x columns) row(dst []float32, place, from int) {
	outputs := x.rows * x.cols
	for len(dst) > 0 {
		i, p := from/outputs, from%outputs
		run := min(x.cols-p%x.cols, len(dst))
		src := x.data[i*x.apart+place+p/x.cols*x.width+p%x.cols:]
		switch {
		case run == x.cols && p%x.cols == 0 && len(dst) >= outputs-p:
			run = outputs - p
			for r := 0; r < run; r += x.cols {
				copyRun(dst[r:], src, x.cols)
				if r+x.cols < run {
					src = src[x.width:]
				}
			}
		default:
			copyRun(dst, src, run)
		}
		dst, from = dst[run:], from+run
	}
}

// copyRun copies n elements.
func copyRun(dst, src []float32, n int) {
	switch n {
	case 4:
		*(*[4]float32)(dst) = [4]float32(src)
	case 8:
		*(*[8]float32)(dst) = [8]float32(src)
	case 16:
		*(*[16]float32)(dst) = [16]float32(src)
	default:
		copy(dst[:n], src)
	}
}
