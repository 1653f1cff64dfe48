package kernels

// AvgPool2D is the mean of each window, padding counting as +0, contract.md section 7.8.
//
//	x[N,C,H,W] -> y[N,C,OutH,OutW]
type AvgPool2D struct{ PoolShape }

func (o AvgPool2D) Name() string { return "avg_pool2d" }
func (o AvgPool2D) Operands() []Operand {
	return []Operand{{"x", F32, o.in(), In}, {"y", F32, o.out(), Out}}
}
func (o AvgPool2D) pieces(_ *CPU, phase int) int { return o.planes(phase) }
func (o AvgPool2D) piece(_ *worker, _, i int, b []Buf) {
	inv := inverse(o.KH * o.KW)
	lo, hi := o.planeRange(i)
	in, out := o.H*o.W, o.OutH()*o.OutW()
	for p := lo; p < hi; p++ {
		x, y := b[0].F[p*in:(p+1)*in], b[1].F[p*out:(p+1)*out]
		at := 0
		for oh := range o.OutH() {
			h0, h1 := o.rows(oh)
			for ow := range o.OutW() {
				w0, w1 := o.cols(ow)
				var s float32
				for h := h0; h < h1; h++ {
					for w := w0; w < w1; w++ {
						s += x[h*o.W+w]
					}
				}
				y[at] = float32(s * inv)
				at++
			}
		}
	}
}

// AvgPool2DGrad adds dy/(KH*KW) of each window to its elements, contract.md section 7.8: a fold
// from +0 over the windows in ascending order.
//
//	dy[N,C,OutH,OutW] -> dx[N,C,H,W]
type AvgPool2DGrad struct{ PoolShape }

func (o AvgPool2DGrad) Name() string { return "avg_pool2d_grad" }
func (o AvgPool2DGrad) Operands() []Operand {
	return []Operand{{"dy", F32, o.out(), In}, {"dx", F32, o.in(), Out}}
}
func (o AvgPool2DGrad) pieces(_ *CPU, phase int) int { return o.planes(phase) }
func (o AvgPool2DGrad) piece(_ *worker, _, i int, b []Buf) {
	inv := inverse(o.KH * o.KW)
	lo, hi := o.planeRange(i)
	in, out := o.H*o.W, o.OutH()*o.OutW()
	for p := lo; p < hi; p++ {
		dy, dx := b[0].F[p*out:(p+1)*out], b[1].F[p*in:(p+1)*in]
		clear(dx)
		at := 0
		for oh := range o.OutH() {
			h0, h1 := o.rows(oh)
			for ow := range o.OutW() {
				w0, w1 := o.cols(ow)
				d := float32(dy[at] * inv)
				for h := h0; h < h1; h++ {
					for w := w0; w < w1; w++ {
						dx[h*o.W+w] += d
					}
				}
				at++
			}
		}
	}
}
