package program

import (
	"fmt"
	"slices"

	"github.com/verifyd/verifyd/kernels"
)

// Add, Sub and Mul combine two inputs element by element. One of fewer axes has single elements along the first ones. Where one has
// a single element along an axis it is repeated there, and its gradient is the sum over the repetitions.
type (
	Add struct{} // a + b
	Sub struct{} // a - b
	Mul struct{} // a * b
)

func (Add) Kind() string { return "add" }
func (Sub) Kind() string { return "sub" }
func (Mul) Kind() string { return "mul" }

func (Add) infer(in []TensorSpec) (TensorSpec, []param, error) { return inferPair(in) }
func (Sub) infer(in []TensorSpec) (TensorSpec, []param, error) { return inferPair(in) }
func (Mul) infer(in []TensorSpec) (TensorSpec, []param, error) { return inferPair(in) }

// A smaller input that is repeated along the last axes alone is a channel's number for all pixels; any other is laid out first.

func (Add) forward(c *compiler, n *node) value {
	y := c.temp(c.elements(n))
	for i := range n.in {
		if p := n.pixels(1 - i); p > 1 {
			return c.channels(kernels.BiasAdd{N: 1, C: c.elements(n) / p, P: p}, c.full(n, i), n.in[1-i], y)
		}
	}
	c.emit(kernels.Add{N: c.elements(n)}, c.full(n, 0), c.full(n, 1), y)
	return y
}

func (Add) backward(c *compiler, n *node) {
	c.give(n, 0, n.dy)
	c.give(n, 1, n.dy)
}

func (Sub) forward(c *compiler, n *node) value {
	y := c.temp(c.elements(n))
	c.emit(kernels.Sub{N: c.elements(n)}, c.full(n, 0), c.full(n, 1), y)
	return y
}

func (Sub) backward(c *compiler, n *node) {
	c.give(n, 0, n.dy)
	if !c.wants(n.in[1]) {
		return
	}
	d := c.collapse(n.dy, n.Output.Shape, n.aligned(1))
	k := c.buffers[d].n
	db := c.temp(k)
	c.emit(kernels.Scale{N: k, S: -1}, d, db)
	c.contribute(n.in[1], db)
}

func (Mul) forward(c *compiler, n *node) value {
	for i := range n.in {
		if n.pixels(1-i) > 1 {
			return c.times(n, c.full(n, i), 1-i)
		}
	}
	return c.times(n, c.full(n, 0), 1)
}

func (Mul) backward(c *compiler, n *node) {
	for i, x := range n.in {
		if c.wants(x) {
			c.give(n, i, c.times(n, n.dy, 1-i))
		}
	}
}

// times is x, which has the output's shape, times input i.
func (c *compiler) times(n *node, x value, i int) value {
	y := c.temp(c.elements(n))
	if p := n.pixels(i); p > 1 {
		return c.channels(kernels.ChannelMul{N: 1, C: c.elements(n) / p, P: p}, x, n.in[i], y)
	}
	c.emit(kernels.Mul{N: c.elements(n)}, x, c.full(n, i), y)
	return y
}

func (c *compiler) channels(op kernels.Operator, x, each, y value) value {
	c.emit(op, x, each, y)
	return y
}

// full is input i repeated to the output's shape.
func (c *compiler) full(n *node, i int) value {
	return c.expand(n.in[i], n.aligned(i), n.Output.Shape)
}

// aligned is the shape of input i with as many axes as the output.
func (n *node) aligned(i int) []int { return aligned(n.shapes[i].Shape, len(n.Output.Shape)) }

// aligned is a shape with single elements along further axes in front.
func aligned(shape []int, axes int) []int {
	return append(slices.Repeat([]int{1}, axes-len(shape)), shape...)
}

// give contributes d, of the output's shape, to input i.
func (c *compiler) give(n *node, i int, d value) {
	if c.wants(n.in[i]) {
		c.contribute(n.in[i], c.collapse(d, n.Output.Shape, n.aligned(i)))
	}
}

// pixels is how often each element of input i is repeated in a row: along the last axes, if it is repeated along no others. It is 1
// for an input of the output's shape, and 0 for one that is repeated elsewhere.
func (n *node) pixels(i int) int {
	s, out := n.aligned(i), n.Output.Shape
	p, k := 1, len(s)-1
	for ; k >= 0 && s[k] == 1; k-- {
		p *= out[k]
	}
	for ; k >= 0; k-- {
		if s[k] != out[k] {
			return 0
		}
	}
	return p
}

func inferPair(in []TensorSpec) (TensorSpec, []param, error) {
	if err := floats(in, 2); err != nil {
		return TensorSpec{}, nil, err
	}
	a, b := in[0], in[1]
	refuse := func() error {
		return outOfRange("inputs", "%q has shape %v, %q has %v: each axis must have the same size, or 1", a.Name, a.Shape, b.Name, b.Shape)
	}
	out := make([]int, max(len(a.Shape), len(b.Shape)))
	s, t := aligned(a.Shape, len(out)), aligned(b.Shape, len(out))
	for i, n := range s {
		if n != t[i] && n != 1 && t[i] != 1 {
			return TensorSpec{}, nil, refuse()
		}
		out[i] = max(n, t[i])
	}
	if _, err := elements(out...); err != nil {
		return TensorSpec{}, nil, err
	}
	for i, x := range in {
		if err := movable(fmt.Sprintf("inputs[%d]", i), x, out, repeats(aligned(x.Shape, len(out)), out)); err != nil {
			return TensorSpec{}, nil, err
		}
	}
	return f32(out...), nil, nil
}
