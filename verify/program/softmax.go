package program

import "github.com/verifyd/verifyd/kernels"

// Softmax turns the last dimension into probabilities.
type Softmax struct{}

func (Softmax) Kind() string { return "softmax" }

func (Softmax) infer(in []TensorSpec) (TensorSpec, []param, error) { return inferSame(in) }

func (Softmax) forward(c *compiler, n *node) value {
	rows, cols := c.rows(n)
	y := c.temp(rows * cols)
	c.emit(kernels.Softmax{Rows: rows, Cols: cols}, n.in[0], y)
	return y
}

func (Softmax) backward(c *compiler, n *node) {
	rows, cols := c.rows(n)
	dx := c.temp(rows * cols)
	c.emit(kernels.SoftmaxGrad{Rows: rows, Cols: cols}, n.out, n.dy, dx)
	c.contribute(n.in[0], dx)
}
