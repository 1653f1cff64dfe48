package program

import "github.com/verifyd/verifyd/kernels"

// LayerNorm normalises the last dimension to mean 0 and variance 1, then scales and shifts it.
// Parameters: weight and bias (width).
type LayerNorm struct {
	Eps float64 `json:"eps"`
}

func (LayerNorm) Kind() string { return "layer_norm" }

func (o LayerNorm) infer(in []TensorSpec) (TensorSpec, []param, error) {
	out, width, err := inferNorm(in, o.Eps)
	return out, []param{{"weight", []int{width}, initial{constant: 1}}, {"bias", []int{width}, initial{}}}, err
}

func (o LayerNorm) forward(c *compiler, n *node) value {
	rows, cols := c.rows(n)
	y, mean, rstd := c.temp(rows*cols), c.temp(rows), c.temp(rows)
	c.emit(kernels.LayerNorm{Rows: rows, Cols: cols, Eps: float32(o.Eps)}, n.in[0], n.params[0], n.params[1], y, mean, rstd)
	n.saved = []value{mean, rstd}
	return y
}

func (o LayerNorm) backward(c *compiler, n *node) {
	rows, cols := c.rows(n)
	dx := c.temp(rows * cols)
	c.emitGrads(kernels.LayerNormGrad{Rows: rows, Cols: cols},
		n.in[0], n.params[0], n.saved[0], n.saved[1], n.dy, dx, n.grads[0], n.grads[1])
	c.contribute(n.in[0], dx)
}

// RMSNorm divides the last dimension by its root mean square, then scales it. Parameter: weight (width).
type RMSNorm struct {
	Eps float64 `json:"eps"`
}

func (RMSNorm) Kind() string { return "rms_norm" }

func (o RMSNorm) infer(in []TensorSpec) (TensorSpec, []param, error) {
	out, width, err := inferNorm(in, o.Eps)
	return out, []param{{"weight", []int{width}, initial{constant: 1}}}, err
}

func (o RMSNorm) forward(c *compiler, n *node) value {
	rows, cols := c.rows(n)
	y, rstd := c.temp(rows*cols), c.temp(rows)
	c.emit(kernels.RMSNorm{Rows: rows, Cols: cols, Eps: float32(o.Eps)}, n.in[0], n.params[0], y, rstd)
	n.saved = []value{rstd}
	return y
}

func (o RMSNorm) backward(c *compiler, n *node) {
	rows, cols := c.rows(n)
	dx := c.temp(rows * cols)
	c.emitGrads(kernels.RMSNormGrad{Rows: rows, Cols: cols}, n.in[0], n.params[0], n.saved[0], n.dy, dx, n.grads[0])
	c.contribute(n.in[0], dx)
}

func inferNorm(in []TensorSpec, eps float64) (out TensorSpec, width int, err error) {
	if err := floats(in, 1); err != nil {
		return TensorSpec{}, 1, err
	}
	if !(eps >= minEps && eps <= 1) {
		return TensorSpec{}, 1, outOfRange("eps", "%v is outside %v to 1", eps, minEps)
	}
	_, width = last(in[0].Shape)
	return f32(in[0].Shape...), width, nil
}

// rows is a node's output in one micro-batch as rows of its last dimension.
func (c *compiler) rows(n *node) (rows, cols int) {
	rows, cols = last(n.Output.Shape)
	return c.batch * rows, cols
}
