package program

import (
	"fmt"

	"github.com/verifyd/verifyd/kernels"
)

// Slice is every Step-th place of an axis of a sample from Start up to, and without, Stop.
type Slice struct {
	Axis  int `json:"axis"`
	Start int `json:"start"`
	Stop  int `json:"stop"`
	Step  int `json:"step"`
}

func (Slice) Kind() string { return "slice" }

func (o Slice) infer(in []TensorSpec) (TensorSpec, []param, error) {
	if err := floats(in, 1); err != nil {
		return TensorSpec{}, nil, err
	}
	s := in[0].Shape
	if err := within("axis", o.Axis, 0, len(s)-1); err != nil {
		return TensorSpec{}, nil, err
	}
	if err := within("start", o.Start, 0, s[o.Axis]-1); err != nil {
		return TensorSpec{}, nil, err
	}
	if err := within("stop", o.Stop, o.Start+1, s[o.Axis]); err != nil {
		return TensorSpec{}, nil, err
	}
	if err := within("step", o.Step, 1, MaxElements); err != nil {
		return TensorSpec{}, nil, err
	}
	return f32(o.shape(s)...), nil, nil
}

func (o Slice) count() int { return (o.Stop-o.Start-1)/o.Step + 1 }

func (o Slice) shape(in []int) []int {
	out := append([]int(nil), in...)
	out[o.Axis] = o.count()
	return out
}

func (o Slice) forward(c *compiler, n *node) value {
	s := n.shapes[0].Shape
	steps := strides(s)
	offset := o.Start * steps[o.Axis]
	steps[o.Axis] *= o.Step
	return c.move(n.in[0], offset, o.shape(s), steps)
}

func (o Slice) backward(c *compiler, n *node) {
	if n.out == n.in[0] || !c.wants(n.in[0]) {
		return
	}
	s := n.shapes[0].Shape
	dx := c.temp(c.batch * product(s))
	c.emit(kernels.Spread{Outer: c.batch * product(s[:o.Axis]), Size: s[o.Axis], Inner: product(s[o.Axis+1:]),
		Start: o.Start, Step: o.Step, Count: o.count()}, n.dy, dx)
	c.contribute(n.in[0], dx)
}

// Select is one place of an axis of a sample. The axis disappears.
type Select struct {
	Axis  int `json:"axis"`
	Index int `json:"index"`
}

func (Select) Kind() string { return "select" }

func (o Select) infer(in []TensorSpec) (TensorSpec, []param, error) {
	if err := floats(in, 1); err != nil {
		return TensorSpec{}, nil, err
	}
	s := in[0].Shape
	if len(s) < 2 {
		return TensorSpec{}, nil, outOfRange("", "input %q has %d dimension, at least 2 needed", in[0].Name, len(s))
	}
	if err := within("axis", o.Axis, 0, len(s)-1); err != nil {
		return TensorSpec{}, nil, err
	}
	if err := within("index", o.Index, 0, s[o.Axis]-1); err != nil {
		return TensorSpec{}, nil, err
	}
	return f32(append(append([]int(nil), s[:o.Axis]...), s[o.Axis+1:]...)...), nil, nil
}

// slice is the one place with its axis.
func (o Select) slice() Slice { return Slice{Axis: o.Axis, Start: o.Index, Stop: o.Index + 1, Step: 1} }

func (o Select) forward(c *compiler, n *node) value { return o.slice().forward(c, n) }
func (o Select) backward(c *compiler, n *node)      { o.slice().backward(c, n) }

// maxConcat is the largest number of inputs of a Concat.
const maxConcat = 64

// Concat lays samples one behind another along an axis.
type Concat struct {
	Axis int `json:"axis"`
}

func (Concat) Kind() string { return "concat" }

func (o Concat) infer(in []TensorSpec) (TensorSpec, []param, error) {
	if err := within("inputs", len(in), 2, maxConcat); err != nil {
		return TensorSpec{}, nil, err
	}
	if err := floats(in, len(in)); err != nil {
		return TensorSpec{}, nil, err
	}
	out := append([]int(nil), in[0].Shape...)
	if err := within("axis", o.Axis, 0, len(out)-1); err != nil {
		return TensorSpec{}, nil, err
	}
	out[o.Axis] = 0
	for k, t := range in {
		if len(t.Shape) != len(out) {
			return TensorSpec{}, nil, outOfRange(fmt.Sprintf("inputs[%d]", k), "%q has shape %v, %q has %v", t.Name, t.Shape, in[0].Name, in[0].Shape)
		}
		for i, n := range t.Shape {
			if i == o.Axis {
				out[i] += n
			} else if n != out[i] {
				return TensorSpec{}, nil, outOfRange(fmt.Sprintf("inputs[%d]", k), "%q has shape %v, %q has %v", t.Name, t.Shape, in[0].Name, in[0].Shape)
			}
		}
	}
	return f32(out...), nil, nil
}

func (o Concat) forward(c *compiler, n *node) value {
	s := n.Output.Shape
	parts := make([]int, len(n.in))
	for k, t := range n.shapes {
		parts[k] = t.Shape[o.Axis]
	}
	return c.concat(c.batch*product(s[:o.Axis]), product(s[o.Axis+1:]), parts, n.in)
}

// concat lays tensors one behind another: as many as the operator takes, from the first on, then those behind their result.
func (c *compiler) concat(outer, inner int, parts []int, from []value) value {
	k := min(len(parts), kernels.ConcatParts)
	o := kernels.Concat{Outer: outer, Inner: inner}
	width := 0
	for i, p := range parts[:k] {
		o.Parts[i] = p
		width += p
	}
	y := c.temp(outer * width * inner)
	c.emit(o, append(append([]value(nil), from[:k]...), y)...)
	if k == len(parts) {
		return y
	}
	return c.concat(outer, inner, append([]int{width}, parts[k:]...), append([]value{y}, from[k:]...))
}

func (o Concat) backward(c *compiler, n *node) {
	steps, at := strides(n.Output.Shape), 0
	for k, x := range n.in {
		s := n.shapes[k].Shape
		if c.wants(x) {
			c.contribute(x, c.move(n.dy, at*steps[o.Axis], s, steps))
		}
		at += s[o.Axis]
	}
}
