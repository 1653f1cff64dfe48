package kernels

// CrossEntropy is -log softmax(logits)[label] of each row and its mean, contract.md section 7.5. A
// row whose label is outside [0, Classes) has the loss +0, and still counts in the mean.
//
//	logits[Rows,Classes], labels[Rows] (I32)
//	-> losses[Rows], loss[1], max[Rows], sum[Rows]
type CrossEntropy struct{ Rows, Classes int }

func (o CrossEntropy) Name() string { return "cross_entropy" }
func (o CrossEntropy) Operands() []Operand {
	return []Operand{
		{"logits", F32, o.Rows * o.Classes, In}, {"labels", I32, o.Rows, In},
		{"losses", F32, o.Rows, Out}, {"loss", F32, 1, Out},
		{"max", F32, o.Rows, Out}, {"sum", F32, o.Rows, Out},
	}
}

func (o CrossEntropy) pieces(_ *CPU, phase int) int {
	switch phase {
	case 0:
		return rowPieces(o.Rows, o.Classes)
	case 1:
		return 1
	}
	return 0
}

func (o CrossEntropy) piece(w *worker, phase, i int, b []Buf) {
	if phase == 1 {
		b[3].F[0] = float32(w.vec.rowSum(b[2].F) * inverse(o.Rows))
		return
	}
	lo, hi := rowRange(i, o.Rows, o.Classes)
	for r := lo; r < hi; r++ {
		x := b[0].F[r*o.Classes : (r+1)*o.Classes]
		m := w.vec.max(x)
		l := w.vec.rowSumExp(x, m)
		b[4].F[r], b[5].F[r], b[2].F[r] = m, l, 0
		if label := int(b[1].I[r]); label >= 0 && label < o.Classes {
			b[2].F[r] = (m + log(l)) - x[label]
		}
	}
}

// rowSumExp is R128* of exp(x-m).
func (v *vector) rowSumExp(x []float32, m float32) float32 {
	if len(x) <= r128Block {
		return v.sumExp(x, m)
	}
	var f blockFold
	for i := range blocks(len(x)) {
		lo, hi := blockRange(i, len(x))
		f.add(v.sumExp(x[lo:hi], m))
	}
	return f.sum()
}

func sumExpLoop(x []float32, m float32) float32 {
	var l lanes
	for i, v := range x {
		l[i&127] += exp(v - m)
	}
	return l.sum()
}

// CrossEntropyGrad is the gradient of CrossEntropy by the logits: (p - [j = label])*Scale, where
// Scale is the gradient of the loss divided by the number of rows. contract.md section 7.5. A row
// whose label is outside [0, Classes) is +0.
//
//	logits[Rows,Classes], labels[Rows] (I32), max[Rows], sum[Rows] -> dlogits[Rows,Classes]
type CrossEntropyGrad struct {
	Rows, Classes int
	Scale         float32
}

func (o CrossEntropyGrad) Name() string { return "cross_entropy_grad" }
func (o CrossEntropyGrad) Operands() []Operand {
	n := o.Rows * o.Classes
	return []Operand{
		{"logits", F32, n, In}, {"labels", I32, o.Rows, In},
		{"max", F32, o.Rows, In}, {"sum", F32, o.Rows, In}, {"dlogits", F32, n, Out},
	}
}

func (o CrossEntropyGrad) pieces(_ *CPU, phase int) int {
	return onePhase(phase, rowPieces(o.Rows, o.Classes))
}

func (o CrossEntropyGrad) piece(w *worker, _, i int, b []Buf) {
	lo, hi := rowRange(i, o.Rows, o.Classes)
	for r := lo; r < hi; r++ {
		x, dx := b[0].F[r*o.Classes:(r+1)*o.Classes], b[4].F[r*o.Classes:(r+1)*o.Classes]
		label, m, inv := int(b[1].I[r]), b[2].F[r], 1/b[3].F[r]
		if label < 0 || label >= o.Classes {
			clear(dx)
			continue
		}
		p := float32(exp(x[label]-m) * inv) // before dx, which may be x, is written
		w.vec.expScale(dx, x, m, inv, o.Scale)
		dx[label] = float32((p - 1) * o.Scale)
	}
}

func expScaleLoop(y, x []float32, m, r, s float32) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] = float32(float32(exp(v-m)*r) * s)
	}
}
