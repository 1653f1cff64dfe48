package kernels

// MaskedCrossEntropy is the cross entropy of the rows that count, with smoothed labels, and its mean over them alone,
// contract.md section 7.5: a row counts if its label is in [0, Classes) and not Ignore, as the tokens of a padded sentence
// do. Of no row at all the mean is +0. Smoothing is the share of a label that all classes have alike, 0 to 1.
//
//	logits[Rows,Classes], labels[Rows] (I32)
//	-> losses[Rows], counted[Rows] (1 or 0), loss[1], share[1] (1 over the number of rows that count), max[Rows], sum[Rows]
type MaskedCrossEntropy struct {
	Rows, Classes, Ignore int // Ignore is Classes for none of them
	Smoothing             float32
}

// counts says whether a row with this label counts.
func counts(label, ignore, classes int) bool {
	return label >= 0 && label < classes && label != ignore
}

func (o MaskedCrossEntropy) Name() string { return "masked_cross_entropy" }
func (o MaskedCrossEntropy) Operands() []Operand {
	return []Operand{
		{"logits", F32, o.Rows * o.Classes, In}, {"labels", I32, o.Rows, In},
		{"losses", F32, o.Rows, Out}, {"counted", F32, o.Rows, Out}, {"loss", F32, 1, Out}, {"share", F32, 1, Out},
		{"max", F32, o.Rows, Out}, {"sum", F32, o.Rows, Out},
	}
}

func (o MaskedCrossEntropy) pieces(_ *CPU, phase int) int {
	switch phase {
	case 0:
		return rowPieces(o.Rows, o.Classes)
	case 1:
		return 1
	}
	return 0
}

func (o MaskedCrossEntropy) piece(w *worker, phase, i int, b []Buf) {
	if phase == 1 {
		share := float32(0)
		if n := w.vec.rowSum(b[3].F); n > 0 {
			share = 1 / n
		}
		b[4].F[0], b[5].F[0] = float32(w.vec.rowSum(b[2].F)*share), share
		return
	}
	keep := 1 - o.Smoothing
	lo, hi := rowRange(i, o.Rows, o.Classes)
	for r := lo; r < hi; r++ {
		x := b[0].F[r*o.Classes : (r+1)*o.Classes]
		m := w.vec.max(x)
		l := w.vec.rowSumExp(x, m)
		b[6].F[r], b[7].F[r], b[2].F[r], b[3].F[r] = m, l, 0, 0
		label := int(b[1].I[r])
		if !counts(label, o.Ignore, o.Classes) {
			continue
		}
		all := m + log(l)
		loss := all - x[label]
		if o.Smoothing != 0 {
			mean := float32(w.vec.rowSum(x) * inverse(o.Classes))
			loss = float32(keep*loss) + float32(o.Smoothing*(all-mean))
		}
		b[2].F[r], b[3].F[r] = loss, 1
	}
}

// MaskedCrossEntropyGrad is the gradient of MaskedCrossEntropy by the logits: (p - q)*(Scale*share), where q is the
// smoothed label and Scale the gradient of the loss. contract.md section 7.5. A row that does not count is +0.
//
//	logits[Rows,Classes], labels[Rows] (I32), share[1], max[Rows], sum[Rows] -> dlogits[Rows,Classes]
type MaskedCrossEntropyGrad struct {
	Rows, Classes, Ignore int
	Smoothing, Scale      float32
}

func (o MaskedCrossEntropyGrad) Name() string { return "masked_cross_entropy_grad" }
func (o MaskedCrossEntropyGrad) Operands() []Operand {
	n := o.Rows * o.Classes
	return []Operand{
		{"logits", F32, n, In}, {"labels", I32, o.Rows, In}, {"share", F32, 1, In},
		{"max", F32, o.Rows, In}, {"sum", F32, o.Rows, In}, {"dlogits", F32, n, Out},
	}
}

// Labels is what is asked of the classes that the label names and of the others.
func (o MaskedCrossEntropyGrad) Labels() (named, other float32) {
	other = float32(o.Smoothing * inverse(o.Classes))
	return (1 - o.Smoothing) + other, other
}

func (o MaskedCrossEntropyGrad) pieces(_ *CPU, phase int) int {
	return onePhase(phase, rowPieces(o.Rows, o.Classes))
}

func (o MaskedCrossEntropyGrad) piece(w *worker, _, i int, b []Buf) {
	named, other := o.Labels()
	scale := float32(o.Scale * b[2].F[0])
	lo, hi := rowRange(i, o.Rows, o.Classes)
	for r := lo; r < hi; r++ {
		x, dx := b[0].F[r*o.Classes:(r+1)*o.Classes], b[5].F[r*o.Classes:(r+1)*o.Classes]
		label, m, inv := int(b[1].I[r]), b[3].F[r], 1/b[4].F[r]
		if !counts(label, o.Ignore, o.Classes) {
			clear(dx)
			continue
		}
		p := float32(exp(x[label]-m) * inv) // before dx, which may be x, is written
		if other == 0 {
			w.vec.expScale(dx, x, m, inv, scale)
		} else {
			w.vec.expScale(dx, x, m, inv, 1)
			w.vec.addScalar(dx, dx, -other)
			w.vec.scale(dx, dx, scale)
		}
		dx[label] = float32((p - named) * scale)
	}
}
