package program

import (
	"fmt"

	"github.com/verifyd/verifyd/kernels"
)

// MaxPool2D takes the largest element of each window over (channels, height, width). Padding never wins.
type MaxPool2D struct {
	Kernel  [2]int `json:"kernel"`
	Stride  [2]int `json:"stride"`
	Padding [2]int `json:"padding"` // at most half the kernel
}

func (MaxPool2D) Kind() string { return "max_pool2d" }

func (o MaxPool2D) infer(in []TensorSpec) (TensorSpec, []param, error) {
	return inferPool(in, o.Kernel, o.Stride, o.Padding)
}

func (o MaxPool2D) forward(c *compiler, n *node) value {
	y, index := c.temp(c.batch*n.Output.Len()), c.tempI32(c.batch*n.Output.Len())
	c.emit(kernels.MaxPool2D{PoolShape: poolShape(c, n, o.Kernel, o.Stride, o.Padding)}, n.in[0], y, index)
	n.saved = []value{index}
	return y
}

func (o MaxPool2D) backward(c *compiler, n *node) {
	if c.wants(n.in[0]) {
		dx := c.temp(c.batch * n.shapes[0].Len())
		c.emit(kernels.MaxPool2DGrad{PoolShape: poolShape(c, n, o.Kernel, o.Stride, o.Padding)}, n.saved[0], n.dy, dx)
		c.contribute(n.in[0], dx)
	}
}

// AvgPool2D is the mean of each window over (channels, height, width). Padding counts as zeros.
type AvgPool2D struct {
	Kernel  [2]int `json:"kernel"`
	Stride  [2]int `json:"stride"`
	Padding [2]int `json:"padding"` // at most half the kernel
}

func (AvgPool2D) Kind() string { return "avg_pool2d" }

func (o AvgPool2D) infer(in []TensorSpec) (TensorSpec, []param, error) {
	return inferPool(in, o.Kernel, o.Stride, o.Padding)
}

func (o AvgPool2D) forward(c *compiler, n *node) value {
	y := c.temp(c.batch * n.Output.Len())
	c.emit(kernels.AvgPool2D{PoolShape: poolShape(c, n, o.Kernel, o.Stride, o.Padding)}, n.in[0], y)
	return y
}

func (o AvgPool2D) backward(c *compiler, n *node) {
	if c.wants(n.in[0]) {
		dx := c.temp(c.batch * n.shapes[0].Len())
		c.emit(kernels.AvgPool2DGrad{PoolShape: poolShape(c, n, o.Kernel, o.Stride, o.Padding)}, n.dy, dx)
		c.contribute(n.in[0], dx)
	}
}

func poolShape(c *compiler, n *node, kernel, stride, padding [2]int) kernels.PoolShape {
	s := n.shapes[0].Shape
	return kernels.PoolShape{N: c.batch, C: s[0], H: s[1], W: s[2], KH: kernel[0], KW: kernel[1],
		StrideH: stride[0], StrideW: stride[1], PadH: padding[0], PadW: padding[1]}
}

func inferPool(in []TensorSpec, kernel, stride, padding [2]int) (TensorSpec, []param, error) {
	if err := ranked(in, 3); err != nil {
		return TensorSpec{}, nil, err
	}
	s := in[0].Shape
	h, w, err := windows(s, kernel, stride, padding)
	if err != nil {
		return TensorSpec{}, nil, err
	}
	for i, p := range padding {
		if 2*p > kernel[i] {
			return TensorSpec{}, nil, outOfRange(fmt.Sprintf("padding[%d]", i), "%d is above half of kernel[%d], %d", p, i, kernel[i])
		}
	}
	return f32(s[0], h, w), nil, nil
}

// maxWindow is the largest kernel, stride or padding in one direction, maxPadded the largest number of
// elements of an image with its padding, which is a worker's scratch memory.
const (
	maxWindow = 1 << 15
	maxPadded = 1 << 28
)

// windows is the number of windows down and across an image of (channels, height, width).
func windows(image []int, kernel, stride, padding [2]int) (down, across int, err error) {
	out := [2]int{}
	for i, size := range image[1:] {
		for _, f := range []struct {
			name  string
			v, lo int
		}{{"kernel", kernel[i], 1}, {"stride", stride[i], 1}, {"padding", padding[i], 0}} {
			if err := within(fmt.Sprintf("%s[%d]", f.name, i), f.v, f.lo, maxWindow); err != nil {
				return 0, 0, err
			}
		}
		room := size + 2*padding[i] - kernel[i]
		if room < 0 {
			return 0, 0, outOfRange(fmt.Sprintf("kernel[%d]", i), "%d is above the padded input's %d", kernel[i], size+2*padding[i])
		}
		out[i] = room/stride[i] + 1
	}
	n, err := elements(image[0], image[1]+2*padding[0], image[2]+2*padding[1])
	if err != nil || n > maxPadded {
		return 0, 0, outOfRange("padding", "the padded image has more than %d elements", maxPadded)
	}
	return out[0], out[1], nil
}
