package kernels

import (
	"fmt"
	"testing"
)

// Speed of the GEMM family on one thread, by the floating-point operations of the definition:
//
//	go test -run xxx -bench 'Gemm|Conv' ./kernels
func BenchmarkGemm(b *testing.B) {
	for _, op := range []Gemm{
		{M: 1024, N: 1024, K: 1024}, {M: 4096, N: 1024, K: 1024},
		{M: 256, N: 128, K: 784, TransB: true}, {M: 256, N: 784, K: 128}, {M: 128, N: 784, K: 256, TransA: true},
		{M: 512, N: 192, K: 48, TransB: true}, {M: 512, N: 48, K: 192}, {M: 192, N: 48, K: 512, TransA: true},
		{M: 128, N: 128, K: 32, TransB: true}, {M: 128, N: 32, K: 128},
	} {
		op.Profile = ProfileF32
		name := fmt.Sprintf("%dx%dx%d", op.M, op.N, op.K)
		benchmark(b, name, op, 2*float64(op.M)*float64(op.N)*float64(op.K))
	}
}

func BenchmarkConv(b *testing.B) {
	for _, s := range []ConvShape{
		{N: 64, C: 1, H: 28, W: 28, O: 32, KH: 3, KW: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1},
		{N: 64, C: 32, H: 28, W: 28, O: 64, KH: 3, KW: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1},
		{N: 64, C: 64, H: 14, W: 14, O: 64, KH: 3, KW: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1},
		{N: 64, C: 32, H: 28, W: 28, O: 64, KH: 3, KW: 3, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1},
		// ResNet-18's for images of 32x32
		{N: 16, C: 64, H: 32, W: 32, O: 64, KH: 3, KW: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1},
		{N: 16, C: 64, H: 32, W: 32, O: 128, KH: 3, KW: 3, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1},
		{N: 16, C: 64, H: 32, W: 32, O: 128, KH: 1, KW: 1, StrideH: 2, StrideW: 2},
		{N: 16, C: 128, H: 16, W: 16, O: 128, KH: 3, KW: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1},
		{N: 16, C: 256, H: 8, W: 8, O: 256, KH: 3, KW: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1},
		{N: 16, C: 256, H: 8, W: 8, O: 512, KH: 3, KW: 3, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1},
		{N: 16, C: 512, H: 4, W: 4, O: 512, KH: 3, KW: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1},
	} {
		s.Profile = ProfileF32
		flops := 2 * float64(s.N*s.O*s.OutH()*s.OutW()) * float64(s.taps())
		for _, op := range []Operator{Conv2D{s}, Conv2DGradInput{s}, Conv2DGradWeight{s}} {
			name := fmt.Sprintf("%s/%dx%dx%dx%d-%d-%d-%d", op.Name(), s.N, s.C, s.H, s.W, s.O, s.KH, s.StrideH)
			benchmark(b, name, op, flops)
		}
	}
}

// benchmark runs op on every code path that has tiles.
func benchmark(b *testing.B, name string, op Operator, flops float64) {
	for _, isa := range native() {
		b.Run(fmt.Sprintf("%s/%v", name, isa), func(b *testing.B) {
			cpu, err := NewCPU(Options{ISA: isa, Threads: 1})
			if err != nil {
				b.Fatal(err)
			}
			defer cpu.Close()
			var bufs []Buf
			for i, o := range op.Operands() {
				bufs = append(bufs, Buf{F: fill(o.Len, uint64(i+1))})
			}
			for b.Loop() {
				if err := cpu.Run(op, bufs); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(flops*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}
