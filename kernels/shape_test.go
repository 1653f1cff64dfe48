package kernels

import (
	"math"
	"strings"
	"testing"
)

func TestNegativeSizesAreRefusedByName(t *testing.T) {
	c, err := NewCPU(Options{ISA: Generic, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for op, want := range map[Operator]string{
		Softmax{Rows: -2, Cols: -3}: "softmax: Rows is negative: -2",
		Conv2D{ConvShape{N: 1, H: 1, W: 1, O: 1, PadW: -1, Profile: ProfileF32}}:     "conv2d: PadW is negative: -1",
		AttentionGrad{Batch: 1, Heads: -1, Seq: -1, HeadDim: 4, Profile: ProfileF32}: "attention_grad: Heads is negative: -1",
		Permute{From: 9, Strides: [PermuteAxes]int{0, 0, -2}}:                        "permute: Strides[2] is negative: -2",
		Concat{Outer: 1, Inner: 1, Parts: [ConcatParts]int{3, -1}}:                   "concat: Parts[1] is negative: -1",
	} {
		for name, err := range map[string]error{"Run": c.Run(op, nil), "Check": Check(op, nil)} {
			if err == nil || err.Error() != want {
				t.Errorf("%s: %v, want %s", name, err, want)
			}
		}
	}
}

func TestSenselessWindowsAreNone(t *testing.T) {
	for _, n := range []int{windows(0, 0, 0, 0), windows(3, 2, 0, 0), windows(3, 9, 1, 0), windows(3, 0, 1, 0)} {
		if n != 0 {
			t.Errorf("%d windows", n)
		}
	}
	s := ConvShape{N: 1, C: 1, H: 3, W: 3, O: 1, KH: 1, KW: 1} // no stride
	if s.OutH() != 0 || s.OutW() != 0 {
		t.Errorf("%d x %d outputs", s.OutH(), s.OutW())
	}
}

// What a shape names lies in its operands, so that no backend reads or writes beside them.
func TestShapesThatLeaveTheirOperandsAreRefused(t *testing.T) {
	c, err := NewCPU(Options{ISA: Generic, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const far = math.MaxInt
	for _, op := range []Operator{
		Permute{From: 10, Offset: 10, Sizes: [PermuteAxes]int{1, 1, 1, 1, 1, 1}},
		Permute{From: 0, Sizes: [PermuteAxes]int{1, 1, 1, 1, 1, 1}},
		Permute{From: 10, Sizes: [PermuteAxes]int{1, 1, 1, 1, 1, 11}, Strides: [PermuteAxes]int{0, 0, 0, 0, 0, 1}},
		Permute{From: 10, Sizes: [PermuteAxes]int{1, 1, 1, 1, 3, 4}, Strides: [PermuteAxes]int{0, 0, 0, 0, 4, 1}},
		Permute{From: 10, Sizes: [PermuteAxes]int{1, 1, 1, 1, 1, 3}, Strides: [PermuteAxes]int{0, 0, 0, 0, 0, far / 2}},
		Permute{From: 10, Sizes: [PermuteAxes]int{1, 1, 1, 2, 2, 2}, Strides: [PermuteAxes]int{0, 0, 0, far, far, 2}},
		Permute{From: 10, Offset: far, Sizes: [PermuteAxes]int{1, 1, 1, 1, 1, 2}, Strides: [PermuteAxes]int{0, 0, 0, 0, 0, far}},
		Spread{Outer: 1, Size: 5, Inner: 1, Start: 5, Step: 1, Count: 1}, Spread{Outer: 1, Size: 5, Inner: 1, Start: 1, Step: 2, Count: 3},
		Spread{Outer: 1, Size: 5, Inner: 1, Count: 2}, Spread{Outer: 1, Size: 5, Inner: 1, Step: far, Count: 2}, Spread{Outer: 1, Size: 5, Inner: 1, Start: far, Step: 1, Count: 1},
		Concat{Outer: 1, Inner: 1}, Concat{Outer: 1, Inner: 1, Parts: [ConcatParts]int{0, 2}}, Concat{Outer: 1, Inner: 1, Parts: [ConcatParts]int{2, 0, 2}},
		Conv2D{ConvShape{C: 4, O: 6, Groups: 4, Profile: ProfileF32}}, Conv2DGradWeight{ConvShape{C: 6, O: 4, Groups: 4, Profile: ProfileF32}},
		GroupNorm{C: 4, Groups: 3}, GroupNormGrad{C: 4}, LSTMCell{Batch: 1, Steps: 2, Step: 2, Hidden: 1}, LSTMCellGrad{},
		UpsampleNearest{UpsampleShape{Planes: 1, H: 1, W: 1, OutH: 1}}, UpsampleBilinear{UpsampleShape: UpsampleShape{Planes: 1, H: 1, W: far, OutH: 1, OutW: 1}},
		RandomCrop{N: 1, C: 1, H: 3, W: 3, OutH: 6, OutW: 1, Pad: 1}, RandomCrop{N: 1, C: 1, H: 3, W: 3, OutH: 1, OutW: 6, Pad: 1},
	} {
		for name, err := range map[string]error{"Run": c.Run(op, nil), "Check": Check(op, nil)} {
			if err == nil || strings.Contains(err.Error(), "buffers given") {
				t.Errorf("%s of %+v: %v", name, op, err)
			}
		}
	}
}
