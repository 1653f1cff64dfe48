package program

import "github.com/verifyd/verifyd/kernels"

// BatchNorm normalises each channel, the first dimension, over a micro-batch, then scales and shifts it, as PyTorch's
// BatchNorm1d to 3d. Parameters: weight and bias (channels). Buffers: running_mean and running_var (channels), which each
// forward pass of a training moves towards the statistics of its micro-batch by Momentum, and by which evaluations
// normalise. Frozen is the mode of an evaluation in training too: the running statistics are constants and stay.
type BatchNorm struct {
	Eps      float64 `json:"eps"`
	Momentum float64 `json:"momentum"`
	Frozen   bool    `json:"frozen"`
}

func (BatchNorm) Kind() string { return "batch_norm" }

func (o BatchNorm) infer(in []TensorSpec) (TensorSpec, []param, error) {
	out, channels, err := inferChannels(in, o.Eps)
	if err != nil {
		return TensorSpec{}, nil, err
	}
	if !(o.Momentum >= 0 && o.Momentum <= 1) {
		return TensorSpec{}, nil, outOfRange("momentum", "%v is outside 0 to 1", o.Momentum)
	}
	return out, affine(channels), nil
}

func (o BatchNorm) buffers(in []TensorSpec) (list []param, changes bool) {
	channels := in[0].Shape[0]
	return []param{{"running_mean", []int{channels}, initial{}}, {"running_var", []int{channels}, initial{constant: 1}}}, !o.Frozen
}

// fits refuses a micro-batch of one number a channel, which has no variance.
func (o BatchNorm) fits(batch int, out TensorSpec) error {
	if !o.Frozen && batch*product(out.Shape[1:]) < 2 {
		return outOfRange("", "a micro-batch has one number a channel, at least 2 needed")
	}
	return nil
}

// shape is the micro-batch as images of channels.
func (o BatchNorm) shape(c *compiler, n *node) kernels.BatchNorm {
	s := n.Output.Shape
	return kernels.BatchNorm{N: c.batch, C: s[0], P: product(s[1:]), Eps: float32(o.Eps)}
}

func (o BatchNorm) forward(c *compiler, n *node) value {
	s := o.shape(c, n)
	y := c.temp(c.batch * n.Output.Len())
	if c.eval || o.Frozen {
		c.emit(kernels.BatchNormFrozen(s), n.in[0], n.params[0], n.params[1], n.buffers[0], n.buffers[1], y)
		return y
	}
	mean, variance, rstd := c.temp(s.C), c.temp(s.C), c.temp(s.C)
	c.emit(s, n.in[0], n.params[0], n.params[1], y, mean, variance, rstd)
	count := float64(s.N * s.P)
	keep := float32(1 - o.Momentum)
	c.emit(kernels.RunningUpdate{N: s.C, Keep: keep, Take: float32(o.Momentum)}, mean, n.buffers[0])
	unbiased := float64(o.Momentum*count) / (count - 1)
	c.emit(kernels.RunningUpdate{N: s.C, Keep: keep, Take: float32(unbiased)}, variance, n.buffers[1])
	n.saved = []value{mean, rstd}
	return y
}

func (o BatchNorm) backward(c *compiler, n *node) {
	s := o.shape(c, n)
	dx := c.temp(c.batch * n.Output.Len())
	if o.Frozen {
		c.emitGrads(kernels.BatchNormFrozenGrad(s), n.in[0], n.params[0], n.buffers[0], n.buffers[1], n.dy, dx, n.grads[0], n.grads[1])
	} else {
		c.emitGrads(kernels.BatchNormGrad{N: s.N, C: s.C, P: s.P}, n.in[0], n.params[0], n.saved[0], n.saved[1], n.dy, dx, n.grads[0], n.grads[1])
	}
	c.contribute(n.in[0], dx)
}
