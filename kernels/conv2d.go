package kernels

// Conv2D is the convolution layer without bias: for each image, y[o,p] is the sum over the taps
// K = (c,kh,kw), ascending, of w[o,k] times the pixel of x under that tap, in the GEMM order. Pixels
// of the border are +0 and take part as terms.
//
// x is NxCxHxW, w is OxCxKHxKW, y is NxOxOutHxOutW.
type Conv2D struct{ ConvShape }

// Name is "conv2d".
func (Conv2D) Name() string { return "conv2d" }

// Operands are x, w -> y.
func (o Conv2D) Operands() []Operand {
	return []Operand{o.x("x", In), o.w("w", In), o.y("y", Out)}
}

func (o Conv2D) pieces(_ *CPU, phase int) int {
	if phase > 0 {
		return 0
	}
	return o.N * o.O
}

func (o Conv2D) piece(w *worker, _, i int, buf []Buf) {
	o.reference(w, i/o.O, i%o.O, buf[0].F, buf[1].F, buf[2].F)
}

// reference computes output channel oc of image n.
func (o Conv2D) reference(w *worker, n, oc int, x, weights, y []float32) {
	rows, cols := o.OutH(), o.OutW()
	pixels := w.floats(cols)
	for oh := range rows {
		f := w.fold(cols)
		k := 0
		for c := range o.C {
			for kh := range o.KH {
				for kw := range o.KW {
					clear(pixels)
					if ih, ok := o.inRow(oh, kh); ok {
						line := x[((n*o.C+c)*o.H+ih)*o.W:]
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
