package optest

import "github.com/verifyd/verifyd/kernels"

// attention has keys past one chunk of 512, one token, and head widths that no vector fits.
func attention(p kernels.Profile) []entry {
	shapes := []kernels.Attention{
		{Batch: 2, Heads: 3, Seq: 19, HeadDim: 8, Causal: true},
		{Batch: 2, Heads: 3, Seq: 19, HeadDim: 8},
		{Batch: 1, Heads: 1, Seq: 1, HeadDim: 1, Causal: true},
		{Batch: 1, Heads: 2, Seq: 33, HeadDim: 5, Causal: true},
		{Batch: 3, Heads: 1, Seq: 64, HeadDim: 16, Causal: true},
		{Batch: 1, Heads: 1, Seq: 65, HeadDim: 17},
		{Batch: 1, Heads: 2, Seq: 130, HeadDim: 32, Causal: true},
		{Batch: 1, Heads: 1, Seq: 520, HeadDim: 4, Causal: true},
		{Batch: 1, Heads: 1, Seq: 520, HeadDim: 4},
	}
	forward, backward := entry{}, entry{}
	for _, s := range shapes {
		s.Profile = p
		forward.shapes = append(forward.shapes, s)
		backward.shapes = append(backward.shapes, attentionGrad(s))
	}
	random := func(r *source) kernels.Attention {
		return kernels.Attention{Batch: r.between(1, 2), Heads: r.between(1, 2), Seq: r.between(1, 20), HeadDim: r.between(1, 12), Causal: r.below(2) == 1, Profile: p}
	}
	forward.random = func(r *source) kernels.Operator { return random(r) }
	backward.random = func(r *source) kernels.Operator { return attentionGrad(random(r)) }
	perf := kernels.Attention{Batch: 2, Heads: 4, Seq: 128, HeadDim: 32, Causal: true, Profile: p}
	product := 2 * float64(perf.Batch*perf.Heads*perf.Seq*perf.Seq*perf.HeadDim)
	forward.perf, forward.flops = perf, 2*product
	backward.perf, backward.flops = attentionGrad(perf), 5*product
	backward.derive = func(op kernels.Operator, c Class, bufs []kernels.Buf, r *source, ref Backend) error {
		o := op.(kernels.AttentionGrad)
		f := kernels.Attention(o)
		return whenNormal(c, ref, f, bufs[0], bufs[1], bufs[2], bufs[3])
	}
	return []entry{forward, backward}
}

func attentionGrad(s kernels.Attention) kernels.Operator {
	return kernels.AttentionGrad(s)
}
