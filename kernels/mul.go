package kernels

import "math"

// Mul is c = a * b, contract.md section 4.1.
//
//	a[N], b[N] -> c[N]
type Mul struct{ N int }

func (o Mul) Name() string { return "mul" }
func (o Mul) Operands() []Operand {
	return []Operand{{"a", F32, o.N, In}, {"b", F32, o.N, In}, {"c", F32, o.N, Out}}
}
func (Mul) inPlace() int                   { return 2 }
func (Mul) kernel() Kernel                 { return Kernel{Name: "drn1_mul"} }
func (o Mul) pieces(_ *CPU, phase int) int { return onePhase(phase, elementPieces(o.N)) }
func (o Mul) piece(w *worker, _, i int, b []Buf) {
	lo, hi := elementRange(i, o.N)
	w.vec.mul(b[2].F[lo:hi], b[0].F[lo:hi], b[1].F[lo:hi])
}

func mulLoop(c, a, b []float32) {
	b, c = b[:len(a)], c[:len(a)]
	for i, v := range a {
		c[i] = float32(v * b[i])
	}
}

// Scale is y = x * S, contract.md section 4.1.
//
//	x[N] -> y[N]
type Scale struct {
	N int
	S float32
}

func (o Scale) Name() string                 { return "scale" }
func (o Scale) Operands() []Operand          { return mapOperands(o.N) }
func (Scale) inPlace() int                   { return 1 }
func (o Scale) kernel() Kernel               { return Kernel{"drn1_scale", []uint32{math.Float32bits(o.S)}} }
func (o Scale) pieces(_ *CPU, phase int) int { return onePhase(phase, elementPieces(o.N)) }
func (o Scale) piece(w *worker, _, i int, b []Buf) {
	lo, hi := elementRange(i, o.N)
	w.vec.scale(b[1].F[lo:hi], b[0].F[lo:hi], o.S)
}

// ScaleBy is y = x * s[0], the product with a number that another operator computed. contract.md
// section 4.1. In place and by 1 it leaves the memory alone, because x * 1 = x.
//
//	x[N], s[1] -> y[N]
type ScaleBy struct{ N int }

func (o ScaleBy) Name() string { return "scale_by" }
func (o ScaleBy) Operands() []Operand {
	return []Operand{{"x", F32, o.N, In}, {"s", F32, 1, In}, {"y", F32, o.N, Out}}
}
func (ScaleBy) inPlace() int                   { return 1 }
func (ScaleBy) kernel() Kernel                 { return Kernel{Name: "drn1_scale_by"} }
func (o ScaleBy) pieces(_ *CPU, phase int) int { return onePhase(phase, elementPieces(o.N)) }
func (o ScaleBy) piece(w *worker, _, i int, b []Buf) {
	lo, hi := elementRange(i, o.N)
	x, y, s := b[0].F[lo:hi], b[2].F[lo:hi], b[1].F[0]
	if s == 1 && &x[0] == &y[0] {
		return
	}
	w.vec.scale(y, x, s)
}

func scaleLoop(y, x []float32, s float32) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] = float32(v * s)
	}
}

// ChannelMul is y[n,c,p] = x[n,c,p] * s[c], contract.md section 4.1.
//
//	x[N,C,P], s[C] -> y[N,C,P]
type ChannelMul struct{ N, C, P int }

func (o ChannelMul) Name() string { return "channel_mul" }
func (o ChannelMul) Operands() []Operand {
	n := o.N * o.C * o.P
	return []Operand{{"x", F32, n, In}, {"s", F32, o.C, In}, {"y", F32, n, Out}}
}
func (ChannelMul) inPlace() int { return 1 }
func (o ChannelMul) kernel() Kernel {
	return Kernel{"drn1_channel_mul", []uint32{uint32(o.C), uint32(o.P)}}
}

func (o ChannelMul) pieces(_ *CPU, phase int) int {
	if o.P == 1 {
		return onePhase(phase, rowPieces(o.N, o.C))
	}
	return onePhase(phase, rowPieces(o.N*o.C, o.P))
}

func (o ChannelMul) piece(w *worker, _, i int, b []Buf) {
	x, s, y := b[0].F, b[1].F, b[2].F
	if o.P == 1 {
		lo, hi := rowRange(i, o.N, o.C)
		for r := lo; r < hi; r++ {
			w.vec.mul(y[r*o.C:(r+1)*o.C], x[r*o.C:(r+1)*o.C], s)
		}
		return
	}
	lo, hi := rowRange(i, o.N*o.C, o.P)
	for r := lo; r < hi; r++ {
		w.vec.scale(y[r*o.P:(r+1)*o.P], x[r*o.P:(r+1)*o.P], s[r%o.C])
	}
}
