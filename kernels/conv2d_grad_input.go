package kernels

// Conv2DGradInput is the gradient of Conv2D by its input: for each image, dx[c,h,w] is the sum over
// K = (o,kh,kw), ascending, of w[o,c,kh,kw] times the dy of the output pixel that saw (h,w) under
// that tap, in the GEMM order. Where there is no such output pixel the factor is +0 and takes part
// as a term.
//
// dy is NxOxOutHxOutW, w is OxCxKHxKW, dx is NxCxHxW.
type Conv2DGradInput struct{ ConvShape }

// Name is "conv2d_grad_input".
func (Conv2DGradInput) Name() string { return "conv2d_grad_input" }

// Operands are dy, w -> dx.
func (o Conv2DGradInput) Operands() []Operand {
	return []Operand{o.y("dy", In), o.w("w", In), o.x("dx", Out)}
}

func (o Conv2DGradInput) pieces(_ *CPU, phase int) int {
	if phase > 0 {
		return 0
	}
	return o.N * o.C
}

func (o Conv2DGradInput) piece(w *worker, _, i int, buf []Buf) {
	o.reference(w, i/o.C, i%o.C, buf[0].F, buf[1].F, buf[2].F)
}

// reference computes input channel c of image n.
func (o Conv2DGradInput) reference(w *worker, n, c int, dy, weights, dx []float32) {
	rows, cols := o.OutH(), o.OutW()
	pixels := w.floats(o.W)
	for ih := range o.H {
		f := w.fold(o.W)
		k := 0
		for oc := range o.O {
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
					f.add(k, weights[((oc*o.C+c)*o.KH+kh)*o.KW+kw], pixels, 1)
					k++
				}
			}
		}
		f.sum(dx[((n*o.C+c)*o.H+ih)*o.W:], 1)
	}
}
