package program

import (
	"fmt"

	"github.com/verifyd/verifyd/kernels"
)

// augmentation is a node that changes the rows of a step at random. It stands behind the input or another one, where no gradient
// goes.
type augmentation interface{ augments() }

// RandomCrop cuts Size (height, width) out of each image of (channels, height, width) with a border of Padding zeros, at a place
// that is drawn for the image. An evaluation cuts out of the middle, without the border.
type RandomCrop struct {
	Padding int    `json:"padding"`
	Size    [2]int `json:"size"` // at most the image's
}

func (RandomCrop) Kind() string { return "random_crop" }
func (RandomCrop) augments()    {}

func (o RandomCrop) infer(in []TensorSpec) (TensorSpec, []param, error) {
	if err := ranked(in, 3); err != nil {
		return TensorSpec{}, nil, err
	}
	if err := within("padding", o.Padding, 0, maxWindow); err != nil {
		return TensorSpec{}, nil, err
	}
	s := in[0].Shape
	for i, n := range o.Size {
		if err := within(fmt.Sprintf("size[%d]", i), n, 1, s[i+1]); err != nil {
			return TensorSpec{}, nil, err
		}
	}
	return f32(s[0], o.Size[0], o.Size[1]), nil, nil
}

func (o RandomCrop) forward(c *compiler, n *node) value {
	s := n.shapes[0].Shape
	if c.eval {
		top, left := (s[1]-o.Size[0])/2, (s[2]-o.Size[1])/2
		return c.move(n.in[0], top*s[2]+left, n.Output.Shape, strides(s))
	}
	y := c.temp(c.elements(n))
	c.emit(kernels.RandomCrop{N: c.batch, C: s[0], H: s[1], W: s[2], OutH: o.Size[0], OutW: o.Size[1], Pad: o.Padding, OpID: uint32(n.Index)},
		n.in[0], c.counter, y)
	return y
}

// backward has nothing to do: nothing before it has parameters.
func (RandomCrop) backward(*compiler, *node) {}

// RandomFlip mirrors the columns of each image of (channels, height, width) with probability P. An evaluation passes everything.
type RandomFlip struct {
	P float64 `json:"p"` // in [0, 1), rounded down to a multiple of 2^-32
}

func (RandomFlip) Kind() string { return "random_flip" }
func (RandomFlip) augments()    {}

func (o RandomFlip) infer(in []TensorSpec) (TensorSpec, []param, error) {
	if err := ranked(in, 3); err != nil {
		return TensorSpec{}, nil, err
	}
	if err := unit("p", o.P); err != nil {
		return TensorSpec{}, nil, err
	}
	return inferSame(in)
}

func (o RandomFlip) forward(c *compiler, n *node) value {
	if c.eval {
		return n.in[0]
	}
	s := n.Output.Shape
	y := c.temp(c.elements(n))
	c.emit(kernels.RandomFlip{N: c.batch, C: s[0], H: s[1], W: s[2], Threshold: uint32(o.P * (1 << 32)), OpID: uint32(n.Index)}, n.in[0], c.counter, y)
	return y
}

// backward has nothing to do: nothing before it has parameters.
func (RandomFlip) backward(*compiler, *node) {}
