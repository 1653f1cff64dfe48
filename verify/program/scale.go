package program

import (
	"fmt"
	"math"

	"github.com/verifyd/verifyd/kernels"
)

// Scale is x*Factor + Shift with constants, each rounded to binary32. A factor of 1 and a shift of 0 cost nothing.
type Scale struct {
	Factor float64 `json:"factor"`
	Shift  float64 `json:"shift"`
}

func (Scale) Kind() string { return "scale" }

func (o Scale) infer(in []TensorSpec) (TensorSpec, []param, error) {
	if err := finite("factor", o.Factor); err != nil {
		return TensorSpec{}, nil, err
	}
	if err := finite("shift", o.Shift); err != nil {
		return TensorSpec{}, nil, err
	}
	return inferSame(in)
}

func (o Scale) forward(c *compiler, n *node) value {
	y := c.timesConstant(n.in[0], float32(o.Factor))
	if s := float32(o.Shift); s != 0 {
		x := y
		y = c.temp(c.elements(n))
		c.emit(kernels.Shift{N: c.elements(n), S: s}, x, y)
	}
	return y
}

func (o Scale) backward(c *compiler, n *node) {
	if n.out != n.in[0] {
		c.contribute(n.in[0], c.timesConstant(n.dy, float32(o.Factor)))
	}
}

// timesConstant is x times a constant: x itself if that is 1.
func (c *compiler) timesConstant(x value, s float32) value {
	if s == 1 {
		return x
	}
	k := c.buffers[x].n
	y := c.temp(k)
	c.emit(kernels.Scale{N: k, S: s}, x, y)
	return y
}

// finite refuses NaN and what binary32 does not reach.
func finite(field string, v float64) error {
	if !(math.Abs(v) <= math.MaxFloat32) {
		return outOfRange(field, "%v is outside %v to %v", v, -math.MaxFloat32, math.MaxFloat32)
	}
	return nil
}

// Mean is the mean over axes of a sample, which are given in ascending order. They disappear or, with KeepDim, have one element.
type Mean struct {
	Axes    []int `json:"axes"`
	KeepDim bool  `json:"keepdim"`
}

func (Mean) Kind() string { return "mean" }

func (o Mean) infer(in []TensorSpec) (TensorSpec, []param, error) {
	if err := floats(in, 1); err != nil {
		return TensorSpec{}, nil, err
	}
	s := in[0].Shape
	if err := within("axes: number", len(o.Axes), 1, len(s)); err != nil {
		return TensorSpec{}, nil, err
	}
	lowest := 0
	for i, a := range o.Axes {
		if err := within(fmt.Sprintf("axes[%d]", i), a, lowest, len(s)-1); err != nil {
			return TensorSpec{}, nil, err
		}
		lowest = a + 1
	}
	if !o.KeepDim && len(o.Axes) == len(s) {
		return TensorSpec{}, nil, outOfRange("axes", "all %d axes of input %q would disappear", len(s), in[0].Name)
	}
	kept, over := o.split(s)
	if err := movable("axes", TensorSpec{Shape: kept}, s, repeats(kept, s)); err != nil {
		return TensorSpec{}, nil, err
	}
	if o.KeepDim {
		return f32(kept...), nil, nil
	}
	var out []int
	for i, n := range s {
		if !over[i] {
			out = append(out, n)
		}
	}
	return f32(out...), nil, nil
}

// split is the shape with one element along each axis of the mean, and which those are.
func (o Mean) split(s []int) (kept []int, over []bool) {
	kept, over = append([]int(nil), s...), make([]bool, len(s))
	for _, a := range o.Axes {
		kept[a], over[a] = 1, true
	}
	return kept, over
}

// inverse is one over the number of elements of a mean: kernels/contract.md section 1.4.
func (o Mean) inverse(s []int) float32 {
	kept, _ := o.split(s)
	return 1 / float32(product(s)/product(kept))
}

func (o Mean) forward(c *compiler, n *node) value {
	s := n.shapes[0].Shape
	_, over := o.split(s)
	return c.timesConstant(c.sum(n.in[0], s, over), o.inverse(s))
}

func (o Mean) backward(c *compiler, n *node) {
	if n.out == n.in[0] || !c.wants(n.in[0]) {
		return
	}
	s := n.shapes[0].Shape
	kept, _ := o.split(s)
	c.contribute(n.in[0], c.expand(c.timesConstant(n.dy, o.inverse(s)), kept, s))
}
