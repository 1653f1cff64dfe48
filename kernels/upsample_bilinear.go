package kernels

// UpsampleBilinear is the mean of the four inputs round each output, contract.md section 16.2.
//
//	x[Planes,H,W] -> y[Planes,OutH,OutW]
type UpsampleBilinear struct {
	UpsampleShape
	AlignCorners bool
}

// between is where output i of out lies among n inputs: after input at, the part share of the way to input next.
func between(i, n, out int, corners bool) (at, next int, share float32) {
	place, unit := (2*i+1)*n-out, 2*out
	if corners {
		place, unit = i*(n-1), max(out-1, 1)
	}
	place = max(place, 0)
	at = min(place/unit, n-1)
	return at, min(at+1, n-1), float32(place%unit) / float32(unit)
}

func (o UpsampleBilinear) Name() string        { return "upsample_bilinear2d" }
func (o UpsampleBilinear) Operands() []Operand { return o.operands("x", "y", true) }
func (o UpsampleBilinear) piece(w *worker, _, i int, b []Buf) {
	cols := o.columns(w, o.AlignCorners)
	lo, hi := o.planeRange(i)
	for p := lo; p < hi; p++ {
		x, y := b[0].F[p*o.in():][:o.in()], b[1].F[p*o.out():][:o.out()]
		for oh := range o.OutH {
			h0, h1, down := between(oh, o.H, o.OutH, o.AlignCorners)
			top, bottom, up := x[h0*o.W:][:o.W], x[h1*o.W:][:o.W], 1-down
			row := y[oh*o.OutW:][:o.OutW]
			for ow := range row {
				w0, w1, right := int(w.at[2*ow]), int(w.at[2*ow+1]), cols[ow]
				left := 1 - right
				a := float32(left*top[w0]) + float32(right*top[w1])
				c := float32(left*bottom[w0]) + float32(right*bottom[w1])
				row[ow] = float32(up*a) + float32(down*c)
			}
		}
	}
}

// columns are the shares of the output columns. Their inputs are in the worker's places.
func (s UpsampleShape) columns(w *worker, corners bool) []float32 {
	w.at = grow(w.at, 2*s.OutW)
	shares := w.floats(s.OutW)
	for ow := range shares {
		at, next, share := between(ow, s.W, s.OutW, corners)
		w.at[2*ow], w.at[2*ow+1], shares[ow] = int32(at), int32(next), share
	}
	return shares
}

// UpsampleBilinearGrad gives each output's gradient to the four inputs that it was made of, contract.md section 16.2.
//
//	dy[Planes,OutH,OutW] -> dx[Planes,H,W]
type UpsampleBilinearGrad struct {
	UpsampleShape
	AlignCorners bool
}

func (o UpsampleBilinearGrad) Name() string        { return "upsample_bilinear2d_grad" }
func (o UpsampleBilinearGrad) Operands() []Operand { return o.operands("dy", "dx", false) }
func (o UpsampleBilinearGrad) piece(w *worker, _, i int, b []Buf) {
	cols := o.columns(w, o.AlignCorners)
	lo, hi := o.planeRange(i)
	for p := lo; p < hi; p++ {
		dy, dx := b[0].F[p*o.out():][:o.out()], b[1].F[p*o.in():][:o.in()]
		clear(dx)
		for oh := range o.OutH {
			h0, h1, down := between(oh, o.H, o.OutH, o.AlignCorners)
			top, bottom, up := dx[h0*o.W:][:o.W], dx[h1*o.W:][:o.W], 1-down
			for ow, d := range dy[oh*o.OutW:][:o.OutW] {
				w0, w1, right := w.at[2*ow], w.at[2*ow+1], cols[ow]
				left := 1 - right
				top[w0] += float32(float32(up*left) * d)
				top[w1] += float32(float32(up*right) * d)
				bottom[w0] += float32(float32(down*left) * d)
				bottom[w1] += float32(float32(down*right) * d)
			}
		}
	}
}
