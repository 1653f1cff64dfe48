package kernels

import "math"

// MaxPool2D takes the largest element of each window, and its place, contract.md section 7.7. The
// first of equal elements in row-major order wins, padding never does, and NaN wins over numbers.
//
//	x[N,C,H,W] -> y[N,C,OutH,OutW], index[N,C,OutH,OutW] (I32, h*W+w in the plane)
type MaxPool2D struct{ PoolShape }

func (o MaxPool2D) Name() string { return "max_pool2d" }
func (o MaxPool2D) Operands() []Operand {
	return []Operand{{"x", F32, o.in(), In}, {"y", F32, o.out(), Out}, {"index", I32, o.out(), Out}}
}
func (o MaxPool2D) pieces(_ *CPU, phase int) int { return o.planes(phase) }
func (o MaxPool2D) piece(w *worker, _, i int, b []Buf) {
	lo, hi := o.planeRange(i)
	in, out := o.H*o.W, o.OutH()*o.OutW()
	for p := lo; p < hi; p++ {
		x, y, index := b[0].F[p*in:(p+1)*in], b[1].F[p*out:(p+1)*out], b[2].I[p*out:(p+1)*out]
		if o.KH == 2 && o.KW == 2 && o.StrideH == 2 && o.StrideW == 2 && o.PadH == 0 && o.PadW == 0 {
			o.planeOfPairs(w.vec, x, y, index)
		} else {
			o.plane(x, y, index)
		}
	}
}

// planeOfPairs is plane for 2x2 windows side by side.
func (o MaxPool2D) planeOfPairs(v *vector, x, y []float32, index []int32) {
	n := o.OutW()
	for oh := range o.OutH() {
		at := 2 * oh * o.W
		v.maxPool2(y[oh*n:(oh+1)*n], index[oh*n:(oh+1)*n], x[at:at+2*n], x[at+o.W:at+o.W+2*n], int32(at), int32(o.W))
	}
}

func maxPool2Loop(y []float32, index []int32, top, bottom []float32, at, width int32) {
	for j := range y {
		k := int32(2 * j)
		best, where := top[k], at+k
		if v := top[k+1]; v > best || v != v {
			best, where = v, at+k+1
		}
		if v := bottom[k]; v > best || v != v {
			best, where = v, at+k+width
		}
		if v := bottom[k+1]; v > best || v != v {
			best, where = v, at+k+width+1
		}
		y[j], index[j] = best, where
	}
}

func (o MaxPool2D) plane(x, y []float32, index []int32) {
	at := 0
	for oh := range o.OutH() {
		h0, h1 := o.rows(oh)
		for ow := range o.OutW() {
			w0, w1 := o.cols(ow)
			best, where := float32(math.Inf(-1)), h0*o.W+w0
			for h := h0; h < h1; h++ {
				for w := w0; w < w1; w++ {
					if v := x[h*o.W+w]; v > best || v != v {
						best, where = v, h*o.W+w
					}
				}
			}
			y[at], index[at] = best, int32(where)
			at++
		}
	}
}

// MaxPool2DGrad adds each window's gradient to the element that won, contract.md section 7.7: a fold
// from +0 over the windows in ascending order.
//
//	index[N,C,OutH,OutW] (I32), dy[N,C,OutH,OutW] -> dx[N,C,H,W]
type MaxPool2DGrad struct{ PoolShape }

func (o MaxPool2DGrad) Name() string { return "max_pool2d_grad" }
func (o MaxPool2DGrad) Operands() []Operand {
	return []Operand{{"index", I32, o.out(), In}, {"dy", F32, o.out(), In}, {"dx", F32, o.in(), Out}}
}
func (o MaxPool2DGrad) pieces(_ *CPU, phase int) int { return o.planes(phase) }
func (o MaxPool2DGrad) piece(_ *worker, _, i int, b []Buf) {
	lo, hi := o.planeRange(i)
	in, out := o.H*o.W, o.OutH()*o.OutW()
	for p := lo; p < hi; p++ {
		dx := b[2].F[p*in : (p+1)*in]
		clear(dx)
		dy := b[1].F[p*out : (p+1)*out]
		for j, at := range b[0].I[p*out : (p+1)*out] {
			if at >= 0 && int(at) < in {
				dx[at] += dy[j]
			}
		}
	}
}
