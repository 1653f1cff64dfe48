package program

import (
	"math"

	"github.com/verifyd/verifyd/kernels"
)

// Activations made of straight lines, and those with constants. HardTanh and ReLU6 have the gradient 0 at their bounds and
// Clamp that of dy, as PyTorch's do.
type (
	ReLU6    struct{} // x between 0 and 6
	HardTanh struct { // x between Min and Max
		Min float64 `json:"min"`
		Max float64 `json:"max"`
	}
	Clamp struct { // x between Min and Max; the largest binary32, or its negative, bounds nothing
		Min float64 `json:"min"`
		Max float64 `json:"max"`
	}
	HardSigmoid struct{} // a sixth of x + 3 between 0 and 6
	HardSwish   struct{} // x times that
	LeakyReLU   struct { // x above 0, x*Slope elsewhere
		Slope float64 `json:"slope"`
	}
	ELU struct { // x above 0, Alpha*(e to the x - 1) elsewhere
		Alpha float64 `json:"alpha"`
	}
	Softplus struct{} // log(1 + e to the x)
)

func (ReLU6) Kind() string       { return "relu6" }
func (HardTanh) Kind() string    { return "hardtanh" }
func (Clamp) Kind() string       { return "clamp" }
func (HardSigmoid) Kind() string { return "hardsigmoid" }
func (HardSwish) Kind() string   { return "hardswish" }
func (LeakyReLU) Kind() string   { return "leaky_relu" }
func (ELU) Kind() string         { return "elu" }
func (Softplus) Kind() string    { return "softplus" }

func (ReLU6) infer(in []TensorSpec) (TensorSpec, []param, error) { return inferSame(in) }
func (o HardTanh) infer(in []TensorSpec) (TensorSpec, []param, error) {
	return inferBetween(in, o.Min, o.Max)
}
func (o Clamp) infer(in []TensorSpec) (TensorSpec, []param, error) {
	return inferBetween(in, o.Min, o.Max)
}
func (HardSigmoid) infer(in []TensorSpec) (TensorSpec, []param, error) { return inferSame(in) }
func (HardSwish) infer(in []TensorSpec) (TensorSpec, []param, error)   { return inferSame(in) }
func (o LeakyReLU) infer(in []TensorSpec) (TensorSpec, []param, error) {
	return inferWith(in, "slope", o.Slope)
}
func (o ELU) infer(in []TensorSpec) (TensorSpec, []param, error) {
	return inferWith(in, "alpha", o.Alpha)
}
func (Softplus) infer(in []TensorSpec) (TensorSpec, []param, error) { return inferSame(in) }

func inferBetween(in []TensorSpec, low, high float64) (TensorSpec, []param, error) {
	if err := finite("min", low); err != nil {
		return TensorSpec{}, nil, err
	}
	if err := finite("max", high); err != nil {
		return TensorSpec{}, nil, err
	}
	if float32(low) > float32(high) {
		return TensorSpec{}, nil, outOfRange("min", "%v is above max, %v", low, high)
	}
	return inferSame(in)
}

func inferWith(in []TensorSpec, field string, v float64) (TensorSpec, []param, error) {
	if err := finite(field, v); err != nil {
		return TensorSpec{}, nil, err
	}
	return inferSame(in)
}

func (ReLU6) forward(c *compiler, n *node) value { return HardTanh{0, 6}.forward(c, n) }
func (o HardTanh) forward(c *compiler, n *node) value {
	return activate(c, n, kernels.Clamp{N: c.elements(n), Lo: float32(o.Min), Hi: float32(o.Max)})
}

func (o Clamp) forward(c *compiler, n *node) value {
	lo, hi := o.bounds()
	return activate(c, n, kernels.Clamp{N: c.elements(n), Lo: lo, Hi: hi})
}

func (HardSigmoid) forward(c *compiler, n *node) value {
	return activate(c, n, kernels.HardSigmoid{N: c.elements(n)})
}

func (HardSwish) forward(c *compiler, n *node) value {
	return activate(c, n, kernels.HardSwish{N: c.elements(n)})
}

func (o LeakyReLU) forward(c *compiler, n *node) value {
	return activate(c, n, kernels.LeakyReLU{N: c.elements(n), Slope: float32(o.Slope)})
}

func (o ELU) forward(c *compiler, n *node) value {
	return activate(c, n, kernels.ELU{N: c.elements(n), Alpha: float32(o.Alpha)})
}

func (Softplus) forward(c *compiler, n *node) value {
	return activate(c, n, kernels.Softplus{N: c.elements(n)})
}

func (ReLU6) backward(c *compiler, n *node) { HardTanh{0, 6}.backward(c, n) }

// backward takes the next numbers inside for bounds at which the gradient is 0.
func (o HardTanh) backward(c *compiler, n *node) {
	inf := float32(math.Inf(1))
	lo, hi := math.Nextafter32(float32(o.Min), inf), math.Nextafter32(float32(o.Max), -inf)
	derive(c, n, kernels.ClampGrad{N: c.elements(n), Lo: lo, Hi: hi}, n.in[0])
}

func (o Clamp) backward(c *compiler, n *node) {
	lo, hi := o.bounds()
	derive(c, n, kernels.ClampGrad{N: c.elements(n), Lo: lo, Hi: hi}, n.in[0])
}

// bounds are those of the operator: infinite where there is none.
func (o Clamp) bounds() (lo, hi float32) {
	lo, hi = float32(o.Min), float32(o.Max)
	if lo == -math.MaxFloat32 {
		lo = float32(math.Inf(-1))
	}
	if hi == math.MaxFloat32 {
		hi = float32(math.Inf(1))
	}
	return lo, hi
}

func (HardSigmoid) backward(c *compiler, n *node) {
	derive(c, n, kernels.HardSigmoidGrad{N: c.elements(n)}, n.in[0])
}

func (HardSwish) backward(c *compiler, n *node) {
	derive(c, n, kernels.HardSwishGrad{N: c.elements(n)}, n.in[0])
}

func (o LeakyReLU) backward(c *compiler, n *node) {
	derive(c, n, kernels.LeakyReLUGrad{N: c.elements(n), Slope: float32(o.Slope)}, n.in[0])
}

func (o ELU) backward(c *compiler, n *node) {
	derive(c, n, kernels.ELUGrad{N: c.elements(n), Alpha: float32(o.Alpha)}, n.in[0])
}

func (Softplus) backward(c *compiler, n *node) {
	derive(c, n, kernels.SoftplusGrad{N: c.elements(n)}, n.in[0])
}
