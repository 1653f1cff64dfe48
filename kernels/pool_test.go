package kernels

import (
	"slices"
	"testing"
)

func TestMaxPoolTakesTheFirstOfEquals(t *testing.T) {
	s := PoolShape{N: 1, C: 1, H: 3, W: 3, KH: 2, KW: 2, StrideH: 1, StrideW: 1}
	x := floats(
		1, 1, 0,
		1, 1, nan(),
		-1, -2, -3)
	y, index := zeros(4), ints(9, 9, 9, 9)
	run(t, MaxPool2D{s}, x, y, index)
	same(t, "y", y.F, []float32{1, nan(), 1, nan()})
	if want := []int32{0, 5, 3, 5}; !slices.Equal(index.I, want) {
		t.Errorf("index %v, want %v", index.I, want)
	}
	dx := zeros(9)
	run(t, MaxPool2DGrad{s}, index, floats(1, 2, 4, 8), dx)
	same(t, "dx", dx.F, []float32{1, 0, 0, 4, 0, 10, 0, 0, 0})
}

func TestMaxPoolNeverTakesPadding(t *testing.T) {
	s := PoolShape{N: 1, C: 2, H: 2, W: 2, KH: 3, KW: 3, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1}
	y, index := zeros(2), ints(9, 9)
	run(t, MaxPool2D{s}, floats(-4, -3, -2, -1, -1, -2, -3, -4), y, index)
	same(t, "y", y.F, []float32{-1, -1})
	if want := []int32{3, 0}; !slices.Equal(index.I, want) {
		t.Errorf("index %v, want %v", index.I, want)
	}
}

func TestAvgPoolCountsPaddingAsZero(t *testing.T) {
	s := PoolShape{N: 1, C: 1, H: 2, W: 3, KH: 2, KW: 2, StrideH: 2, StrideW: 1, PadH: 1, PadW: 1}
	y, dx := zeros(8), zeros(6)
	run(t, AvgPool2D{s}, floats(1, 2, 3, 4, 5, 6), y)
	same(t, "y", y.F, []float32{0.25, 0.75, 1.25, 0.75, 1, 2.25, 2.75, 1.5})
	run(t, AvgPool2DGrad{s}, floats(4, 8, 12, 16, 20, 24, 28, 32), dx)
	same(t, "dx", dx.F, []float32{3, 5, 7, 11, 13, 15})
}
