package kernels

// The input's gradient of a convolution with strides: input pixels a stride apart meet outputs side by side, under the
// same taps, and the other taps meet none. Those are terms of +0, which change nothing if the weights are finite
// (contract.md section 2.2), and are left out. So each phase of the strides is a convolution without any.

func (o Conv2DGradInput) strided() bool { return o.StrideH*o.StrideW > 1 }

// spread is +0 if all weights of channel c, as turn leaves them, are finite: the sum of their products with +0.
func (o Conv2DGradInput) spread(c int, turned []float32) (s float32) {
	terms := o.groupO() * o.KH * o.KW
	for _, v := range turned[c*terms:][:terms] {
		s += float32(v * 0)
	}
	return s
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

// phases computes m channels of one image from their turned weights, and one group of its dy.
func (o Conv2DGradInput) phases(w *worker, m int, a mat, dy, dx []float32) {
	x := o.phaseImage(w, dy)
	y := w.floats(m * ((o.H + o.StrideH - 1) / o.StrideH) * ((o.W + o.StrideW - 1) / o.StrideW))
	for top := range min(o.StrideH, o.H) {
		for left := range min(o.StrideW, o.W) {
			x.rows, x.cols = (o.H-top+o.StrideH-1)/o.StrideH, (o.W-left+o.StrideW-1)/o.StrideW
			weights := o.phaseTerms(w, m, top, left, a, &x)
			outputs := y[:m*x.rows*x.cols]
			if len(x.at) == 0 {
				clear(outputs)
			} else {
				w.convolve(o.Profile, m, weights, x, outputs)
			}
			for r := range m * x.rows {
				line := dx[(r/x.rows*o.H+top+r%x.rows*o.StrideH)*o.W+left:]
				for i, v := range outputs[r*x.cols:][:x.cols] {
					line[i*o.StrideW] = v
				}
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
	w.starts = w.starts[:0]
	at := w.at[:0]
	weights := room(&w.packB, m*terms)
	for k := range terms {
		if k%chunk == 0 {
			w.starts = append(w.starts, int32(len(at)))
		}
		oc, kh, kw := k/(o.KH*o.KW), k/o.KW%o.KH, k%o.KW
		down, right := top+o.PadH-kh*o.down(), left+o.PadW-kw*o.across()
		if down%o.StrideH != 0 || right%o.StrideW != 0 {
			continue
		}
		for i := range m {
			weights[i*terms+len(at)] = a.data[i*a.row+k]
		}
		at = append(at, int32((oc*height+rows+down/o.StrideH)*x.width+cols+right/o.StrideW))
	}
	w.starts = append(w.starts, int32(len(at)))
	x.at, x.starts = at, w.starts
	return mat{weights, terms, 1}
}
