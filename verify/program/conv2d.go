package program

import "github.com/verifyd/verifyd/kernels"

// Conv2D is a two-dimensional cross-correlation over (channels, height, width), as PyTorch's Conv2d.
// Parameters: weight (Out, channels, Kernel...), bias (Out).
type Conv2D struct {
	Out     int    `json:"out"`
	Kernel  [2]int `json:"kernel"`
	Stride  [2]int `json:"stride"`
	Padding [2]int `json:"padding"`
	Bias    bool   `json:"bias"`
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
	h, w, err := windows(s, o.Kernel, o.Stride, o.Padding)
	if err != nil {
		return TensorSpec{}, nil, err
	}
	fan, err := elements(s[0], o.Kernel[0], o.Kernel[1])
	if err != nil {
		return TensorSpec{}, nil, err
	}
	params := []param{{"weight", []int{o.Out, s[0], o.Kernel[0], o.Kernel[1]}, kaiming(fan)}}
	if o.Bias {
		params = append(params, param{"bias", []int{o.Out}, kaiming(fan)})
	}
	return f32(o.Out, h, w), params, nil
}

func (o Conv2D) shape(c *compiler, n *node) kernels.ConvShape {
	s := n.shapes[0].Shape
	return kernels.ConvShape{N: c.batch, C: s[0], H: s[1], W: s[2], O: o.Out, KH: o.Kernel[0], KW: o.Kernel[1],
		StrideH: o.Stride[0], StrideW: o.Stride[1], PadH: o.Padding[0], PadW: o.Padding[1], Profile: c.profile}
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
