package kernels

// ConvShape is the shape of a two-dimensional convolution without groups or dilation: N images of C
// channels, HxW pixels each, and O filters of KHxKW taps. Strides are at least 1. The border of PadH
// rows and PadW columns on each side is +0.
type ConvShape struct {
	N, C, H, W       int
	O, KH, KW        int
	StrideH, StrideW int
	PadH, PadW       int
	Profile          Profile
}

// OutH is the height of an output image.
func (s ConvShape) OutH() int { return windows(s.H, s.KH, s.StrideH, s.PadH) }

// OutW is the width of an output image.
func (s ConvShape) OutW() int { return windows(s.W, s.KW, s.StrideW, s.PadW) }

// taps is the number of weights of one filter, C*KH*KW.
func (s ConvShape) taps() int { return s.C * s.KH * s.KW }

// x, w and y are the operands of the layer and of their gradients, which have the same shapes.
func (s ConvShape) x(name string, a Access) Operand {
	return Operand{Name: name, Len: s.N * s.C * s.H * s.W, Access: a}
}

func (s ConvShape) w(name string, a Access) Operand {
	return Operand{Name: name, Len: s.O * s.taps(), Access: a}
}

func (s ConvShape) y(name string, a Access) Operand {
	return Operand{Name: name, Len: s.N * s.O * s.OutH() * s.OutW(), Access: a}
}

// inRow is the input row that output row oh meets at tap row kh; ok is false on the border.
func (s ConvShape) inRow(oh, kh int) (ih int, ok bool) {
	ih = oh*s.StrideH + kh - s.PadH
	return ih, ih >= 0 && ih < s.H
}

// inCol is the input column that output column ow meets at tap column kw; ok is false on the border.
func (s ConvShape) inCol(ow, kw int) (iw int, ok bool) {
	iw = ow*s.StrideW + kw - s.PadW
	return iw, iw >= 0 && iw < s.W
}

// outRow is the output row that meets input row ih at tap row kh; ok is false if there is none.
func (s ConvShape) outRow(ih, kh int) (oh int, ok bool) {
	t := ih + s.PadH - kh
	return t / s.StrideH, t >= 0 && t%s.StrideH == 0 && t/s.StrideH < s.OutH()
}

// outCol is the output column that meets input column iw at tap column kw; ok is false if there is none.
func (s ConvShape) outCol(iw, kw int) (ow int, ok bool) {
	t := iw + s.PadW - kw
	return t / s.StrideW, t >= 0 && t%s.StrideW == 0 && t/s.StrideW < s.OutW()
}

// operations are those of the layer and of each of its gradients.
func (s ConvShape) operations() uint64 {
	return terms(2, s.N, s.O, s.OutH(), s.OutW(), s.C, s.KH, s.KW)
}
