package program

import (
	"fmt"

	"github.com/verifyd/verifyd/kernels"
)

// Conv2D is a two-dimensional cross-correlation over (channels, height, width), as PyTorch's Conv2d.
// Parameters: weight (Out, channels/Groups, Kernel...), bias (Out). One group, and taps that are neighbours, are left
// out of the JSON.
type Conv2D struct {
	Out      int    `json:"out"`
	Kernel   [2]int `json:"kernel"`
	Stride   [2]int `json:"stride"`
	Padding  [2]int `json:"padding"`
	Groups   int    `json:"groups,omitempty"`  // divides the channels and Out
	Dilation [2]int `json:"dilation,omitzero"` // from one tap to the next
	Bias     bool   `json:"bias"`
}

func (Conv2D) Kind() string { return "conv2d" }

func (o Conv2D) infer(in []TensorSpec) (TensorSpec, []param, error) {
	if err := ranked(in, 3); err != nil {
		return TensorSpec{}, nil, err
	}
	if err := within("out", o.Out, 1, MaxElements); err != nil {
		return TensorSpec{}, nil, err
	}
	s := in[0].Shape
	span, err := dilated(o.Kernel, o.Dilation)
	if err != nil {
		return TensorSpec{}, nil, err
	}
	h, w, err := windows(s, span, o.Stride, o.Padding)
	if err != nil {
		return TensorSpec{}, nil, err
	}
	channels, err := grouped(o.Groups, s[0], o.Out)
	if err != nil {
		return TensorSpec{}, nil, err
	}
	if err := spreadable(o.Out/max(o.Groups, 1), s, span); err != nil {
		return TensorSpec{}, nil, err
	}
	fan, err := elements(channels, o.Kernel[0], o.Kernel[1])
	if err != nil {
		return TensorSpec{}, nil, err
	}
	params := []param{{"weight", []int{o.Out, channels, o.Kernel[0], o.Kernel[1]}, kaiming(fan)}}
	if o.Bias {
		params = append(params, param{"bias", []int{o.Out}, kaiming(fan)})
	}
	return f32(o.Out, h, w), params, nil
}

func (o Conv2D) shape(c *compiler, n *node) kernels.ConvShape {
	s := n.shapes[0].Shape
	return kernels.ConvShape{N: c.batch, C: s[0], H: s[1], W: s[2], O: o.Out, KH: o.Kernel[0], KW: o.Kernel[1],
		StrideH: o.Stride[0], StrideW: o.Stride[1], PadH: o.Padding[0], PadW: o.Padding[1],
		Groups: o.Groups, DilationH: o.Dilation[0], DilationW: o.Dilation[1], Profile: c.profile}
}

// grouped is the number of channels of one of the groups of a convolution. 0 groups are one.
func grouped(groups, channels, out int) (int, error) {
	if groups == 0 {
		return channels, nil
	}
	if err := within("groups", groups, 2, channels); err != nil {
		return 0, err // one group is left out
	}
	if channels%groups != 0 || out%groups != 0 {
		return 0, outOfRange("groups", "%d does not divide %d channels and %d filters", groups, channels, out)
	}
	return channels / groups, nil
}

// spreadable refuses images that a worker cannot spread: the gradients of the filters of a group, as far apart as the
// strides, round an image.
func spreadable(filters int, image []int, span [2]int) error {
	n, err := elements(filters, image[1]+span[0]-1, image[2]+span[1]-1)
	if err != nil || n > maxPadded {
		return outOfRange("stride", "%d filters on an image of %d x %d have more than %d places", filters, image[1], image[2], maxPadded)
	}
	return nil
}

// dilated is what a filter's taps span. A dilation of zeros is none.
func dilated(kernel, dilation [2]int) (span [2]int, err error) {
	if dilation == [2]int{} {
		return kernel, nil
	}
	if dilation == [2]int{1, 1} {
		return span, outOfRange("dilation", "[1,1] must be left out")
	}
	for i, k := range kernel {
		if err := within(fmt.Sprintf("kernel[%d]", i), k, 1, maxWindow); err != nil {
			return span, err
		}
		if err := within(fmt.Sprintf("dilation[%d]", i), dilation[i], 1, maxWindow); err != nil {
			return span, err
		}
		if span[i] = (k-1)*dilation[i] + 1; span[i] > maxWindow {
			return span, outOfRange(fmt.Sprintf("dilation[%d]", i), "%d taps span %d, above the limit %d", k, span[i], maxWindow)
		}
	}
	return span, nil
}

func (o Conv2D) forward(c *compiler, n *node) value {
	y := c.temp(c.batch * n.Output.Len())
	c.emit(kernels.Conv2D{ConvShape: o.shape(c, n)}, n.in[0], n.params[0], y)
	if !o.Bias {
		return y
	}
	return biasAdd(c, o.planes(c, n), y, n.params[1])
}

func (o Conv2D) backward(c *compiler, n *node) {
	s := o.shape(c, n)
	c.emitGrads(kernels.Conv2DGradWeight{ConvShape: s}, n.in[0], n.dy, n.grads[0])
	if o.Bias {
		c.emitGrads(kernels.BiasGrad(o.planes(c, n)), n.dy, n.grads[1])
	}
	if c.wants(n.in[0]) {
		dx := c.temp(c.batch * n.shapes[0].Len())
		c.emit(kernels.Conv2DGradInput{ConvShape: s}, n.dy, n.params[0], dx)
		c.contribute(n.in[0], dx)
	}
}

// planes is the bias of one number for each output plane.
func (o Conv2D) planes(c *compiler, n *node) kernels.BiasAdd {
	return kernels.BiasAdd{N: c.batch, C: o.Out, P: n.Output.Shape[1] * n.Output.Shape[2]}
}
