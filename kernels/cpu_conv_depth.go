package kernels

// Convolutions with one channel and one filter a group, on processors that have loops for them: 16 channels lie side
// by side, so that each lane of a vector is a channel's own chain. All taps of a filter are one chunk.

// depthLanes is how many channels lie side by side.
const depthLanes = 16

// depthRow computes n neighbouring outputs of 16 channels. It equals
//
//	for j := range n {
//		for i := range 16 {
//			p := float32(0)
//			for t := range taps {
//				p = fma32(w[t*16+i], x[j*step+at[t]+i], p)
//			}
//			y[j*16+i] = 0 + p
//		}
//	}
//
// taps must not be 0.
type depthRow = func(n, taps int, w, x *float32, at *int32, step int, y *float32)

// depthSums adds n terms to the sums of some taps of 16 channels. It equals
//
//	for k := range n {
//		for t := range taps {
//			for i := range 16 {
//				sums[t*16+i] = fma32(dy[k*16+i], x[k*step+at[t]+i], sums[t*16+i])
//			}
//		}
//	}
//
// n must not be 0.
type depthSums = func(n int, dy, x *float32, at *int32, step int, sums *float32)

// depthLoops are those loops on one instruction set: sums by the taps that they take, the most first, the last one.
type depthLoops struct {
	row  depthRow
	sums []tapSums
}

// tapSums is a depthSums and how many taps it takes.
type tapSums struct {
	taps int
	run  depthSums
}

// deep says whether a worker computes the convolution here.
func (s ConvShape) deep(t *tiles) bool {
	return t != nil && t.depth != nil && s.Profile == ProfileF32 && s.groups() >= depthLanes/2 && s.groupC() == 1 && s.groupO() == 1 && s.KH*s.KW <= chunkF32
}

// depthBlocks is the number of blocks of channels.
func (s ConvShape) depthBlocks() int { return (s.C + depthLanes - 1) / depthLanes }

// interleave copies planes of so many elements from channel c of image n on: element k of the channels lies at dst[k*16].
// Channels beyond the last are +0.
func (w *worker) interleave(s ConvShape, x []float32, n, c, plane int, dst []float32) {
	for half := 0; half < depthLanes; half += 8 {
		have := min(max(s.C-c-half, 0), 8)
		src := x[(n*s.C+min(c+half, s.C))*plane:]
		if have == 8 {
			w.transpose(plane, src, plane, dst[half:], depthLanes)
			continue
		}
		for k := range plane {
			to := dst[k*depthLanes+half:][:8]
			clear(to)
			for i := range have {
				to[i] = src[i*plane+k]
			}
		}
	}
}

// part copies what interleave made back to its planes.
func (w *worker) part(s ConvShape, src []float32, n, c, plane int, y []float32) {
	have := min(s.C-c, depthLanes)
	dst := y[(n*s.C+c)*plane:]
	whole, k := have&^7, 0
	if whole > 0 {
		for ; k+8 <= plane; k += 8 {
			w.transpose(whole, src[k*depthLanes:], depthLanes, dst[k:], plane)
		}
	}
	for i := range have {
		from := 0
		if i < whole {
			from = k
		}
		for p := from; p < plane; p++ {
			dst[i*plane+p] = src[p*depthLanes+i]
		}
	}
}

// depthImage is 16 channels of an image within its border.
type depthImage struct {
	data  []float32
	width int
}

// row is the place of an element.
func (m depthImage) row(row, col int) []float32 { return m.data[(row*m.width+col)*depthLanes:] }

// depthPadded lays out 16 channels of rows x cols elements, the first at (top,left), and its neighbours so many rows and
// columns on. What lies outside of height x width is left out.
func (w *worker) depthPadded(s ConvShape, x []float32, n, c, rows, cols, height, width, top, left, down, across int) depthImage {
	flat := room(&w.wide, rows*cols*depthLanes)
	w.interleave(s, x, n, c, rows*cols, flat)
	m := depthImage{room(&w.image, height*width*depthLanes), width}
	clear(m.data)
	for r := range rows {
		at := r*down + top
		if at < 0 || at >= height {
			continue
		}
		line := flat[r*cols*depthLanes:][:cols*depthLanes]
		if across == 1 {
			from, to := max(-left, 0), min(cols, width-left)
			if from < to {
				copy(m.row(at, left+from), line[from*depthLanes:to*depthLanes])
			}
			continue
		}
		for i := range cols {
			if col := i*across + left; col >= 0 && col < width {
				copy(m.row(at, col)[:depthLanes], line[i*depthLanes:])
			}
		}
	}
	return m
}

// depthWeights are the taps of 16 filters from c on, and the places that at gives them.
func (w *worker) depthWeights(s ConvShape, weights []float32, c int, at func(kh, kw int) int) []float32 {
	taps := s.KH * s.KW
	turned := room(&w.packA, taps*depthLanes)
	clear(turned)
	for i := range min(s.C-c, depthLanes) {
		for t, v := range weights[(c+i)*taps:][:taps] {
			turned[t*depthLanes+i] = v
		}
	}
	w.depthPlaces(s, at)
	return turned
}

// depthPlaces sets the worker's places of the taps.
func (w *worker) depthPlaces(s ConvShape, at func(kh, kw int) int) {
	if cap(w.at) < s.KH*s.KW {
		w.at = make([]int32, s.KH*s.KW)
	}
	w.at = w.at[:s.KH*s.KW]
	for kh := range s.KH {
		for kw := range s.KW {
			w.at[kh*s.KW+kw] = int32(at(kh, kw) * depthLanes)
		}
	}
}

// depthLayer computes 16 channels of rows x cols outputs, which are down rows and across columns of m apart.
func (w *worker) depthLayer(s ConvShape, m depthImage, turned []float32, n, c, rows, cols, down, across int, y []float32) {
	if rows*cols == 0 {
		return
	}
	flat := room(&w.wide, rows*cols*depthLanes)
	for r := range rows {
		w.tiles.depth.row(cols, s.KH*s.KW, &turned[0], &m.row(r*down, 0)[0], &w.at[0], across*depthLanes, &flat[r*cols*depthLanes])
	}
	w.part(s, flat, n, c, rows*cols, y)
}

// deepPiece computes piece i, 16 channels of an image.
func (o Conv2D) deepPiece(w *worker, i int, x, weights, y []float32) {
	s := o.ConvShape
	n, c := i/s.depthBlocks(), i%s.depthBlocks()*depthLanes
	m := w.depthPadded(s, x, n, c, s.H, s.W, s.H+2*s.PadH, s.W+2*s.PadW, s.PadH, s.PadW, 1, 1)
	turned := w.depthWeights(s, weights, c, func(kh, kw int) int { return kh*s.down()*m.width + kw*s.across() })
	w.depthLayer(s, m, turned, n, c, s.OutH(), s.OutW(), s.StrideH, s.StrideW, y)
}

// deepPiece computes piece i, 16 channels of an image.
func (o Conv2DGradInput) deepPiece(w *worker, i int, dy, weights, dx []float32) {
	s := o.ConvShape
	n, c := i/s.depthBlocks(), i%s.depthBlocks()*depthLanes
	bottom, right := s.spanH()-1, s.spanW()-1
	m := w.depthPadded(s, dy, n, c, s.OutH(), s.OutW(), s.H+bottom, s.W+right, bottom-s.PadH, right-s.PadW, s.StrideH, s.StrideW)
	turned := w.depthWeights(s, weights, c, func(kh, kw int) int {
		return (bottom-kh*s.down())*m.width + right - kw*s.across()
	})
	w.depthLayer(s, m, turned, n, c, s.H, s.W, 1, 1, dx)
}

// deepPiece sums one group of terms for 16 channels, which i counts together: sums has a number for each tap and channel.
func (o Conv2DGradWeight) deepPiece(w *worker, i int, x, dy, sums []float32) {
	s := o.ConvShape
	rows, cols, taps := s.OutH(), s.OutW(), s.KH*s.KW
	c := i % s.depthBlocks() * depthLanes
	sums = sums[i*taps*depthLanes:][:taps*depthLanes]
	clear(sums)
	chunk := room(&w.packA, len(sums))
	clear(chunk)
	begin, end := i/s.depthBlocks()*groupF32, min((i/s.depthBlocks()+1)*groupF32, s.N*rows*cols)
	for k := begin; k < end; {
		n := k / (rows * cols)
		m := w.depthPadded(s, x, n, c, s.H, s.W, s.H+2*s.PadH, s.W+2*s.PadW, s.PadH, s.PadW, 1, 1)
		w.depthPlaces(s, func(kh, kw int) int { return kh*s.down()*m.width + kw*s.across() })
		turned := room(&w.wide, rows*cols*depthLanes) // the image has been copied from there
		w.interleave(s, dy, n, c, rows*cols, turned)
		for last := min(end, (n+1)*rows*cols); k < last; {
			p := k - n*rows*cols
			run := min(cols-p%cols, last-k, chunkF32-k%chunkF32)
			pixel := m.row(p/cols*s.StrideH, p%cols*s.StrideW)
			w.depthTerms(run, turned[p*depthLanes:], pixel, s.StrideW*depthLanes, chunk)
			if k += run; k%chunkF32 == 0 {
				addClear(sums, chunk)
			}
		}
	}
	addClear(sums, chunk)
}

// depthTerms adds n terms to the sums of all taps.
func (w *worker) depthTerms(n int, dy, x []float32, step int, sums []float32) {
	for t, loops := 0, w.tiles.depth.sums; t < len(w.at); {
		for len(w.at[t:])%loops[0].taps != 0 {
			loops = loops[1:]
		}
		loops[0].run(n, &dy[0], &x[0], &w.at[t], step, &sums[t*depthLanes])
		t += loops[0].taps
	}
}

// deepFold adds up the n groups of terms of channel c.
func (o Conv2DGradWeight) deepFold(c, n int, sums, dw []float32) {
	taps, blocks := o.KH*o.KW, o.depthBlocks()
	for t := range taps {
		var s float32
		for g := range n {
			s += sums[((g*blocks+c/depthLanes)*taps+t)*depthLanes+c%depthLanes]
		}
		dw[c*taps+t] = s
	}
}

// deepPhase computes piece i of the sums of groups of terms, or adds up those of a tap of all channels.
func (o Conv2DGradWeight) deepPhase(w *worker, phase, i int, x, dy, sums, dw []float32) {
	n := (o.N*o.OutH()*o.OutW() + groupF32 - 1) / groupF32
	switch {
	case phase == 1:
		o.deepFold(i, n, sums, dw)
	case phase == 0 && i < n*o.depthBlocks():
		o.deepPiece(w, i, x, dy, sums)
	}
}
