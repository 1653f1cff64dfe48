package program

import "github.com/verifyd/verifyd/kernels"

// LSTM is one layer of a long short-term memory over (steps, width), from states of zero: (steps, Hidden). Gates are in
// PyTorch's order. Parameters, under PyTorch's names: weight_ih_l0 (4*Hidden, width), weight_hh_l0 (4*Hidden, Hidden),
// bias_ih_l0 and bias_hh_l0 (4*Hidden).
type LSTM struct {
	Hidden int `json:"hidden"`
}

// maxSteps is the longest sequence of an LSTM, each step of which is calls of its own.
const maxSteps = 2048

func (LSTM) Kind() string { return "lstm" }

func (o LSTM) infer(in []TensorSpec) (TensorSpec, []param, error) {
	if err := ranked(in, 2); err != nil {
		return TensorSpec{}, nil, err
	}
	if err := within("hidden", o.Hidden, 1, MaxElements/4); err != nil {
		return TensorSpec{}, nil, err
	}
	steps, width := in[0].Shape[0], in[0].Shape[1]
	if steps > maxSteps {
		return TensorSpec{}, nil, outOfRange("", "input %q has %d steps, at most %d", in[0].Name, steps, maxSteps)
	}
	start := kaiming(o.Hidden)
	return f32(steps, o.Hidden), []param{
		{"weight_ih_l0", []int{4 * o.Hidden, width}, start}, {"weight_hh_l0", []int{4 * o.Hidden, o.Hidden}, start},
		{"bias_ih_l0", []int{4 * o.Hidden}, start}, {"bias_hh_l0", []int{4 * o.Hidden}, start},
	}, nil
}

// sizes are the rows of a micro-batch, its steps and the width of its input.
func (o LSTM) sizes(c *compiler, n *node) (batch, steps, width int) {
	return c.batch, n.shapes[0].Shape[0], n.shapes[0].Shape[1]
}

// forward computes the inputs' part of all steps at once, then the steps. It keeps the states before each, then the cells
// before each, then the gates.
func (o LSTM) forward(c *compiler, n *node) value {
	batch, steps, width := o.sizes(c, n)
	gates := 4 * o.Hidden
	part := c.temp(batch * steps * gates)
	c.emit(kernels.Gemm{M: batch * steps, N: gates, K: width, TransB: true, Profile: c.profile}, n.in[0], n.params[0], part)
	x := biasAdd(c, kernels.BiasAdd{N: batch * steps, C: gates, P: 1}, part, n.params[2])
	zero := c.temp(batch * o.Hidden)
	c.emit(kernels.Zero{N: batch * o.Hidden}, zero)
	states, cells, kept := []value{zero}, []value{zero}, []value(nil)
	for t := range steps {
		h, y, cell, g := c.temp(batch*gates), c.temp(batch*o.Hidden), c.temp(batch*o.Hidden), c.temp(batch*gates)
		c.emit(kernels.Gemm{M: batch, N: gates, K: o.Hidden, TransB: true, Profile: c.profile}, states[t], n.params[1], h)
		c.emit(kernels.LSTMCell{Batch: batch, Steps: steps, Step: t, Hidden: o.Hidden}, x, h, n.params[3], cells[t], y, cell, g)
		states, cells, kept = append(states, y), append(cells, cell), append(kept, g)
	}
	n.saved = append(append(append(n.saved, states[:steps]...), cells...), kept...)
	return c.join(states[1:], batch, o.Hidden)
}

// backward goes back through the steps, then computes all other gradients at once.
func (o LSTM) backward(c *compiler, n *node) {
	batch, steps, width := o.sizes(c, n)
	gates := 4 * o.Hidden
	states, cells, kept := n.saved[:steps], n.saved[steps:2*steps+1], n.saved[2*steps+1:]
	dh, dnext := states[0], states[0] // zero behind the last step
	parts := make([]value, steps)
	for t := steps - 1; t >= 0; t-- {
		parts[t] = c.temp(batch * gates)
		before := c.temp(batch * o.Hidden)
		c.emit(kernels.LSTMCellGrad{Batch: batch, Steps: steps, Step: t, Hidden: o.Hidden}, kept[t], cells[t], cells[t+1], n.dy, dh, dnext, parts[t], before)
		if dnext = before; t > 0 {
			dh = c.temp(batch * o.Hidden)
			c.emit(kernels.Gemm{M: batch, N: o.Hidden, K: gates, Profile: c.profile}, parts[t], n.params[1], dh)
		}
	}
	dx, rows := c.join(parts, batch, gates), batch*steps
	c.emitGrads(kernels.Gemm{M: gates, N: width, K: rows, TransA: true, Profile: c.profile}, dx, n.in[0], n.grads[0])
	c.emitGrads(kernels.Gemm{M: gates, N: o.Hidden, K: rows, TransA: true, Profile: c.profile}, dx, c.join(states, batch, o.Hidden), n.grads[1])
	for i := range 2 {
		c.emitGrads(kernels.BiasGrad{N: rows, C: gates, P: 1}, dx, n.grads[2+i])
	}
	if c.wants(n.in[0]) {
		d := c.temp(rows * width)
		c.emit(kernels.Gemm{M: rows, N: width, K: gates, Profile: c.profile}, dx, n.params[0], d)
		c.contribute(n.in[0], d)
	}
}

// join lays the steps of each of batch rows, so many elements each, one behind another, kernels.ConcatParts at a time.
func (c *compiler) join(steps []value, batch, elements int) value {
	for lengths := filled(len(steps), 1); len(steps) > 1; {
		var joined []value
		var longer []int
		for at := 0; at < len(steps); at += kernels.ConcatParts {
			end := min(at+kernels.ConcatParts, len(steps))
			op := kernels.Concat{Outer: batch, Inner: elements}
			n := 0
			for i, length := range lengths[at:end] {
				op.Parts[i], n = length, n+length
			}
			all := c.temp(batch * n * elements)
			c.emit(op, append(steps[at:end:end], all)...)
			joined, longer = append(joined, all), append(longer, n)
		}
		steps, lengths = joined, longer
	}
	return steps[0]
}

// filled is n times v.
func filled(n, v int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = v
	}
	return all
}
