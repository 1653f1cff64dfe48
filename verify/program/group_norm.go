package program

import "github.com/verifyd/verifyd/kernels"

// GroupNorm normalises groups of neighbouring channels, the first dimension, to mean 0 and variance 1, then scales and
// shifts each channel. With as many groups as channels it is instance normalisation. Parameters: weight and bias (channels).
type GroupNorm struct {
	Groups int     `json:"groups"` // divides the channels
	Eps    float64 `json:"eps"`
}

func (GroupNorm) Kind() string { return "group_norm" }

func (o GroupNorm) infer(in []TensorSpec) (TensorSpec, []param, error) {
	out, channels, err := inferChannels(in, o.Eps)
	if err != nil {
		return TensorSpec{}, nil, err
	}
	if err := within("groups", o.Groups, 1, channels); err != nil {
		return TensorSpec{}, nil, err
	}
	if channels%o.Groups != 0 {
		return TensorSpec{}, nil, outOfRange("groups", "%d does not divide %d channels", o.Groups, channels)
	}
	return out, affine(channels), nil
}

// inferChannels checks a normalisation over the first dimension.
func inferChannels(in []TensorSpec, eps float64) (out TensorSpec, channels int, err error) {
	if err := floats(in, 1); err != nil {
		return TensorSpec{}, 0, err
	}
	if len(in[0].Shape) == 0 {
		return TensorSpec{}, 0, outOfRange("", "input %q has no channels", in[0].Name)
	}
	if !(eps >= minEps && eps <= 1) {
		return TensorSpec{}, 0, outOfRange("eps", "%v is outside %v to 1", eps, minEps)
	}
	return f32(in[0].Shape...), in[0].Shape[0], nil
}

// affine are the weight and the bias of each channel.
func affine(channels int) []param {
	return []param{{"weight", []int{channels}, initial{constant: 1}}, {"bias", []int{channels}, initial{}}}
}

func (o GroupNorm) shape(c *compiler, n *node) kernels.GroupNorm {
	s := n.Output.Shape
	return kernels.GroupNorm{N: c.batch, C: s[0], P: product(s[1:]), Groups: o.Groups, Eps: float32(o.Eps)}
}

func (o GroupNorm) forward(c *compiler, n *node) value {
	y, mean, rstd := c.temp(c.batch*n.Output.Len()), c.temp(c.batch*o.Groups), c.temp(c.batch*o.Groups)
	c.emit(o.shape(c, n), n.in[0], n.params[0], n.params[1], y, mean, rstd)
	n.saved = []value{mean, rstd}
	return y
}

func (o GroupNorm) backward(c *compiler, n *node) {
	s := o.shape(c, n)
	dx := c.temp(c.batch * n.Output.Len())
	c.emitGrads(kernels.GroupNormGrad{N: s.N, C: s.C, P: s.P, Groups: s.Groups},
		n.in[0], n.params[0], n.saved[0], n.saved[1], n.dy, dx, n.grads[0], n.grads[1])
	c.contribute(n.in[0], dx)
}
