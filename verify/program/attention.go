package program

import "github.com/verifyd/verifyd/kernels"

// MaxContext is the largest number of positions that attention spans. The scores of a few hundred positions
// with all others are a worker's scratch memory.
const MaxContext = 1 << 15

// Attention is self-attention of Heads heads on (context, 3*width), where a row holds queries, keys and
// values one after another, each head by head. The output is (context, width).
type Attention struct {
	Heads  int  `json:"heads"`
	Causal bool `json:"causal"`
}

func (Attention) Kind() string { return "attention" }

func (o Attention) infer(in []TensorSpec) (TensorSpec, []param, error) {
	if err := ranked(in, 2); err != nil {
		return TensorSpec{}, nil, err
	}
	s := in[0].Shape
	if err := within("heads", o.Heads, 1, MaxElements/3); err != nil {
		return TensorSpec{}, nil, err
	}
	if err := within("context", s[0], 1, MaxContext); err != nil {
		return TensorSpec{}, nil, err
	}
	if s[1]%(3*o.Heads) != 0 {
		return TensorSpec{}, nil, outOfRange("heads", "input width %d is not a multiple of 3*%d", s[1], o.Heads)
	}
	return f32(s[0], s[1]/3), nil, nil
}

func (o Attention) shape(c *compiler, n *node) kernels.Attention {
	s := n.Output.Shape
	return kernels.Attention{Batch: c.batch, Heads: o.Heads, Seq: s[0], HeadDim: s[1] / o.Heads, Causal: o.Causal, Profile: c.profile}
}

func (o Attention) forward(c *compiler, n *node) value {
	s := o.shape(c, n)
	y, m, sum := c.temp(c.elements(n)), c.temp(s.Batch*s.Heads*s.Seq), c.temp(s.Batch*s.Heads*s.Seq)
	c.emit(s, n.in[0], y, m, sum)
	n.saved = []value{m, sum}
	return y
}

func (o Attention) backward(c *compiler, n *node) {
	dx := c.temp(3 * c.elements(n))
	c.emit(kernels.AttentionGrad(o.shape(c, n)), n.in[0], n.out, n.saved[0], n.saved[1], n.dy, dx)
	c.contribute(n.in[0], dx)
}
