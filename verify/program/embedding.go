package program

import "github.com/verifyd/verifyd/kernels"

// Embedding looks up a row of its table for each token id. Parameter: weight (Vocab, Dim). A machine
// refuses ids outside [0, Vocab) before anything runs.
type Embedding struct {
	Vocab int     `json:"vocab"`
	Dim   int     `json:"dim"`
	Std   float64 `json:"std"` // standard deviation of the uniform start
}

func (Embedding) Kind() string { return "embedding" }

func (o Embedding) infer(in []TensorSpec) (TensorSpec, []param, error) {
	if err := arity(in, 1); err != nil {
		return TensorSpec{}, nil, err
	}
	if in[0].Kind != kernels.I32 {
		return TensorSpec{}, nil, outOfRange("", "input %q is %v, i32 needed", in[0].Name, in[0].Kind)
	}
	for _, f := range []struct {
		name string
		v    int
	}{{"vocab", o.Vocab}, {"dim", o.Dim}} {
		if err := within(f.name, f.v, 1, MaxElements); err != nil {
			return TensorSpec{}, nil, err
		}
	}
	if err := nonNegative("std", o.Std); err != nil {
		return TensorSpec{}, nil, err
	}
	shape := append(append([]int(nil), in[0].Shape...), o.Dim)
	return f32(shape...), []param{{"weight", []int{o.Vocab, o.Dim}, deviation(o.Std)}}, nil
}

func (o Embedding) forward(c *compiler, n *node) value {
	rows, _ := c.rows(n)
	y := c.temp(rows * o.Dim)
	c.emit(kernels.Embedding{Rows: rows, Vocab: o.Vocab, Dim: o.Dim}, n.in[0], n.params[0], y)
	return y
}

func (o Embedding) backward(c *compiler, n *node) {
	rows, _ := c.rows(n)
	c.emitGrads(kernels.EmbeddingGrad{Rows: rows, Vocab: o.Vocab, Dim: o.Dim}, n.in[0], n.dy, n.grads[0])
}

// PositionEmbedding adds a learned row to each position of (context, width). Parameter: weight
// (context, width).
type PositionEmbedding struct {
	Std float64 `json:"std"` // standard deviation of the uniform start
}

func (PositionEmbedding) Kind() string { return "position_embedding" }

func (o PositionEmbedding) infer(in []TensorSpec) (TensorSpec, []param, error) {
	if err := ranked(in, 2); err != nil {
		return TensorSpec{}, nil, err
	}
	if err := nonNegative("std", o.Std); err != nil {
		return TensorSpec{}, nil, err
	}
	return f32(in[0].Shape...), []param{{"weight", in[0].Shape, deviation(o.Std)}}, nil
}

func (o PositionEmbedding) forward(c *compiler, n *node) value {
	return biasAdd(c, kernels.BiasAdd{N: c.batch, C: n.Output.Len(), P: 1}, n.in[0], n.params[0])
}

func (o PositionEmbedding) backward(c *compiler, n *node) {
	c.emitGrads(kernels.BiasGrad{N: c.batch, C: n.Output.Len(), P: 1}, n.dy, n.grads[0])
	c.contribute(n.in[0], n.dy)
}
