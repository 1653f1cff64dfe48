package kernels

// Conv2D is the convolution layer without bias: for each image, y[o,p] is the sum over the taps
// K = (c,kh,kw), ascending, of w[o,k] times the pixel of x under that tap, in the GEMM order, where c
// counts the channels of o's group. Pixels of the border are +0 and take part as terms.
//
// x is NxCxHxW, w is OxC/GroupsxKHxKW, y is NxOxOutHxOutW.
type Conv2D struct{ ConvShape }

// Name is "conv2d".
func (Conv2D) Name() string { return "conv2d" }

// Operands are x, w -> y.
func (o Conv2D) Operands() []Operand {
	return []Operand{o.x("x", In), o.w("w", In), o.y("y", Out)}
}

func (o Conv2D) pieces(c *CPU, phase int) int {
	switch {
	case phase > 0:
		return 0
	case c.workers[0].tiles == nil:
		return o.N * o.O
	case o.deep(c.workers[0].tiles):
		return o.N * o.depthBlocks()
	}
	per, _ := o.together(c.workers[0])
	return o.deal(c, per, o.groupO()).count()
}

func (o Conv2D) piece(w *worker, _, i int, buf []Buf) {
	x, weights, y := buf[0].F, buf[1].F, buf[2].F
	if w.tiles == nil {
		o.reference(w, i/o.O, i%o.O, x, weights, y)
		return
	}
	if o.deep(w.tiles) {
		o.deepPiece(w, i, x, weights, y)
		return
	}
	per, sideBySide := o.together(w)
	p := o.deal(w.cpu, per, o.groupO()).at(i)
	first := p.group*o.groupO() + p.lo // filter
	image := func(i int) image { return o.image(w, x[((p.image+i)*o.C+p.group*o.groupC())*o.H*o.W:]) }
	to := func(i int) []float32 { return y[((p.image+i)*o.O+first)*o.OutH()*o.OutW():] }
	w.convolveImages(o.Profile, p.hi-p.lo, mat{weights[first*o.taps():], o.taps(), 1}, p.images, sideBySide, image, to)
}

// together is how many images a piece computes, and whether side by side.
func (o Conv2D) together(w *worker) (images int, sideBySide bool) {
	width := (o.W + 2*o.PadW + o.StrideW - 1) / o.StrideW
	return w.together(o.N, width, o.OutH(), o.OutW(), o.groupO()*o.taps())
}

// image pads one group of an image and deals its pixels out to StrideH x StrideW planes, so that the pixels that
// neighbouring outputs meet under a tap are neighbours.
func (o Conv2D) image(w *worker, x []float32) image {
	sh, sw := o.StrideH, o.StrideW
	height, width := (o.H+2*o.PadH+sh-1)/sh, (o.W+2*o.PadW+sw-1)/sw
	place := func(c, row, col int) int {
		plane := (c*sh+row%sh)*sw + col%sw
		return (plane*height+row/sh)*width + col/sw
	}
	m := w.newImage(o.groupC()*sh*sw*height*width, o.taps(), width, o.OutH(), o.OutW())
	for c := range o.groupC() {
		for ih := range o.H {
			line := x[(c*o.H+ih)*o.W:][:o.W]
			for q := range sw {
				// Pixels iw, iw+sw, ... lie side by side in plane q.
				iw := ((q-o.PadW)%sw + sw) % sw
				row := m.data[place(c, ih+o.PadH, iw+o.PadW):]
				if sw == 1 {
					copy(row, line)
					continue
				}
				for i := 0; iw < o.W; i++ {
					row[i] = line[iw]
					iw += sw
				}
			}
		}
	}
	k := 0
	for c := range o.groupC() {
		for kh := range o.KH {
			for kw := range o.KW {
				m.at[k] = int32(place(c, kh*o.down(), kw*o.across()))
				k++
			}
		}
	}
	return m
}

// reference computes output channel oc of image n.
func (o Conv2D) reference(w *worker, n, oc int, x, weights, y []float32) {
	rows, cols := o.OutH(), o.OutW()
	pixels := w.floats(cols)
	first := oc / o.groupO() * o.groupC() // channel
	for oh := range rows {
		f := w.productFold(o.Profile, cols)
		k := 0
		for c := range o.groupC() {
			for kh := range o.KH {
				for kw := range o.KW {
					clear(pixels)
					if ih, ok := o.inRow(oh, kh); ok {
						line := x[((n*o.C+first+c)*o.H+ih)*o.W:]
						for ow := range pixels {
							if iw, ok := o.inCol(ow, kw); ok {
								pixels[ow] = line[iw]
							}
						}
					}
					f.add(k, weights[oc*o.taps()+k], pixels, 1)
					k++
				}
			}
		}
		f.sum(y[((n*o.O+oc)*rows+oh)*cols:], 1)
	}
}
