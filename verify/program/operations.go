package program

import (
	"math"
	"math/bits"

	"github.com/verifyd/verifyd/kernels"
)

// FLOPs is the number of floating-point operations of one step. Matrix products, convolutions and
// attention count a multiplication and an addition for each term; everything else counts one for each
// element that it writes. A number that does not fit is the largest that does.
func (p *Plan) FLOPs() uint64 {
	t := p.Tape(0)
	var n uint64
	for i, times := range []int{1, p.accum - 1} {
		n = saturatingAdd(n, saturatingProduct(operationsOf(t.training[i].list), uint64(times)))
	}
	return saturatingAdd(n, operationsOf(t.Update))
}

// operationsOf counts those of calls.
func operationsOf(calls []kernels.Call) (n uint64) {
	for _, c := range calls {
		n = saturatingAdd(n, operations(c.Op))
	}
	return n
}

func operations(op kernels.Operator) uint64 {
	switch o := op.(type) {
	case kernels.Gemm:
		return terms(2, o.M, o.N, o.K)
	case kernels.Conv2D:
		return convolution(o.ConvShape)
	case kernels.Conv2DGradInput:
		return convolution(o.ConvShape)
	case kernels.Conv2DGradWeight:
		return convolution(o.ConvShape)
	case kernels.Attention: // S and O
		return terms(2*2, o.Batch, o.Heads, o.Seq, o.Seq, o.HeadDim)
	case kernels.AttentionGrad: // S again, dV, dP, dQ and dK
		return terms(5*2, o.Batch, o.Heads, o.Seq, o.Seq, o.HeadDim)
	}
	var n uint64
	for _, operand := range op.Operands() {
		if operand.Access != kernels.In {
			n += uint64(operand.Len)
		}
	}
	return n
}

func convolution(s kernels.ConvShape) uint64 {
	return terms(2, s.N, s.O, s.OutH(), s.OutW(), s.C, s.KH, s.KW)
}

// terms is the product of dimensions, saturating.
func terms(dims ...int) uint64 {
	n := uint64(1)
	for _, d := range dims {
		n = saturatingProduct(n, uint64(d))
	}
	return n
}

func saturatingProduct(a, b uint64) uint64 {
	if high, low := bits.Mul64(a, b); high == 0 {
		return low
	}
	return math.MaxUint64
}

func saturatingAdd(a, b uint64) uint64 {
	if sum, carry := bits.Add64(a, b, 0); carry == 0 {
		return sum
	}
	return math.MaxUint64
}
