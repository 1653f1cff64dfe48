package kernels

import (
	"math"
	"testing"
)

var convShapes = []ConvShape{
	{N: 2, C: 1, H: 28, W: 28, O: 8, KH: 3, KW: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1, Profile: ProfileF32},
	{N: 3, C: 5, H: 9, W: 7, O: 13, KH: 3, KW: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1, Profile: ProfileF32},
	{N: 1, C: 3, H: 11, W: 13, O: 7, KH: 3, KW: 2, StrideH: 2, StrideW: 3, PadH: 0, PadW: 1, Profile: ProfileF32},
	{N: 2, C: 4, H: 6, W: 6, O: 32, KH: 1, KW: 1, StrideH: 1, StrideW: 1, Profile: ProfileF32},
	{N: 2, C: 70, H: 5, W: 5, O: 3, KH: 3, KW: 3, StrideH: 1, StrideW: 1, PadH: 2, PadW: 2, Profile: ProfileF32},
	{N: 1, C: 2, H: 8, W: 8, O: 4, KH: 2, KW: 2, StrideH: 2, StrideW: 2, PadH: 3, PadW: 3, Profile: ProfileF32},
	{N: 9, C: 2, H: 32, W: 33, O: 17, KH: 5, KW: 5, StrideH: 1, StrideW: 1, PadH: 2, PadW: 2, Profile: ProfileF32},
	{N: 1, C: 1, H: 4, W: 4, O: 1, KH: 4, KW: 4, StrideH: 1, StrideW: 1, Profile: ProfileF32},
	{N: 2, C: 6, H: 6, W: 7, O: 9, KH: 3, KW: 2, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1, Groups: 3, Profile: ProfileF32},
	{N: 2, C: 20, H: 6, W: 7, O: 20, KH: 3, KW: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1, Groups: 20, Profile: ProfileF32},
	{N: 1, C: 3, H: 9, W: 9, O: 6, KH: 3, KW: 3, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1, Groups: 3, Profile: ProfileF32},
	{N: 1, C: 3, H: 9, W: 8, O: 4, KH: 3, KW: 2, StrideH: 1, StrideW: 2, PadH: 2, PadW: 0, DilationH: 2, DilationW: 3, Profile: ProfileF32},
	{N: 1, C: 4, H: 9, W: 8, O: 4, KH: 3, KW: 3, StrideH: 2, StrideW: 1, PadH: 3, PadW: 2, Groups: 2, DilationH: 3, DilationW: 2, Profile: ProfileF32},
}

func TestConv2DEqualsItsReference(t *testing.T) {
	for _, s := range convShapes {
		op := Conv2D{s}
		sameEverywhere(t, op, operandsOf(op)...)
	}
}

func TestConv2DGradInputEqualsItsReference(t *testing.T) {
	for _, s := range convShapes {
		op := Conv2DGradInput{s}
		sameEverywhere(t, op, operandsOf(op)...)
	}
}

func TestConv2DGradWeightEqualsItsReference(t *testing.T) {
	for _, s := range convShapes {
		op := Conv2DGradWeight{s}
		sameEverywhere(t, op, operandsOf(op)...)
	}
}

// Border pixels are terms: +0 times an infinite weight is NaN everywhere or nowhere.
func TestNonFiniteTermsReachTheSameOutputs(t *testing.T) {
	for _, op := range []Operator{
		Gemm{M: 19, N: 37, K: 600, TransB: true, Profile: ProfileF32}, Conv2D{convShapes[1]}, Conv2D{convShapes[2]},
		Conv2DGradInput{convShapes[1]}, Conv2DGradInput{convShapes[2]},
		Conv2DGradWeight{convShapes[1]}, Conv2DGradWeight{convShapes[2]},
	} {
		for i := range 2 {
			operands := operandsOf(op)
			operands[i][len(operands[i])/3] = float32(math.Inf(1))
			operands[i][len(operands[i])/2] = float32(math.NaN())
			sameEverywhere(t, op, operands...)
		}
	}
}

func TestConvolutionsDoNotAllocate(t *testing.T) {
	everyCPU(t, func(t *testing.T, cpu *CPU) {
		for _, op := range []Operator{Conv2D{convShapes[1]}, Conv2DGradInput{convShapes[1]}, Conv2DGradWeight{convShapes[1]}} {
			var bufs []Buf
			for _, f := range operandsOf(op) {
				bufs = append(bufs, Buf{F: f})
			}
			steady(t, cpu, op, bufs)
		}
	})
}

// operandsOf returns hard numbers for the operands of an operator.
func operandsOf(op Operator) [][]float32 {
	var all [][]float32
	for i, o := range op.Operands() {
		all = append(all, hard(o.Len, uint64(i+1)))
	}
	return all
}
