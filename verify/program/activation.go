package program

import "github.com/verifyd/verifyd/kernels"

// The activations: elementwise functions of numerics without attributes.
type (
	ReLU     struct{} // max(x, 0)
	GELU     struct{} // x*Phi(x) by erf
	GELUTanh struct{} // x*Phi(x), Phi approximated by tanh
	SiLU     struct{} // x*sigmoid(x)
	Tanh     struct{}
	Sigmoid  struct{}
)

// activations are all of them, in the order in which they are offered.
var activations = []kind{of[ReLU](), of[GELU](), of[GELUTanh](), of[SiLU](), of[Tanh](), of[Sigmoid]()}

// Activations are the operators that an MLP may have between its layers: elementwise functions of numerics
// without attributes.
func Activations() []Op {
	var all []Op
	for _, k := range activations {
		all = append(all, k.zero)
	}
	return all
}

func (ReLU) Kind() string     { return "relu" }
func (GELU) Kind() string     { return "gelu" }
func (GELUTanh) Kind() string { return "gelu_tanh" }
func (SiLU) Kind() string     { return "silu" }
func (Tanh) Kind() string     { return "tanh" }
func (Sigmoid) Kind() string  { return "sigmoid" }

func (ReLU) infer(in []TensorSpec) (TensorSpec, []param, error)     { return inferSame(in) }
func (GELU) infer(in []TensorSpec) (TensorSpec, []param, error)     { return inferSame(in) }
func (GELUTanh) infer(in []TensorSpec) (TensorSpec, []param, error) { return inferSame(in) }
func (SiLU) infer(in []TensorSpec) (TensorSpec, []param, error)     { return inferSame(in) }
func (Tanh) infer(in []TensorSpec) (TensorSpec, []param, error)     { return inferSame(in) }
func (Sigmoid) infer(in []TensorSpec) (TensorSpec, []param, error)  { return inferSame(in) }

func (ReLU) forward(c *compiler, n *node) value {
	return activate(c, n, kernels.ReLU{N: c.elements(n)})
}

func (GELU) forward(c *compiler, n *node) value {
	return activate(c, n, kernels.GELU{N: c.elements(n)})
}

func (GELUTanh) forward(c *compiler, n *node) value {
	return activate(c, n, kernels.GELUTanh{N: c.elements(n)})
}

func (SiLU) forward(c *compiler, n *node) value {
	return activate(c, n, kernels.SiLU{N: c.elements(n)})
}

func (Tanh) forward(c *compiler, n *node) value {
	return activate(c, n, kernels.Tanh{N: c.elements(n)})
}

func (Sigmoid) forward(c *compiler, n *node) value {
	return activate(c, n, kernels.Sigmoid{N: c.elements(n)})
}

// The derivatives that need the result take it; so does ReLU's, whose result is positive exactly where
// its argument is, so that the argument need not be kept.

func (ReLU) backward(c *compiler, n *node) {
	derive(c, n, kernels.ReLUGrad{N: c.elements(n)}, n.out)
}

func (GELU) backward(c *compiler, n *node) {
	derive(c, n, kernels.GELUGrad{N: c.elements(n)}, n.in[0])
}

func (GELUTanh) backward(c *compiler, n *node) {
	derive(c, n, kernels.GELUTanhGrad{N: c.elements(n)}, n.in[0])
}

func (SiLU) backward(c *compiler, n *node) {
	derive(c, n, kernels.SiLUGrad{N: c.elements(n)}, n.in[0])
}

func (Tanh) backward(c *compiler, n *node) {
	derive(c, n, kernels.TanhGrad{N: c.elements(n)}, n.out)
}

func (Sigmoid) backward(c *compiler, n *node) {
	derive(c, n, kernels.SigmoidGrad{N: c.elements(n)}, n.out)
}

func inferSame(in []TensorSpec) (TensorSpec, []param, error) {
	if err := floats(in, 1); err != nil {
		return TensorSpec{}, nil, err
	}
	return f32(in[0].Shape...), nil, nil
}

// elements is the number of elements of a node's output in one micro-batch.
func (c *compiler) elements(n *node) int { return c.batch * n.Output.Len() }

func activate(c *compiler, n *node, op kernels.Operator) value {
	y := c.temp(c.elements(n))
	c.emit(op, n.in[0], y)
	return y
}

// derive emits an activation's gradient from the value that it is computed from.
func derive(c *compiler, n *node, op kernels.Operator, from value) {
	dx := c.temp(c.elements(n))
	c.emit(op, from, n.dy, dx)
	c.contribute(n.in[0], dx)
}
