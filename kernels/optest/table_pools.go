package optest

import "github.com/verifyd/verifyd/kernels"

// pools have windows that overlap, that leave gaps, and that hang over the edge.
func pools() []entry {
	max, maxGrad, avg, avgGrad := entry{}, entry{}, entry{}, entry{}
	for _, s := range []kernels.PoolShape{
		{N: 2, C: 3, H: 11, W: 9, KH: 3, KW: 3, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1},
		{N: 1, C: 1, H: 1, W: 1, KH: 1, KW: 1, StrideH: 1, StrideW: 1},
		{N: 2, C: 5, H: 8, W: 8, KH: 2, KW: 2, StrideH: 2, StrideW: 2},
		{N: 1, C: 2, H: 9, W: 7, KH: 2, KW: 3, StrideH: 3, StrideW: 1},
		{N: 1, C: 4, H: 7, W: 7, KH: 7, KW: 7, StrideH: 1, StrideW: 1},
		{N: 2, C: 2, H: 10, W: 19, KH: 4, KW: 5, StrideH: 1, StrideW: 2, PadH: 2, PadW: 2},
		{N: 3, C: 8, H: 28, W: 28, KH: 2, KW: 2, StrideH: 2, StrideW: 2},
	} {
		max.shapes = append(max.shapes, kernels.MaxPool2D{PoolShape: s})
		maxGrad.shapes = append(maxGrad.shapes, kernels.MaxPool2DGrad{PoolShape: s})
		avg.shapes = append(avg.shapes, kernels.AvgPool2D{PoolShape: s})
		avgGrad.shapes = append(avgGrad.shapes, kernels.AvgPool2DGrad{PoolShape: s})
	}
	max.random = func(r *source) kernels.Operator { return kernels.MaxPool2D{PoolShape: randomPool(r)} }
	maxGrad.random = func(r *source) kernels.Operator { return kernels.MaxPool2DGrad{PoolShape: randomPool(r)} }
	avg.random = func(r *source) kernels.Operator { return kernels.AvgPool2D{PoolShape: randomPool(r)} }
	avgGrad.random = func(r *source) kernels.Operator { return kernels.AvgPool2DGrad{PoolShape: randomPool(r)} }
	perf := kernels.PoolShape{N: 16, C: 32, H: 28, W: 28, KH: 2, KW: 2, StrideH: 2, StrideW: 2}
	max.perf, maxGrad.perf = kernels.MaxPool2D{PoolShape: perf}, kernels.MaxPool2DGrad{PoolShape: perf}
	avg.perf, avgGrad.perf = kernels.AvgPool2D{PoolShape: perf}, kernels.AvgPool2DGrad{PoolShape: perf}
	// The index names the maximum of each window, as the forward operator leaves it.
	maxGrad.derive = func(op kernels.Operator, c Class, bufs []kernels.Buf, r *source, ref Backend) error {
		forward := kernels.MaxPool2D{PoolShape: op.(kernels.MaxPool2DGrad).PoolShape}
		o := forward.Operands()
		x, y := kernels.Buf{F: make([]float32, o[0].Len)}, kernels.Buf{F: make([]float32, o[1].Len)}
		r.floats(x.F, c)
		return ref.Run(forward, []kernels.Buf{x, y, bufs[0]})
	}
	return []entry{max, maxGrad, avg, avgGrad}
}

func randomPool(r *source) kernels.PoolShape {
	s := kernels.PoolShape{
		N: r.between(1, 2), C: r.between(1, 4), KH: r.between(1, 4), KW: r.between(1, 4),
		StrideH: r.between(1, 3), StrideW: r.between(1, 3),
	}
	s.PadH, s.PadW = r.below(s.KH/2+1), r.below(s.KW/2+1)
	s.H, s.W = s.KH+r.below(8), s.KW+r.below(8)
	return s
}
