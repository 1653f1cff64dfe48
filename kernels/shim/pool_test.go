package shim_test

import (
	"math"
	"slices"
	"testing"

	"github.com/verifyd/verifyd/kernels"
)

// The conformance suite gives the gradient the indices that max_pool2d leaves. The contract defines it
// for any.
func TestGradientOfMaxPoolTakesIndicesOutsideOfTheirWindows(t *testing.T) {
	cpu, err := kernels.NewCPU(kernels.Options{ISA: kernels.Generic, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer cpu.Close()
	p := compiled(t)
	op := kernels.MaxPool2DGrad{PoolShape: kernels.PoolShape{N: 3, C: 2, H: 7, W: 5, KH: 3, KW: 2, StrideH: 2, StrideW: 1, PadH: 1, PadW: 1}}
	o := op.Operands()
	index, dy := make([]int32, o[0].Len), make([]float32, o[1].Len)
	for i := range index {
		index[i] = int32(i*i%37) - 1 // 35 elements a plane
		dy[i] = float32(math.Sqrt(float64(i))) - 3
	}
	want := make([]float32, o[2].Len)
	if err := cpu.Run(op, []kernels.Buf{{I: index}, {F: dy}, {F: want}}); err != nil {
		t.Fatal(err)
	}
	for _, descending := range []bool{false, true} {
		got := make([]float32, o[2].Len)
		if err := started(t, p, descending).Run(op, []kernels.Buf{{I: index}, {F: dy}, {F: got}}); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("descending %v: got %v\nwant %v", descending, got, want)
		}
	}
}
