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
		return o.groups() * o.turns()
	case tiled && phase == 1:
		per, _ := o.together(c.workers[0])
		return o.deal(c, per, o.groupC()).count()
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
		o.turn(i/o.turns(), i%o.turns()*turnedChannels, weights, w.cpu.packed)
	default:
		per, sideBySide := o.together(w)
		p := o.deal(w.cpu, per, o.groupC()).at(i)
		m, first, terms := p.hi-p.lo, p.group*o.groupC()+p.lo, o.groupO()*o.KH*o.KW
		a := mat{w.cpu.packed[first*terms:], terms, 1}
		from := func(i int) []float32 { return dy[((p.image+i)*o.O+p.group*o.groupO())*o.OutH()*o.OutW():] }
		to := func(i int) []float32 { return dx[((p.image+i)*o.C+first)*o.H*o.W:] }
		if o.strided() && allZero(w.cpu.packed[o.O*o.taps():][first:first+m]) {
			o.phases(w, m, a, w.manyImages(p.images, func(i int) image { return o.phaseImage(w, from(i)) }), to)
			return
		}
		w.convolveImages(o.Profile, m, a, p.images, sideBySide, func(i int) image { return o.image(w, from(i)) }, to)
	}
}

// together is how many images a piece computes, and whether side by side. Those of a phase of strides always are.
func (o Conv2DGradInput) together(w *worker) (images int, sideBySide bool) {
	if o.strided() {
		return w.columnImages(o.N, o.H*o.W/(o.StrideH*o.StrideW)), true
	}
	return w.together(o.N, o.W+o.spanW()-1, o.H, o.W, o.O*o.taps()/o.groups())
}

// turnedChannels is how many channels' weights are turned together: they lie side by side in each filter.
const turnedChannels = 16

func (o Conv2DGradInput) turns() int { return (o.groupC() + turnedChannels - 1) / turnedChannels }

// turn gathers the weights of the channels of a group from its channel lo on in the order of K, and their spread behind all.
func (o Conv2DGradInput) turn(group, lo int, weights, turned []float32) {
	window, filters := o.KH*o.KW, o.groupO()
	first, n := group*o.groupC()+lo, min(turnedChannels, o.groupC()-lo)
	for oc := range filters {
		from := weights[((group*filters+oc)*o.groupC()+lo)*window:][:n*window]
		for c := range n {
			to := turned[((first+c)*filters+oc)*window:][:window]
			for t := range to {
				to[t] = from[c*window+t]
			}
		}
	}
	for c := first; c < first+n; c++ {
		turned[o.O*o.taps()+c] = o.spread(c, turned)
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
