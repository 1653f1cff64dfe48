package optest

import "github.com/verifyd/verifyd/kernels"

// lstms are steps at the beginning, in the middle and at the end of a sequence.
func lstms() []entry {
	var forward, backward entry
	for _, s := range []kernels.LSTMCell{
		{Batch: 3, Steps: 4, Step: 2, Hidden: 37}, {Batch: 1, Steps: 1, Step: 0, Hidden: 1}, {Batch: 2, Steps: 3, Step: 0, Hidden: 8},
		{Batch: 5, Steps: 2, Step: 1, Hidden: 16}, {Batch: 90, Steps: 2, Step: 1, Hidden: 65}, {Batch: 1, Steps: 1, Step: 0, Hidden: 5000},
	} {
		forward.shapes = append(forward.shapes, s)
		backward.shapes = append(backward.shapes, kernels.LSTMCellGrad(s))
	}
	random := func(r *source) kernels.LSTMCell {
		steps := r.between(1, 4)
		return kernels.LSTMCell{Batch: r.between(1, 5), Steps: steps, Step: r.below(steps), Hidden: r.between(1, 40)}
	}
	forward.random = func(r *source) kernels.Operator { return random(r) }
	backward.random = func(r *source) kernels.Operator { return kernels.LSTMCellGrad(random(r)) }
	perf := kernels.LSTMCell{Batch: 128, Steps: 2, Step: 1, Hidden: 512}
	forward.perf, backward.perf = perf, kernels.LSTMCellGrad(perf)
	// Gates and state of a step that was computed.
	backward.derive = func(op kernels.Operator, c Class, bufs []kernels.Buf, r *source, ref Backend) error {
		o := kernels.LSTMCell(op.(kernels.LSTMCellGrad))
		make := func(n int) kernels.Buf {
			b := kernels.Buf{F: make([]float32, n)}
			r.floats(b.F, Normal)
			return b
		}
		n := o.Batch * o.Hidden
		return whenNormal(c, ref, o, make(4*n*o.Steps), make(4*n), make(4*o.Hidden), bufs[1], make(n), bufs[2], bufs[0])
	}
	return []entry{forward, backward}
}
