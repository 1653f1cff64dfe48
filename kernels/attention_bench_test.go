package kernels

import "testing"

// One thread. The operators of a packed tensor, and the same with tensors of their own, have the same operations.
func BenchmarkAttention(b *testing.B) {
	packed := Attention{Batch: 8, Heads: 8, Seq: 256, HeadDim: 32, Causal: true, Profile: ProfileF32}
	own := packed.SDPA()
	grouped, masked := own, own
	grouped.KVHeads = 2
	masked.Masked = true
	each := Gemm{M: 256, N: 32, K: 256, Profile: ProfileF32}
	for _, c := range []struct {
		name string
		op   Operator
	}{
		{"attention", packed}, {"sdpa", own}, {"sdpa grouped", grouped}, {"sdpa masked", masked},
		{"attention_grad", AttentionGrad(packed)}, {"sdpa_grad", SDPAGrad(own)}, {"sdpa_grad grouped", SDPAGrad(grouped)}, {"sdpa_grad masked", SDPAGrad(masked)},
		{"matmul", Matmul{64, each}}, {"rope", Rope{8, 256, 8, 32, 16, false, false}},
		{"rope_table", RopeTable{256, 0, NewFrequencies(fill(16, 1))}},
		{"gemm", Gemm{M: 1024, N: 256, K: 256, Profile: ProfileF32}},
	} {
		b.Run(c.name, func(b *testing.B) {
			cpu, err := NewCPU(Options{Threads: 1})
			if err != nil {
				b.Fatal(err)
			}
			defer cpu.Close()
			var bufs []Buf
			for i, o := range c.op.Operands() {
				if o.Kind == I32 {
					mask := make([]int32, o.Len)
					for j := range mask {
						if j%7 > 0 {
							mask[j] = 1
						}
					}
					bufs = append(bufs, ints(mask...))
					continue
				}
				bufs = append(bufs, floats(fill(o.Len, uint64(i+1))...))
			}
			if err := cpu.Run(c.op, bufs); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if err := cpu.Run(c.op, bufs); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(FLOPs(c.op))*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}
