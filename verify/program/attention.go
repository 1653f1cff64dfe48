package program

import (
	"math"

	"github.com/verifyd/verifyd/kernels"
)

// MaxContext is the largest number of positions that attention spans. The scores of a few hundred positions
// with all others are a worker's scratch memory.
const MaxContext = 1 << 15

// Attention is softmax(scale q k^T) v of Heads heads. It has one input or three, and a mask as a fourth.
//
// One input is (context, 3*width): a row holds queries, keys and values one after another, each head by head. Three are queries
// (context, width), keys (keys, KVHeads*width/Heads) and values like the keys: Heads/KVHeads heads of queries in a row share one of
// keys, and queries may attend to another sequence. A mask is (keys) of i32: a key whose mask is 0 is left out of that sample, whatever
// it holds, and a query that is left with none gives 0. Causal lets query i see the keys up to i, counted from the first of both, as
// PyTorch does. The output is (context, width).
type Attention struct {
	Heads   int     `json:"heads"`
	KVHeads int     `json:"kv_heads,omitempty"` // of keys and values; 0 for Heads
	Causal  bool    `json:"causal"`
	Scale   float64 `json:"scale,omitempty"` // of the scores; 0 for 1/sqrt(width/Heads)
}

// The scales that attention takes: far from where binary32 has no number for one.
const (
	minScale = 1e-20
	maxScale = 1e20
)

func (Attention) Kind() string { return "attention" }

func (o Attention) infer(in []TensorSpec) (out TensorSpec, params []param, err error) {
	if err := within("heads", o.Heads, 1, MaxElements/3); err != nil {
		return TensorSpec{}, nil, err
	}
	switch len(in) {
	case 1:
		out, err = o.inferPacked(in)
	case 3:
		out, err = o.inferParts(in)
	case 4:
		if out, err = o.inferParts(in[:3]); err == nil {
			err = o.checkMask(in[3], in[1].Shape[0])
		}
	default:
		err = outOfRange("inputs", "%d given, 1, 3 or 4 needed", len(in))
	}
	return out, nil, err
}

// inferPacked is for queries, keys and values side by side.
func (o Attention) inferPacked(in []TensorSpec) (TensorSpec, error) {
	if err := ranked(in, 2); err != nil {
		return TensorSpec{}, err
	}
	s := in[0].Shape
	if err := within("context", s[0], 1, MaxContext); err != nil {
		return TensorSpec{}, err
	}
	if o.KVHeads != 0 {
		return TensorSpec{}, outOfRange("kv_heads", "%d needs queries, keys and values as inputs of their own", o.KVHeads)
	}
	if o.Scale != 0 {
		return TensorSpec{}, outOfRange("scale", "%v needs queries, keys and values as inputs of their own", o.Scale)
	}
	if s[1]%(3*o.Heads) != 0 {
		return TensorSpec{}, outOfRange("heads", "input width %d is not a multiple of 3*%d", s[1], o.Heads)
	}
	return f32(s[0], s[1]/3), nil
}

// inferParts is for tensors of their own.
func (o Attention) inferParts(in []TensorSpec) (TensorSpec, error) {
	for i := range in {
		if err := ranked(in[i:i+1], 2); err != nil {
			return TensorSpec{}, err
		}
	}
	q, k, v := in[0].Shape, in[1].Shape, in[2].Shape
	if err := within("context", q[0], 1, MaxContext); err != nil {
		return TensorSpec{}, err
	}
	if err := within("keys", k[0], 1, MaxContext); err != nil {
		return TensorSpec{}, err
	}
	if q[1]%o.Heads != 0 {
		return TensorSpec{}, outOfRange("heads", "width %d of the queries is not a multiple of %d", q[1], o.Heads)
	}
	if o.KVHeads < 0 || o.KVHeads > o.Heads || o.Heads%o.kvHeads() != 0 {
		return TensorSpec{}, outOfRange("kv_heads", "%d does not divide heads, %d", o.KVHeads, o.Heads)
	}
	if want := q[1] / o.Heads * o.kvHeads(); k[1] != want {
		return TensorSpec{}, outOfRange("inputs", "keys %q are %d wide, %d heads of %d need %d", in[1].Name, k[1], o.kvHeads(), q[1]/o.Heads, want)
	}
	if v[0] != k[0] || v[1] != k[1] {
		return TensorSpec{}, outOfRange("inputs", "values %q are %v, keys %q are %v", in[2].Name, v, in[1].Name, k)
	}
	if o.Scale != 0 && !(o.Scale >= minScale && o.Scale <= maxScale) {
		return TensorSpec{}, outOfRange("scale", "%v is outside %v to %v", o.Scale, minScale, maxScale)
	}
	return f32(q...), nil
}

func (o Attention) checkMask(mask TensorSpec, keys int) error {
	if mask.Kind != kernels.I32 {
		return outOfRange("inputs", "mask %q is %v, i32 needed", mask.Name, mask.Kind)
	}
	if len(mask.Shape) != 1 || mask.Shape[0] != keys {
		return outOfRange("inputs", "mask %q is %v, [%d] needed: one number for each key", mask.Name, mask.Shape, keys)
	}
	return nil
}

// kvHeads is the number of heads of keys.
func (o Attention) kvHeads() int {
	if o.KVHeads == 0 {
		return o.Heads
	}
	return o.KVHeads
}

// packed is the operator for one input.
func (o Attention) packed(c *compiler, n *node) kernels.Attention {
	s := n.Output.Shape
	return kernels.Attention{Batch: c.batch, Heads: o.Heads, Seq: s[0], HeadDim: s[1] / o.Heads, Causal: o.Causal, Profile: c.profile}
}

// parts is the operator for several.
func (o Attention) parts(c *compiler, n *node) kernels.SDPA {
	s := n.Output.Shape
	op := kernels.SDPA{
		Batch: c.batch, Heads: o.Heads, KVHeads: o.kvHeads(), Queries: s[0], Keys: n.shapes[1].Shape[0], HeadDim: s[1] / o.Heads,
		Causal: o.Causal, Masked: len(n.in) == 4, Scale: float32(o.Scale), Profile: c.profile,
	}
	if o.Scale == 0 {
		op.Scale = float32(1 / math.Sqrt(float64(op.HeadDim)))
	}
	return op
}

func (o Attention) forward(c *compiler, n *node) value {
	context := n.Output.Shape[0]
	y, m, sum := c.temp(c.elements(n)), c.temp(c.batch*o.Heads*context), c.temp(c.batch*o.Heads*context)
	n.saved = []value{m, sum}
	if len(n.in) == 1 {
		c.emit(o.packed(c, n), n.in[0], y, m, sum)
		return y
	}
	c.emit(o.parts(c, n), append(n.in[:len(n.in):len(n.in)], y, m, sum)...)
	return y
}

func (o Attention) backward(c *compiler, n *node) {
	if len(n.in) == 1 {
		dx := c.temp(3 * c.elements(n))
		c.emit(kernels.AttentionGrad(o.packed(c, n)), n.in[0], n.out, n.saved[0], n.saved[1], n.dy, dx)
		c.contribute(n.in[0], dx)
		return
	}
	var grads []value
	for _, v := range n.in[:3] {
		grads = append(grads, c.temp(c.buffers[v].n))
	}
	all := append(n.in[:len(n.in):len(n.in)], n.out, n.saved[0], n.saved[1], n.dy)
	c.emit(kernels.SDPAGrad(o.parts(c, n)), append(all, grads...)...)
	for i, dv := range grads {
		c.contribute(n.in[i], dv)
	}
}
