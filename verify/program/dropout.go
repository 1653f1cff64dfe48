package program

import "github.com/verifyd/verifyd/kernels"

// Dropout zeroes elements with probability P and multiplies the others by 1/(1-P). The node's position
// in the graph is its operator number in Philox, so forward and backward draw the same numbers and two
// dropouts never do. An evaluation passes everything.
type Dropout struct {
	P float64 `json:"p"` // in [0, 1), rounded down to a multiple of 2^-32
}

func (Dropout) Kind() string { return "dropout" }

func (o Dropout) infer(in []TensorSpec) (TensorSpec, []param, error) {
	if err := unit("p", o.P); err != nil {
		return TensorSpec{}, nil, err
	}
	return inferSame(in)
}

func (o Dropout) operator(c *compiler, n *node) kernels.Dropout {
	return kernels.Dropout{N: c.elements(n), Threshold: uint32(o.P * (1 << 32)), Scale: float32(1 / (1 - o.P)), OpID: uint32(n.Index)}
}

func (o Dropout) forward(c *compiler, n *node) value {
	if c.eval {
		return n.in[0]
	}
	y := c.temp(c.elements(n))
	c.emit(o.operator(c, n), n.in[0], c.counter, y)
	return y
}

func (o Dropout) backward(c *compiler, n *node) {
	dx := c.temp(c.elements(n))
	c.emit(o.operator(c, n), n.dy, c.counter, dx)
	c.contribute(n.in[0], dx)
}

// RowDropout zeroes whole samples with probability P and multiplies the others by 1/(1-P): stochastic depth. It draws one
// number a sample, as Dropout does for its elements. An evaluation passes everything.
type RowDropout struct {
	P float64 `json:"p"` // in [0, 1), rounded down to a multiple of 2^-32
}

func (RowDropout) Kind() string { return "row_dropout" }

func (o RowDropout) infer(in []TensorSpec) (TensorSpec, []param, error) {
	if err := unit("p", o.P); err != nil {
		return TensorSpec{}, nil, err
	}
	return inferSame(in)
}

func (o RowDropout) operator(c *compiler, n *node) kernels.RowDropout {
	return kernels.RowDropout{Rows: c.batch, Cols: n.Output.Len(), Threshold: uint32(o.P * (1 << 32)), Scale: float32(1 / (1 - o.P)), OpID: uint32(n.Index)}
}

func (o RowDropout) forward(c *compiler, n *node) value {
	if c.eval {
		return n.in[0]
	}
	y := c.temp(c.elements(n))
	c.emit(o.operator(c, n), n.in[0], c.counter, y)
	return y
}

func (o RowDropout) backward(c *compiler, n *node) {
	dx := c.temp(c.elements(n))
	c.emit(o.operator(c, n), n.dy, c.counter, dx)
	c.contribute(n.in[0], dx)
}
