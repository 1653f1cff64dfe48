package kernels

import "math"

// LogisticResidual is the residual of many logistic models on the same rows, each model with a weight of
// its own for each row: weight * (p - [c = label]), where p is the sigmoid of a single column, or the
// softmax of several. contract.md section 13. It is the gradient of the weighted sum of the models'
// losses by their logits; a weight of 0 takes a row out of a model.
//
// One column is a choice between the labels 0 and 1; with more, the labels are below Columns. A row with
// another label is +0.
//
//	logits[Rows,Columns,Models], weights[Rows,Models], labels[Rows] (I32)
//	-> residual[Rows,Columns,Models]
type LogisticResidual struct{ Rows, Columns, Models int }

func (o LogisticResidual) Name() string { return "logistic_residual" }
func (o LogisticResidual) Operands() []Operand {
	n := o.Rows * o.Columns * o.Models
	return []Operand{
		{"logits", F32, n, In}, {"weights", F32, o.Rows * o.Models, In}, {"labels", I32, o.Rows, In},
		{"residual", F32, n, Out},
	}
}
func (LogisticResidual) inPlace() int { return 1 }

func (o LogisticResidual) pieces(_ *CPU, phase int) int {
	return onePhase(phase, rowPieces(o.Rows, o.Columns*o.Models))
}

func (o LogisticResidual) piece(w *worker, _, i int, b []Buf) {
	wide := o.Columns * o.Models
	lo, hi := rowRange(i, o.Rows, wide)
	for r := lo; r < hi; r++ {
		z, y := b[0].F[r*wide:(r+1)*wide], b[3].F[r*wide:(r+1)*wide]
		weights, label := b[1].F[r*o.Models:(r+1)*o.Models], int(b[2].I[r])
		switch {
		case label < 0 || label >= max(2, o.Columns):
			clear(y)
		case o.Columns == 1:
			w.vec.sigmoid(y, z)
			w.vec.addScalar(y, y, -float32(label))
			w.vec.mul(y, y, weights)
		default:
			for j := 0; j < o.Models; j += logisticBlock {
				o.softmax(w, z, y, weights, label, j, min(logisticBlock, o.Models-j))
			}
		}
	}
}

// logisticBlock is how many models are treated at a time: few enough for the cache.
const logisticBlock = 1024

// softmax is the residual of n models from model j on, of one row. It keeps exp(z - max) in y, which
// may be z.
func (o LogisticResidual) softmax(w *worker, z, y, weights []float32, label, j, n int) {
	f := w.floats(2 * n)
	most, sum := f[:n], f[n:2*n]
	for k := range most {
		most[k] = float32(math.Inf(-1))
	}
	for c := range o.Columns {
		for k, v := range z[c*o.Models+j:][:n] {
			if v > most[k] {
				most[k] = v
			}
		}
	}
	w.vec.addScalar(most, most, 0)
	clear(sum)
	for c := range o.Columns {
		e := y[c*o.Models+j:][:n]
		w.vec.subScale(e, z[c*o.Models+j:][:n], most, 1)
		w.vec.expSum(e, e, 0)
		w.vec.add(sum, sum, e)
	}
	for k, v := range sum {
		sum[k] = 1 / v
	}
	for c := range o.Columns {
		p := y[c*o.Models+j:][:n]
		w.vec.mul(p, p, sum)
		if c == label {
			w.vec.addScalar(p, p, -1)
		}
		w.vec.mul(p, p, weights[j:j+n])
	}
}
