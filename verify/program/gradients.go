package program

import (
	"slices"

	"github.com/verifyd/verifyd/kernels"
)

// bind gives a node its tensors, and says whether any of them has a gradient.
func (c *compiler) bind(n *node) (requires bool) {
	for i, t := range n.tensors {
		v := c.add(buffer{space: [...]space{trained: parameter, kept: buffers, frozen: fixed}[t.class], offset: t.offset, n: t.spec.Len()})
		if i >= len(n.Params) {
			n.buffers = append(n.buffers, v)
			continue
		}
		n.params = append(n.params, v)
		n.grads = append(n.grads, c.gradient(t))
		requires = requires || t.class == trained
	}
	return requires
}

// gradient is that of a tensor: one value for all uses, or for a frozen tensor memory that nobody reads.
func (c *compiler) gradient(t *tensor) value {
	if t.class != trained {
		return c.temp(t.spec.Len())
	}
	g, ok := c.grads[t]
	if !ok {
		g = c.add(buffer{space: gradient, offset: t.offset, n: t.spec.Len()})
		c.grads[t], c.uses[g] = g, &use{left: t.uses, sum: -1}
	}
	return g
}

// use is how far the gradient of a tensor has come that several parameters share.
type use struct {
	left int   // uses whose gradient is not there yet
	sum  value // of those that are, in this micro-batch; -1 before the first
}

// emitGrads appends an operator some of whose outputs are gradients of parameters. With gradient
// accumulation the first micro-batch writes them and each later one adds to them, so that the step's
// gradient is the left fold of the micro-batches' in their order. The gradient of a tensor with several uses
// is first added up over these, as they come.
func (c *compiler) emitGrads(op kernels.Operator, v ...value) {
	now, then := slices.Clone(v), slices.Clone(v) // the operands in the first micro-batch and in the others
	var sums, shares [][2]value                   // what is added to the step's gradient, and to the micro-batch's
	for i, b := range v {
		switch {
		case c.buffers[b].space != gradient:
		case c.tied(b):
			now[i] = c.temp(c.buffers[b].n)
			then[i] = now[i]
			shares = append(shares, [2]value{b, now[i]})
		case c.accumulation > 1:
			then[i] = c.temp(c.buffers[b].n)
			sums = append(sums, [2]value{b, then[i]})
		}
	}
	if len(sums) == 0 {
		c.emit(op, now...)
	} else {
		c.emitWhen(first, op, now...)
		c.emitWhen(later, op, then...)
	}
	for _, s := range sums {
		c.emitWhen(later, kernels.Add{N: c.buffers[s[0]].n}, s[0], s[1], s[0])
	}
	for _, s := range shares {
		c.share(s[0], s[1])
	}
}

// tied says whether several parameters share the tensor with a gradient.
func (c *compiler) tied(gradient value) bool {
	u := c.uses[gradient]
	return u.left > 1 || u.sum >= 0
}

// share adds the gradient of one use of a tensor to those before. The last one makes the micro-batch's.
func (c *compiler) share(gradient, dv value) {
	u := c.uses[gradient]
	u.left--
	if u.sum < 0 {
		u.sum = dv
		return
	}
	add := kernels.Add{N: c.buffers[gradient].n}
	switch {
	case u.left > 0:
		both := c.temp(add.N)
		c.emit(add, u.sum, dv, both)
		u.sum = both
	case c.accumulation == 1:
		c.emit(add, u.sum, dv, gradient)
	default:
		both := c.temp(add.N)
		c.emitWhen(first, add, u.sum, dv, gradient)
		c.emitWhen(later, add, u.sum, dv, both)
		c.emitWhen(later, add, gradient, both, gradient)
	}
}

// leaveOut drops the calls that lead nowhere: to no gradient of a tensor that is trained, to no buffer and not to the loss.
func (c *compiler) leaveOut() {
	live := make([]bool, len(c.buffers))
	for i, b := range c.buffers {
		live[i] = b.space != arena
	}
	kept := make([]bool, len(c.code))
	for i, ins := range slices.Backward(c.code) {
		operands := ins.op.Operands()
		for k, v := range ins.bufs {
			kept[i] = kept[i] || operands[k].Access != kernels.In && live[v]
		}
		for k, v := range ins.bufs {
			live[v] = live[v] || kept[i] && operands[k].Access != kernels.Out
		}
	}
	i := -1
	c.code = slices.DeleteFunc(c.code, func(instruction) bool { i++; return !kept[i] })
}

// reached refuses a parameter that would be trained without a gradient.
func (plan *Plan) reached() error {
	written := make(map[int]bool) // offsets in the space of gradients
	for _, ins := range plan.train.code {
		operands := ins.op.Operands()
		for k, v := range ins.bufs {
			if b := plan.train.buffers[v]; b.space == gradient && operands[k].Access != kernels.In {
				written[b.offset] = true
			}
		}
	}
	for _, t := range plan.trained.tensors {
		if !written[t.offset] {
			return outOfRange("", "no gradient leads to parameter %.300q: freeze it", t.spec.Name)
		}
	}
	return nil
}
