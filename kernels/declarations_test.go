package kernels

import (
	"math"
	"testing"
)

func TestOperationsAreThoseOfTheDefinitions(t *testing.T) {
	conv := ConvShape{N: 2, C: 3, H: 5, W: 7, O: 4, KH: 3, KW: 2, StrideH: 1, StrideW: 2, PadH: 1}
	taps := uint64(2 * 4 * 5 * 3 * 3 * 3 * 2) // outputs of 5x3 pixels
	for _, c := range []struct {
		op   Operator
		want uint64
	}{
		{Gemm{M: 3, N: 5, K: 7}, 2 * 3 * 5 * 7},
		{Conv2D{conv}, 2 * taps}, {Conv2DGradInput{conv}, 2 * taps}, {Conv2DGradWeight{conv}, 2 * taps},
		{Attention{Batch: 2, Heads: 3, Seq: 5, HeadDim: 8}, 2 * 2 * 2 * 3 * 5 * 5 * 8},
		{Matmul{3, Gemm{M: 4, N: 5, K: 6}}, 3 * 2 * 4 * 5 * 6},
		{SDPA{Batch: 2, Heads: 4, KVHeads: 2, Queries: 5, Keys: 7, HeadDim: 8}, 2 * 2 * 2 * 4 * 5 * 7 * 8},
		{SDPAGrad{Batch: 2, Heads: 4, KVHeads: 2, Queries: 5, Keys: 7, HeadDim: 8}, 5 * 2 * 2 * 4 * 5 * 7 * 8},
		{AttentionGrad{Batch: 2, Heads: 3, Seq: 5, HeadDim: 8}, 5 * 2 * 2 * 3 * 5 * 5 * 8},
		{ReLU{N: 11}, 11}, {MSE{N: 11}, 1}, {SGD{N: 11, Momentum: 0.5}, 2 * 11}, // what they write
		{Gemm{M: 1 << 30, N: 1 << 30, K: 1 << 30}, math.MaxUint64},
		{Gemm{M: 1 << 40, N: 1 << 40, K: 0}, 0},
	} {
		if got := FLOPs(c.op); got != c.want {
			t.Errorf("%+v: %d operations, want %d", c.op, got, c.want)
		}
	}
}
