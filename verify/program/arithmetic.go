package program

import (
	"slices"

	"github.com/verifyd/verifyd/kernels"
)

// Add is the sum of two inputs of the same shape.
type Add struct{}

func (Add) Kind() string { return "add" }

func (Add) infer(in []TensorSpec) (TensorSpec, []param, error) { return inferPair(in) }

func (Add) forward(c *compiler, n *node) value {
	y := c.temp(c.elements(n))
	c.emit(kernels.Add{N: c.elements(n)}, n.in[0], n.in[1], y)
	return y
}

func (Add) backward(c *compiler, n *node) {
	c.contribute(n.in[0], n.dy)
	c.contribute(n.in[1], n.dy)
}

// Mul is the product of two inputs of the same shape, element by element.
type Mul struct{}

func (Mul) Kind() string { return "mul" }

func (Mul) infer(in []TensorSpec) (TensorSpec, []param, error) { return inferPair(in) }

func (Mul) forward(c *compiler, n *node) value {
	y := c.temp(c.elements(n))
	c.emit(kernels.Mul{N: c.elements(n)}, n.in[0], n.in[1], y)
	return y
}

func (Mul) backward(c *compiler, n *node) {
	for i, x := range n.in {
		if c.wants(x) {
			dx := c.temp(c.elements(n))
			c.emit(kernels.Mul{N: c.elements(n)}, n.dy, n.in[1-i], dx)
			c.contribute(x, dx)
		}
	}
}

func inferPair(in []TensorSpec) (TensorSpec, []param, error) {
	if err := floats(in, 2); err != nil {
		return TensorSpec{}, nil, err
	}
	if !slices.Equal(in[0].Shape, in[1].Shape) {
		return TensorSpec{}, nil, outOfRange("inputs", "%q has shape %v, %q has %v: equal shapes needed",
			in[0].Name, in[0].Shape, in[1].Name, in[1].Shape)
	}
	return f32(in[0].Shape...), nil, nil
}
