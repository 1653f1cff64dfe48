package kernels

// The input's gradient of a convolution with strides: input pixels a stride apart meet outputs side by side, under the
// same taps, and the other taps meet none. Those are terms of +0, which change nothing if the weights are finite
// (contract.md section 2.2), and are left out. So each phase of the strides is a convolution without any.

func (o Conv2DGradInput) strided() bool { return o.StrideH*o.StrideW > 1 }

// spread is +0 if all weights of channel c, as turn leaves them, are finite: the sum of their products with +0.
func (o Conv2DGradInput) spread(c int, turned []float32) float32 {
	terms := o.groupO() * o.KH * o.KW
	var s [4]float32 // chains side by side
	x := turned[c*terms:][:terms]
	for ; len(x) >= 4; x = x[4:] {
		s[0] += float32(x[0] * 0)
		s[1] += float32(x[1] * 0)
		s[2] += float32(x[2] * 0)
		s[3] += float32(x[3] * 0)
	}
	for _, v := range x {
		s[0] += float32(v * 0)
	}
	return s[0] + s[1] + s[2] + s[3]
}

// allZero says whether x has neither NaN nor anything but zeros.
func allZero(x []float32) bool {
	for _, v := range x {
		if v != 0 { // NaN too
			return false
		}
	}
	return true
}

// phases computes m channels of some images from their turned weights and one group of their dy: y(i) is where those of image i go.
func (o Conv2DGradInput) phases(w *worker, m int, a mat, x columns, y func(i int) []float32) {
	if o.spanH() < o.StrideH || o.spanW() < o.StrideW || o.down() > 1 || o.across() > 1 { // phases may have no terms
		for i := range x.n {
			clear(y(i)[:m*o.H*o.W])
		}
	}
	for top := range min(o.StrideH, o.H) {
		for left := range min(o.StrideW, o.W) {
			x.rows, x.cols = (o.H-top+o.StrideH-1)/o.StrideH, (o.W-left+o.StrideW-1)/o.StrideW
			n := x.n * x.rows * x.cols
			weights := o.phaseTerms(w, m, top, left, a, &x.image)
			if len(x.at) == 0 {
				continue
			}
			sum := room(&w.wide, m*n)
			w.columnGroups(o.Profile, m, n, weights, x, mat{sum, n, 1})
			for i := range x.n {
				o.scatter(m, top, left, x, sum[i*x.rows*x.cols:], n, y(i))
			}
		}
	}
}

// scatter copies the outputs of a phase of one image, whose channels lie n apart, to their places in dx.
func (o Conv2DGradInput) scatter(m, top, left int, x columns, sum []float32, n int, dx []float32) {
	for c := range m {
		for r := range x.rows {
			line := dx[(c*o.H+top+r*o.StrideH)*o.W+left:]
			for i, v := range sum[c*n+r*x.cols:][:x.cols] {
				line[i*o.StrideW] = v
			}
		}
	}
}

// phaseBorder is how many rows and columns of +0 stand before those of dy.
func (o Conv2DGradInput) phaseBorder() (rows, cols int) {
	return (o.spanH()-1)/o.StrideH + 1, (o.spanW()-1)/o.StrideW + 1
}

// phaseImage is one group of an image of dy within a border that serves all phases.
func (o Conv2DGradInput) phaseImage(w *worker, dy []float32) image {
	rows, cols := o.OutH(), o.OutW()
	top, left := o.phaseBorder()
	height := top + (o.StrideH-1+o.PadH)/o.StrideH + (o.H+o.StrideH-1)/o.StrideH
	width := left + (o.StrideW-1+o.PadW)/o.StrideW + (o.W+o.StrideW-1)/o.StrideW
	m := w.newImage(o.groupO()*height*width, o.groupO()*o.KH*o.KW, width, 0, 0)
	for oc := range o.groupO() {
		for oh := range min(rows, height-top) {
			copy(m.data[(oc*height+oh+top)*width+left:][:width-left], dy[(oc*rows+oh)*cols:][:cols])
		}
	}
	return m
}

// phaseTerms lists the terms of the input pixels from (top,left) on, and gathers their weights.
func (o Conv2DGradInput) phaseTerms(w *worker, m, top, left int, a mat, x *image) mat {
	chunk, terms := o.Profile.Chunk(), o.groupO()*o.KH*o.KW
	rows, cols := o.phaseBorder()
	height := rows + (o.StrideH-1+o.PadH)/o.StrideH + (o.H+o.StrideH-1)/o.StrideH
	w.starts, w.places = w.starts[:0], w.places[:0]
	at := w.at[:0]
	for k := range terms {
		if k%chunk == 0 {
			w.starts = append(w.starts, int32(len(at)))
		}
		oc, kh, kw := k/(o.KH*o.KW), k/o.KW%o.KH, k%o.KW
		down, right := top+o.PadH-kh*o.down(), left+o.PadW-kw*o.across()
		if down%o.StrideH != 0 || right%o.StrideW != 0 {
			continue
		}
		w.places = append(w.places, int32(k))
		at = append(at, int32((oc*height+rows+down/o.StrideH)*x.width+cols+right/o.StrideW))
	}
	w.starts = append(w.starts, int32(len(at)))
	x.at, x.starts = at, w.starts
	row := rowLength(len(at))
	weights := w.floats(m*row + 1)
	for i := range m {
		from, to := a.data[i*a.row:], weights[i*row:][:len(at)]
		for t, k := range w.places {
			to[t] = from[k]
		}
	}
	return mat{weights, row, 1}
}
