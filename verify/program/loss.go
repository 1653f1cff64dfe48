package program

import (
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/fault"
)

// Loss is what a step makes smaller.
type Loss string

// The losses. All are means over the whole step; MaskedCrossEntropy is the mean of its micro-batches' means over the
// labels that count.
const (
	CrossEntropy       Loss = "cross_entropy"        // labels are class numbers; the last dimension of the output holds the classes
	MaskedCrossEntropy Loss = "masked_cross_entropy" // the same, as Program.Labels says: smoothed, and without those that are ignored
	MSE                Loss = "mse"                  // labels have the output's shape
	BCE                Loss = "bce_with_logits"      // the same: the share of yes for each logit
)

// Labels is what MaskedCrossEntropy does with labels, as torch.nn.CrossEntropyLoss does.
type Labels struct {
	Smoothing float64 `json:"smoothing"`    // share of each label that all classes have alike, 0 to below 1
	Ignore    int32   `json:"ignore_index"` // the label of what does not count, such as padding and masked tokens; a class or none
}

// labels is the shape of one sample's labels for a model's output.
func (l Loss) labels(out TensorSpec) (TensorSpec, error) {
	switch l {
	case CrossEntropy, MaskedCrossEntropy:
		return TensorSpec{Name: "y", Kind: kernels.I32, Shape: out.Shape[:len(out.Shape)-1]}, nil
	case MSE, BCE:
		return TensorSpec{Name: "y", Kind: kernels.F32, Shape: out.Shape}, nil
	}
	return TensorSpec{}, fault.New(fault.Unsupported, "", "", "%.64q is none of %q, %q, %q and %q", string(l), CrossEntropy, MaskedCrossEntropy, MSE, BCE)
}

// checkLabels refuses what a loss does not do with labels.
func (p *Program) checkLabels() error {
	switch {
	case p.Loss == MaskedCrossEntropy && p.Labels == nil:
		return fault.New(fault.BadForm, "", "labels", "is missing: %q needs it", p.Loss)
	case p.Loss != MaskedCrossEntropy && p.Labels != nil:
		return fault.New(fault.BadForm, "", "labels", "belongs to the loss %q alone", MaskedCrossEntropy)
	case p.Labels != nil:
		return unit("labels: smoothing", p.Labels.Smoothing)
	}
	return nil
}

// emit computes the loss of one micro-batch from the output and folds it into the step's. Unless
// only evaluating, it returns the gradient of the step's loss with respect to the output: the mean
// over the micro-batch and the 1/accumulation of the step are one constant, rounded once.
func (p *Program) emitLoss(c *compiler, out value, shape []int) value {
	rows, classes := last(shape)
	rows *= c.batch
	n := rows * classes
	loss := c.temp(1)
	if c.accumulation == 1 {
		loss = c.loss
	}
	dout := value(-1)
	switch p.Loss {
	case CrossEntropy:
		losses, m, s := c.temp(rows), c.temp(rows), c.temp(rows)
		c.emit(kernels.CrossEntropy{Rows: rows, Classes: classes}, out, c.y, losses, loss, m, s)
		if !c.eval {
			dout = c.temp(n)
			scale := float32(1 / float64(rows*c.accumulation))
			c.emit(kernels.CrossEntropyGrad{Rows: rows, Classes: classes, Scale: scale}, out, c.y, m, s, dout)
		}
	case MaskedCrossEntropy:
		smoothing, ignore := float32(p.Labels.Smoothing), classes // no class
		if i := int(p.Labels.Ignore); i >= 0 && i < classes {
			ignore = i
		}
		losses, counted, share, m, s := c.temp(rows), c.temp(rows), c.temp(1), c.temp(rows), c.temp(rows)
		c.emit(kernels.MaskedCrossEntropy{Rows: rows, Classes: classes, Ignore: ignore, Smoothing: smoothing}, out, c.y, losses, counted, loss, share, m, s)
		if !c.eval {
			dout = c.temp(n)
			c.emit(kernels.MaskedCrossEntropyGrad{
				Rows: rows, Classes: classes, Ignore: ignore, Smoothing: smoothing, Scale: float32(1 / float64(c.accumulation)),
			}, out, c.y, share, m, s, dout)
		}
	case BCE:
		c.emit(kernels.BCE{N: n}, out, c.y, loss)
		if !c.eval {
			dout = c.temp(n)
			c.emit(kernels.BCEGrad{N: n, Scale: float32(1 / float64(n*c.accumulation))}, out, c.y, dout)
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
