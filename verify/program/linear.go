package program

import (
	"math"

	"github.com/verifyd/verifyd/kernels"
)

// Linear is y = x W^T + b over the last dimension of x, or y = x W + b if it is Transposed. Parameters: weight (Out, in),
// or (in, Out), and bias (Out).
type Linear struct {
	Out        int     `json:"out"`
	Bias       bool    `json:"bias"`
	Std        float64 `json:"std"`            // 0: PyTorch's start, weight and bias uniform within 1/sqrt(in); else weight uniform with this deviation, bias 0
	Zero       bool    `json:"zero,omitempty"` // weight and bias start at 0; with Std 0
	Transposed bool    `json:"transposed,omitempty"`
}

func (Linear) Kind() string { return "linear" }

func (o Linear) infer(in []TensorSpec) (TensorSpec, []param, error) {
	if err := floats(in, 1); err != nil {
		return TensorSpec{}, nil, err
	}
	if err := within("out", o.Out, 1, MaxElements); err != nil {
		return TensorSpec{}, nil, err
	}
	if err := nonNegative("std", o.Std); err != nil {
		return TensorSpec{}, nil, err
	}
	if o.Zero && o.Std != 0 {
		return TensorSpec{}, nil, outOfRange("zero", "a start of zero has no deviation: std must be 0")
	}
	k := len(in[0].Shape) - 1
	width := in[0].Shape[k]
	weight, bias := kaiming(width), kaiming(width)
	if o.Std > 0 {
		weight, bias = deviation(o.Std), initial{}
	}
	if o.Zero {
		weight, bias = initial{}, initial{}
	}
	shape := []int{o.Out, width}
	if o.Transposed {
		shape = []int{width, o.Out}
	}
	params := []param{{"weight", shape, weight}}
	if o.Bias {
		params = append(params, param{"bias", []int{o.Out}, bias})
	}
	return f32(append(append([]int(nil), in[0].Shape[:k]...), o.Out)...), params, nil
}

func (o Linear) forward(c *compiler, n *node) value {
	rows, width := last(n.shapes[0].Shape)
	rows *= c.batch
	y := c.temp(rows * o.Out)
	c.emit(kernels.Gemm{M: rows, N: o.Out, K: width, TransB: !o.Transposed, Profile: c.profile}, n.in[0], n.params[0], y)
	if !o.Bias {
		return y
	}
	return biasAdd(c, kernels.BiasAdd{N: rows, C: o.Out, P: 1}, y, n.params[1])
}

func (o Linear) backward(c *compiler, n *node) {
	rows, width := last(n.shapes[0].Shape)
	rows *= c.batch
	if o.Transposed {
		c.emitGrads(kernels.Gemm{M: width, N: o.Out, K: rows, TransA: true, Profile: c.profile}, n.in[0], n.dy, n.grads[0])
	} else {
		c.emitGrads(kernels.Gemm{M: o.Out, N: width, K: rows, TransA: true, Profile: c.profile}, n.dy, n.in[0], n.grads[0])
	}
	if o.Bias {
		biasGrad(c, rows/c.batch, o.Out, n.dy, n.grads[1])
	}
	if c.wants(n.in[0]) {
		dx := c.temp(rows * width)
		c.emit(kernels.Gemm{M: rows, N: width, K: o.Out, TransB: o.Transposed, Profile: c.profile}, n.dy, n.params[0], dx)
		c.contribute(n.in[0], dx)
	}
}

// biasAdd emits x + bias, in place where x is not needed again.
func biasAdd(c *compiler, op kernels.BiasAdd, x, bias value) value {
	y := c.temp(op.N * op.C * op.P)
	c.emit(op, x, bias, y)
	return y
}

// biasGrad emits the sum of dy over the batch and the positions of a sample. It sums over the batch
// first: two short chains of additions round less than one long one, which shows in attention's key
// bias, whose true gradient is zero and whose rounding errors Adam enlarges.
func biasGrad(c *compiler, positions, width int, dy, db value) {
	if positions > 1 {
		sum := c.temp(positions * width)
		c.emit(kernels.BiasGrad{N: c.batch, C: positions * width, P: 1}, dy, sum)
		c.emitGrads(kernels.BiasGrad{N: positions, C: width, P: 1}, sum, db)
		return
	}
	c.emitGrads(kernels.BiasGrad{N: c.batch, C: width, P: 1}, dy, db)
}

// kaiming is PyTorch's start for a weight or bias with the given number of inputs: uniform within
// 1/sqrt(inputs). The square root of binary64 is correctly rounded everywhere.
func kaiming(inputs int) initial { return initial{bound: float32(1 / math.Sqrt(float64(inputs)))} }

// deviation is a uniform start of the given standard deviation: within std*sqrt(3).
func deviation(std float64) initial {
	if std == 0 {
		return initial{}
	}
	return initial{bound: float32(std * 1.7320508075688772)}
}
