package kernels

import "fmt"

// ConvShape is the shape of a two-dimensional convolution: N images of C channels, HxW pixels each, and O filters of
// KHxKW taps. Strides are at least 1. The border of PadH rows and PadW columns on each side is +0.
//
// Channels and filters fall into Groups of neighbours, and a filter sees the channels of its own group; Groups divides C
// and O. Neighbouring taps are DilationH rows and DilationW columns apart. For all three 0 is 1: one group, and taps that
// are neighbours.
type ConvShape struct {
	N, C, H, W           int
	O, KH, KW            int
	StrideH, StrideW     int
	PadH, PadW           int
	Groups               int
	DilationH, DilationW int
	Profile              Profile
}

// groups, down and across are Groups and the dilations.
func (s ConvShape) groups() int { return max(s.Groups, 1) }
func (s ConvShape) down() int   { return max(s.DilationH, 1) }
func (s ConvShape) across() int { return max(s.DilationW, 1) }

// spanH and spanW are the rows and columns from a filter's first tap to its last.
func (s ConvShape) spanH() int { return (s.KH-1)*s.down() + 1 }
func (s ConvShape) spanW() int { return (s.KW-1)*s.across() + 1 }

// groupC and groupO are the channels and the filters of a group.
func (s ConvShape) groupC() int { return s.C / s.groups() }
func (s ConvShape) groupO() int { return s.O / s.groups() }

// OutH is the height of an output image.
func (s ConvShape) OutH() int { return windows(s.H, s.spanH(), s.StrideH, s.PadH) }

// OutW is the width of an output image.
func (s ConvShape) OutW() int { return windows(s.W, s.spanW(), s.StrideW, s.PadW) }

// taps is the number of weights of one filter, C/Groups*KH*KW.
func (s ConvShape) taps() int { return s.groupC() * s.KH * s.KW }

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
	ih = oh*s.StrideH + kh*s.down() - s.PadH
	return ih, ih >= 0 && ih < s.H
}

// inCol is the input column that output column ow meets at tap column kw; ok is false on the border.
func (s ConvShape) inCol(ow, kw int) (iw int, ok bool) {
	iw = ow*s.StrideW + kw*s.across() - s.PadW
	return iw, iw >= 0 && iw < s.W
}

// outRow is the output row that meets input row ih at tap row kh; ok is false if there is none.
func (s ConvShape) outRow(ih, kh int) (oh int, ok bool) {
	t := ih + s.PadH - kh*s.down()
	return t / s.StrideH, t >= 0 && t%s.StrideH == 0 && t/s.StrideH < s.OutH()
}

// outCol is the output column that meets input column iw at tap column kw; ok is false if there is none.
func (s ConvShape) outCol(iw, kw int) (ow int, ok bool) {
	t := iw + s.PadW - kw*s.across()
	return t / s.StrideW, t >= 0 && t%s.StrideW == 0 && t/s.StrideW < s.OutW()
}

// operations are those of the layer and of each of its gradients.
func (s ConvShape) operations() uint64 {
	return terms(2, s.N, s.O, s.OutH(), s.OutW(), s.groupC(), s.KH, s.KW)
}

// check refuses groups that do not divide the channels and the filters.
func (s ConvShape) check() error {
	if s.C%s.groups() != 0 || s.O%s.groups() != 0 {
		return fmt.Errorf("convolution: %d groups do not divide %d channels and %d filters", s.Groups, s.C, s.O)
	}
	return nil
}
