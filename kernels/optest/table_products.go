package optest

import "github.com/verifyd/verifyd/kernels"

// products are the matrix product and what else is one, in a profile: K in chunks of 512 and groups of
// 8192. Shapes cross both boundaries and miss every tile size.
func products(p kernels.Profile) []entry {
	conv := func(s kernels.ConvShape, wrap func(kernels.ConvShape) kernels.Operator) entry {
		in := func(s kernels.ConvShape) kernels.Operator {
			s.Profile = p
			return wrap(s)
		}
		return entry{
			shapes: convolutions(in, s),
			random: func(r *source) kernels.Operator { return in(randomConv(r)) },
			perf:   in(perfConv),
			flops:  convFlops(perfConv),
		}
	}
	return []entry{
		gemm(p),
		conv(longForward, func(s kernels.ConvShape) kernels.Operator { return kernels.Conv2D{ConvShape: s} }),
		conv(longInput, func(s kernels.ConvShape) kernels.Operator { return kernels.Conv2DGradInput{ConvShape: s} }),
		conv(longWeight, func(s kernels.ConvShape) kernels.Operator { return kernels.Conv2DGradWeight{ConvShape: s} }),
	}
}

// chains is the sum in the order of a product whose one factor is 1, which no profile changes.
func chains() []entry {
	return []entry{{
		shapes: []kernels.Operator{
			kernels.BiasGrad{N: 3, C: 5, P: 700}, kernels.BiasGrad{N: 1, C: 1, P: 1}, kernels.BiasGrad{N: 513, C: 17, P: 1},
			kernels.BiasGrad{N: 17000, C: 3, P: 1}, kernels.BiasGrad{N: 2, C: 33, P: 8200}, kernels.BiasGrad{N: 70, C: 64, P: 49},
		},
		random: func(r *source) kernels.Operator {
			return kernels.BiasGrad{N: r.between(1, 40), C: r.between(1, 20), P: r.between(1, 40)}
		},
		perf: kernels.BiasGrad{N: 32, C: 64, P: 1024},
	}}
}

func gemm(p kernels.Profile) entry {
	e := entry{
		random: func(r *source) kernels.Operator {
			k := r.between(1, 40)
			if r.below(8) == 0 {
				k = r.between(500, 1100)
			}
			return kernels.Gemm{M: r.between(1, 20), N: r.between(1, 40), K: k, TransA: r.below(2) == 1, TransB: r.below(2) == 1, Profile: p}
		},
		perf:  kernels.Gemm{M: 512, N: 512, K: 512, Profile: p},
		flops: 2 * 512 * 512 * 512,
	}
	for i := range 4 {
		ta, tb := i&1 == 1, i&2 == 2
		for _, s := range [][3]int{
			{37, 45, 513}, {1, 1, 1}, {1, 1, 9000}, {1, 130, 64}, {130, 1, 64}, {6, 16, 512}, {7, 17, 1025},
			{14, 32, 511}, {15, 33, 8193}, {29, 65, 40}, {3, 5, 17000}, {64, 96, 128}, {169, 50, 20}, {85, 300, 31}, {2, 4100, 3},
		} {
			e.shapes = append(e.shapes, kernels.Gemm{M: s[0], N: s[1], K: s[2], TransA: ta, TransB: tb, Profile: p})
		}
	}
	return e
}

// matmul has one pair, some, and more than a device of many blocks needs.
func matmul(p kernels.Profile) entry {
	e := entry{
		random: func(r *source) kernels.Operator {
			one := kernels.Gemm{M: r.between(1, 12), N: r.between(1, 20), K: r.between(1, 40), TransA: r.below(2) == 1, TransB: r.below(2) == 1, Profile: p}
			return kernels.Matmul{Batch: r.between(1, 6), Each: one}
		},
		perf:  kernels.Matmul{Batch: 32, Each: kernels.Gemm{M: 128, N: 128, K: 64, Profile: p}},
		flops: 2 * 32 * 128 * 128 * 64,
	}
	for i := range 4 {
		ta, tb := i&1 == 1, i&2 == 2
		for _, s := range [][4]int{{3, 37, 45, 130}, {1, 33, 17, 513}, {5, 1, 1, 1}, {2, 3, 5, 8200}, {7, 65, 40, 64}, {2, 130, 129, 3}, {300, 2, 3, 4}} {
			e.shapes = append(e.shapes, kernels.Matmul{Batch: s[0], Each: kernels.Gemm{M: s[1], N: s[2], K: s[3], TransA: ta, TransB: tb, Profile: p}})
		}
	}
	return e
}

var (
	// Each of these has a K of more than 512 for one of the three convolutions.
	longForward = kernels.ConvShape{N: 2, C: 60, H: 7, W: 6, O: 5, KH: 3, KW: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1}
	longInput   = kernels.ConvShape{N: 1, C: 5, H: 6, W: 7, O: 70, KH: 3, KW: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1}
	longWeight  = kernels.ConvShape{N: 5, C: 3, H: 12, W: 11, O: 5, KH: 3, KW: 2, StrideH: 1, StrideW: 1, PadH: 1, PadW: 0}

	perfConv = kernels.ConvShape{N: 4, C: 32, H: 28, W: 28, O: 64, KH: 3, KW: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1}
)

// convolutions lists shapes with and without padding and stride, single pixels, kernels larger
// than the plane, and a K past 8192.
func convolutions(wrap func(kernels.ConvShape) kernels.Operator, first kernels.ConvShape) []kernels.Operator {
	var ops []kernels.Operator
	for _, s := range []kernels.ConvShape{
		first,
		{N: 1, C: 1, H: 1, W: 1, O: 1, KH: 1, KW: 1, StrideH: 1, StrideW: 1},
		{N: 3, C: 4, H: 8, W: 8, O: 7, KH: 1, KW: 1, StrideH: 1, StrideW: 1},
		{N: 2, C: 3, H: 9, W: 8, O: 6, KH: 3, KW: 3, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1},
		{N: 2, C: 3, H: 10, W: 13, O: 4, KH: 2, KW: 4, StrideH: 3, StrideW: 1, PadH: 0, PadW: 3},
		{N: 1, C: 2, H: 3, W: 3, O: 3, KH: 5, KW: 5, StrideH: 1, StrideW: 2, PadH: 2, PadW: 2},
		{N: 1, C: 2, H: 20, W: 17, O: 33, KH: 5, KW: 3, StrideH: 1, StrideW: 1, PadH: 2, PadW: 1},
		{N: 1, C: 920, H: 3, W: 3, O: 2, KH: 3, KW: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1},
		{N: 9, C: 1, H: 31, W: 31, O: 2, KH: 2, KW: 2, StrideH: 1, StrideW: 1},
		{N: 1, C: 2, H: 4, W: 4, O: 920, KH: 3, KW: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1},
		{N: 1, C: 2, H: 7, W: 7, O: 3, KH: 2, KW: 2, StrideH: 4, StrideW: 4, PadH: 1, PadW: 1},
		// Small images, several side by side, and more than a block of them; with strides, and with pixels that no tap meets.
		{N: 19, C: 3, H: 4, W: 4, O: 35, KH: 3, KW: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1},
		{N: 5, C: 60, H: 6, W: 5, O: 60, KH: 3, KW: 3, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1},
		{N: 33, C: 5, H: 8, W: 8, O: 21, KH: 1, KW: 1, StrideH: 2, StrideW: 2},
		// Groups: some, one for each channel, several filters for each, more terms than a chunk; each with strides.
		{N: 2, C: 6, H: 9, W: 8, O: 4, KH: 3, KW: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1, Groups: 2},
		{N: 2, C: 18, H: 9, W: 11, O: 18, KH: 3, KW: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1, Groups: 18},
		{N: 1, C: 17, H: 10, W: 9, O: 17, KH: 5, KW: 3, StrideH: 2, StrideW: 2, PadH: 2, PadW: 1, Groups: 17},
		{N: 3, C: 4, H: 7, W: 7, O: 12, KH: 3, KW: 2, StrideH: 1, StrideW: 2, PadH: 1, PadW: 0, Groups: 4},
		{N: 1, C: 180, H: 4, W: 3, O: 9, KH: 3, KW: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1, Groups: 3},
		{N: 1, C: 3, H: 3, W: 4, O: 210, KH: 3, KW: 3, StrideH: 2, StrideW: 1, PadH: 1, PadW: 1, Groups: 3},
		{N: 9, C: 2, H: 31, W: 31, O: 2, KH: 2, KW: 2, StrideH: 1, StrideW: 1, Groups: 2},
		// Taps that are apart, beyond the plane, with strides that share a factor with them, and in groups.
		{N: 2, C: 3, H: 9, W: 10, O: 5, KH: 3, KW: 3, StrideH: 1, StrideW: 1, PadH: 2, PadW: 2, DilationH: 2, DilationW: 2},
		{N: 1, C: 2, H: 11, W: 9, O: 3, KH: 3, KW: 2, StrideH: 2, StrideW: 3, PadH: 1, PadW: 4, DilationH: 4, DilationW: 3},
		{N: 1, C: 2, H: 4, W: 4, O: 3, KH: 2, KW: 2, StrideH: 1, StrideW: 1, PadH: 5, PadW: 4, DilationH: 7, DilationW: 5},
		{N: 2, C: 8, H: 9, W: 9, O: 8, KH: 3, KW: 3, StrideH: 2, StrideW: 2, PadH: 2, PadW: 2, Groups: 8, DilationH: 2, DilationW: 2},
	} {
		ops = append(ops, wrap(s))
	}
	return ops
}

func randomConv(r *source) kernels.ConvShape {
	s := kernels.ConvShape{
		N: r.between(1, 3), C: r.between(1, 6), O: r.between(1, 8), KH: r.between(1, 4), KW: r.between(1, 4),
		StrideH: r.between(1, 3), StrideW: r.between(1, 3)}
	s.PadH, s.PadW = r.below(s.KH), r.below(s.KW)
	s.H, s.W = s.KH+r.below(8), s.KW+r.below(8)
	return s
}

func convFlops(s kernels.ConvShape) float64 {
	return 2 * float64(s.N*s.O*s.OutH()*s.OutW()) * float64(s.C*s.KH*s.KW)
}
