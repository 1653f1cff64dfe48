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
		backward.shapes = append(backward.shapes, kernels.AttentionGrad(s))
	}
	random := func(r *source) kernels.Attention {
		return kernels.Attention{Batch: r.between(1, 2), Heads: r.between(1, 2), Seq: r.between(1, 20), HeadDim: r.between(1, 12), Causal: r.below(2) == 1, Profile: p}
	}
	forward.random = func(r *source) kernels.Operator { return random(r) }
	backward.random = func(r *source) kernels.Operator { return kernels.AttentionGrad(random(r)) }
	perf := kernels.Attention{Batch: 2, Heads: 4, Seq: 128, HeadDim: 32, Causal: true, Profile: p}
	product := 2 * float64(perf.Batch*perf.Heads*perf.Seq*perf.Seq*perf.HeadDim)
	forward.perf, forward.flops = perf, 2*product
	backward.perf, backward.flops = kernels.AttentionGrad(perf), 5*product
	backward.derive = func(op kernels.Operator, c Class, bufs []kernels.Buf, r *source, ref Backend) error {
		return whenNormal(c, ref, kernels.Attention(op.(kernels.AttentionGrad)), bufs[0], bufs[1], bufs[2], bufs[3])
	}
	return []entry{forward, backward}
}

// sdpa has grouped heads, more keys than queries and more queries than keys, blocks of 64 that causal queries do not reach, and
// masks with holes, with padding behind, and with nothing that is seen.
func sdpa(p kernels.Profile) []entry {
	shapes := []kernels.SDPA{
		{Batch: 3, Heads: 4, KVHeads: 2, Queries: 19, Keys: 23, HeadDim: 8, Masked: true},
		{Batch: 3, Heads: 4, KVHeads: 2, Queries: 19, Keys: 23, HeadDim: 8, Causal: true, Masked: true},
		{Batch: 2, Heads: 4, KVHeads: 1, Queries: 19, Keys: 19, HeadDim: 8, Causal: true},
		{Batch: 1, Heads: 1, KVHeads: 1, Queries: 1, Keys: 1, HeadDim: 1, Masked: true},
		{Batch: 1, Heads: 2, KVHeads: 2, Queries: 200, Keys: 70, HeadDim: 5, Causal: true},
		{Batch: 1, Heads: 2, KVHeads: 1, Queries: 5, Keys: 200, HeadDim: 70, Causal: true},
		{Batch: 2, Heads: 3, KVHeads: 3, Queries: 65, Keys: 130, HeadDim: 17, Masked: true},
		{Batch: 1, Heads: 2, KVHeads: 1, Queries: 520, Keys: 520, HeadDim: 4, Causal: true, Masked: true},
		{Batch: 1, Heads: 35, KVHeads: 1, Queries: 3, Keys: 66, HeadDim: 2}, // more chunks of queries than a group has
		{Batch: 1, Heads: 35, KVHeads: 1, Queries: 70, Keys: 66, HeadDim: 2, Causal: true, Masked: true},
	}
	forward, backward := entry{}, entry{}
	for i, s := range shapes {
		s.Profile, s.Scale = p, 1/float32(i+2)
		forward.shapes = append(forward.shapes, s)
		backward.shapes = append(backward.shapes, kernels.SDPAGrad(s))
	}
	random := func(r *source) kernels.SDPA {
		kv := r.between(1, 2)
		return kernels.SDPA{
			Batch: r.between(1, 2), Heads: kv * r.between(1, 3), KVHeads: kv, Queries: r.between(1, 20), Keys: r.between(1, 20), HeadDim: r.between(1, 12),
			Causal: r.below(2) == 1, Masked: r.below(2) == 1, Scale: 0.25, Profile: p,
		}
	}
	forward.random = func(r *source) kernels.Operator { return random(r) }
	backward.random = func(r *source) kernels.Operator { return kernels.SDPAGrad(random(r)) }
	perf := kernels.SDPA{Batch: 2, Heads: 4, KVHeads: 2, Queries: 128, Keys: 128, HeadDim: 32, Causal: true, Scale: 0.25, Profile: p}
	product := 2 * float64(perf.Batch*perf.Heads*perf.Queries*perf.Keys*perf.HeadDim)
	forward.perf, forward.flops = perf, 2*product
	backward.perf, backward.flops = kernels.SDPAGrad(perf), 5*product
	forward.fill = func(op kernels.Operator, o kernels.Operand, c Class, r *source, b kernels.Buf) bool {
		return o.Name == "mask" && keyMask(op.(kernels.SDPA), c, r, b.I)
	}
	backward.fill = func(op kernels.Operator, o kernels.Operand, c Class, r *source, b kernels.Buf) bool {
		return o.Name == "mask" && keyMask(kernels.SDPA(op.(kernels.SDPAGrad)), c, r, b.I)
	}
	backward.derive = func(op kernels.Operator, c Class, bufs []kernels.Buf, r *source, ref Backend) error {
		f := kernels.SDPA(op.(kernels.SDPAGrad))
		return whenNormal(c, ref, f, bufs[:len(f.Operands())]...)
	}
	return []entry{forward, backward}
}

// keyMask leaves out one key in eight, what follows some place, and in one of four samples everything. What is left is 1, or
// with arbitrary bits any integer but 0.
func keyMask(o kernels.SDPA, c Class, r *source, mask []int32) bool {
	for b := range o.Batch {
		end := r.between(1, o.Keys)
		if r.below(4) == 0 {
			end = 0
		}
		row := mask[b*o.Keys:][:o.Keys]
		clear(row)
		for j := range end {
			if r.below(8) == 0 {
				continue
			}
			if row[j] = 1; c == AnyBits {
				row[j] = int32(uint32(r.next())) | 1
			}
		}
	}
	return true
}
