package kernels

// Conv2DGradInput is the gradient of Conv2D by its input: for each image, dx[c,h,w] is the sum over
// K = (o,kh,kw), ascending, of w[o,c,kh,kw] times the dy of the output pixel that saw (h,w) under
// that tap, in the GEMM order, where o counts the filters of c's group. Where there is no such output pixel the factor is +0 and takes part
// as a term.
//
// dy is NxOxOutHxOutW, w is OxC/GroupsxKHxKW, dx is NxCxHxW.
type Conv2DGradInput struct{ ConvShape }

// Name is "conv2d_grad_input".
func (Conv2DGradInput) Name() string { return "conv2d_grad_input" }

// Operands are dy, w -> dx.
func (o Conv2DGradInput) Operands() []Operand {
	return []Operand{o.y("dy", In), o.w("w", In), o.x("dx", Out)}
}

func (o Conv2DGradInput) pieces(c *CPU, phase int) int {
	tiled := c.workers[0].tiles != nil
	switch {
	case !tiled && phase == 0:
		return o.N * o.C
	case o.deep(c.workers[0].tiles):
		return onePhase(phase, o.N*o.depthBlocks())
	case tiled && phase == 0:
		c.packed = grow(c.packed, o.O*o.taps()+o.C)
		return o.C
	case tiled && phase == 1:
		return o.N * o.groups() * imageParts(c, o.N*o.groups(), o.groupC())
	}
	return 0
}

func (o Conv2DGradInput) piece(w *worker, phase, i int, buf []Buf) {
	dy, weights, dx := buf[0].F, buf[1].F, buf[2].F
	switch {
	case w.tiles == nil:
		o.reference(w, i/o.C, i%o.C, dy, weights, dx)
	case o.deep(w.tiles):
		o.deepPiece(w, i, dy, weights, dx)
	case phase == 0:
		o.turn(i, weights, w.cpu.packed)
		w.cpu.packed[o.O*o.taps()+i] = o.spread(i, w.cpu.packed)
	default:
		n, g, lo, hi := o.part(w.cpu, i, o.groupC())
		first, terms := g*o.groupC()+lo, o.groupO()*o.KH*o.KW
		a := mat{w.cpu.packed[first*terms:], terms, 1}
		dy, dx := dy[(n*o.O+g*o.groupO())*o.OutH()*o.OutW():], dx[(n*o.C+first)*o.H*o.W:]
		if o.strided() && allZero(w.cpu.packed[o.O*o.taps():][first:first+hi-lo]) {
			o.phases(w, hi-lo, a, dy, dx)
			return
		}
		w.convolve(o.Profile, hi-lo, a, o.image(w, dy), dx)
	}
}

// turn gathers the weights of input channel c in the order of K.
func (o Conv2DGradInput) turn(c int, weights, turned []float32) {
	window, group, own := o.KH*o.KW, c/o.groupC(), c%o.groupC()
	for oc := range o.groupO() {
		copy(turned[(c*o.groupO()+oc)*window:][:window], weights[((group*o.groupO()+oc)*o.groupC()+own)*window:])
	}
}

// image spreads one group of an image of dy by the strides over an input of H+span-1 by W+span-1, so that the outputs
// that neighbouring input pixels met under a tap are neighbours.
func (o Conv2DGradInput) image(w *worker, dy []float32) image {
	rows, cols := o.OutH(), o.OutW()
	height, width := o.H+o.spanH()-1, o.W+o.spanW()-1
	m := w.newImage(o.groupO()*height*width, o.groupO()*o.KH*o.KW, width, o.H, o.W)
	// Output column ow lies at column ow*StrideW + left; those off the image met no input pixel.
	top, left := o.spanH()-1-o.PadH, o.spanW()-1-o.PadW
	for oc := range o.groupO() {
		for oh := range rows {
			r := oh*o.StrideH + top
			if r < 0 || r >= height {
				continue
			}
			line := dy[(oc*rows+oh)*cols:][:cols]
			row := m.data[(oc*height+r)*width:][:width]
			if o.StrideW == 1 && left >= 0 {
				copy(row[left:], line)
				continue
			}
			for ow, v := range line {
				if c := ow*o.StrideW + left; c >= 0 && c < width {
					row[c] = v
				}
			}
		}
	}
	k := 0
	for oc := range o.groupO() {
		for kh := range o.KH {
			for kw := range o.KW {
				m.at[k] = int32((oc*height+o.spanH()-1-kh*o.down())*width + o.spanW() - 1 - kw*o.across())
				k++
			}
		}
	}
	return m
}

// reference computes input channel c of image n.
func (o Conv2DGradInput) reference(w *worker, n, c int, dy, weights, dx []float32) {
	rows, cols := o.OutH(), o.OutW()
	pixels := w.floats(o.W)
	first, own := c/o.groupC()*o.groupO(), c%o.groupC() // filter, and the channel in its group
	for ih := range o.H {
		f := w.productFold(o.Profile, o.W)
		k := 0
		for oc := first; oc < first+o.groupO(); oc++ {
			for kh := range o.KH {
				for kw := range o.KW {
					clear(pixels)
					if oh, ok := o.outRow(ih, kh); ok {
						line := dy[((n*o.O+oc)*rows+oh)*cols:]
						for iw := range pixels {
							if ow, ok := o.outCol(iw, kw); ok {
								pixels[iw] = line[ow]
							}
						}
					}
					f.add(k, weights[((oc*o.groupC()+own)*o.KH+kh)*o.KW+kw], pixels, 1)
					k++
				}
			}
		}
		f.sum(dx[((n*o.C+c)*o.H+ih)*o.W:], 1)
	}
}
