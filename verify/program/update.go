package program

import "github.com/verifyd/verifyd/kernels"

// compileUpdate emits the update of one step: gradient norm and clipping, if the program clips, then
// the optimizer. The norm is taken over the tensors one by one in state order; clipping and optimizer
// are elementwise, so they run once over all parameters as they lie in memory, and once over those of each group. Nothing depends
// on the padding between two tensors, which is zero until a step diverges.
func (plan *Plan) compileUpdate(p *Program) routine {
	c := &compiler{}
	at := func(s space, offset, n int) value { return c.add(buffer{space: s, offset: offset, n: n}) }
	g := at(gradient, 0, plan.trained.words)
	if plan.clip {
		k := len(plan.trained.tensors)
		all, norm, coef := at(sums, 0, k), at(outcome, normAt, 1), at(outcome, coefAt, 1)
		for i, t := range plan.trained.tensors {
			n := t.spec.Len()
			c.emit(kernels.SumSquares{N: n}, at(gradient, t.offset, n), at(sums, i, 1))
		}
		c.emit(kernels.GradNorm{Tensors: k, MaxNorm: float32(p.ClipNorm)}, all, norm, coef)
		c.emit(kernels.ScaleBy{N: plan.trained.words}, g, coef, g)
	}
	for k, g := range plan.groups {
		o := g.optimizer
		bufs := []value{at(parameter, g.offset, g.words), at(gradient, g.offset, g.words)}
		for i := range o.slots() {
			bufs = append(bufs, at(slot0+space(i), g.offset, g.words))
		}
		if o.Kind == SGD && o.Momentum == 0 {
			bufs = append(bufs, at(slot0, 0, 0)) // the operator's absent buffer
		}
		bufs = append(bufs, at(scalars, k*scalarsApart, o.scalars()))
		c.emit(o.operator(g.words), bufs...)
	}
	return routine{code: c.code, buffers: c.buffers, logits: -1}
}
