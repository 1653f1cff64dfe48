package program

import (
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/fault"
)

// Loss is what a step makes smaller.
type Loss string

// The losses. Both are means over the whole step.
const (
	CrossEntropy Loss = "cross_entropy" // labels are class numbers; the last dimension of the output holds the classes
	MSE          Loss = "mse"           // labels have the output's shape
)

// labels is the shape of one sample's labels for a model's output.
func (l Loss) labels(out TensorSpec) (TensorSpec, error) {
	switch l {
	case CrossEntropy:
		return TensorSpec{Name: "y", Kind: kernels.I32, Shape: out.Shape[:len(out.Shape)-1]}, nil
	case MSE:
		return TensorSpec{Name: "y", Kind: kernels.F32, Shape: out.Shape}, nil
	}
	return TensorSpec{}, fault.New(fault.Unsupported, "", "", "%.64q is neither %q nor %q", string(l), CrossEntropy, MSE)
}

// emit computes the loss of one micro-batch from the output and folds it into the step's. Unless
// only evaluating, it returns the gradient of the step's loss with respect to the output: the mean
// over the micro-batch and the 1/accumulation of the step are one constant, rounded once.
func (l Loss) emit(c *compiler, out value, shape []int) value {
	rows, classes := last(shape)
	rows *= c.batch
	n := rows * classes
	loss := c.temp(1)
	if c.accumulation == 1 {
		loss = c.loss
	}
	dout := value(-1)
	switch l {
	case CrossEntropy:
		losses, m, s := c.temp(rows), c.temp(rows), c.temp(rows)
		c.emit(kernels.CrossEntropy{Rows: rows, Classes: classes}, out, c.y, losses, loss, m, s)
		if !c.eval {
			dout = c.temp(n)
			scale := float32(1 / float64(rows*c.accumulation))
			c.emit(kernels.CrossEntropyGrad{Rows: rows, Classes: classes, Scale: scale}, out, c.y, m, s, dout)
		}
	case MSE:
		c.emit(kernels.MSE{N: n}, out, c.y, loss)
		if !c.eval {
			dout = c.temp(n)
			c.emit(kernels.MSEGrad{N: n, Scale: float32(2 / float64(n*c.accumulation))}, out, c.y, dout)
		}
	}
	if c.accumulation > 1 {
		share := kernels.Scale{N: 1, S: float32(1 / float64(c.accumulation))}
		scaled := c.temp(1)
		c.emitWhen(first, share, loss, c.loss)
		c.emitWhen(later, share, loss, scaled)
		c.emitWhen(later, kernels.Add{N: 1}, c.loss, scaled, c.loss)
	}
	return dout
}
