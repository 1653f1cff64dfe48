package kernels

// Softmax is y = exp(x - max) / sum of each row, contract.md section 7.1.
//
//	x[Rows,Cols] -> y[Rows,Cols]
type Softmax struct{ Rows, Cols int }

func (o Softmax) Name() string                 { return "softmax" }
func (o Softmax) Operands() []Operand          { return mapOperands(o.Rows * o.Cols) }
func (o Softmax) pieces(_ *CPU, phase int) int { return onePhase(phase, rowPieces(o.Rows, o.Cols)) }
func (o Softmax) piece(w *worker, _, i int, b []Buf) {
	lo, hi := rowRange(i, o.Rows, o.Cols)
	for r := lo; r < hi; r++ {
		x, y := b[0].F[r*o.Cols:(r+1)*o.Cols], b[1].F[r*o.Cols:(r+1)*o.Cols]
		l := w.vec.rowExpSum(y, x, w.vec.max(x))
		w.vec.scale(y, y, 1/l)
	}
}

// rowExpSum stores exp(x-m) in y and returns R128* of y.
func (v *vector) rowExpSum(y, x []float32, m float32) float32 {
	if len(x) <= r128Block {
		return v.expSum(y, x, m)
	}
	var f blockFold
	for i := range blocks(len(x)) {
		lo, hi := blockRange(i, len(x))
		f.add(v.expSum(y[lo:hi], x[lo:hi], m))
	}
	return f.sum()
}

func expSumLoop(y, x []float32, m float32) float32 {
	var l lanes
	y = y[:len(x)]
	for i, v := range x {
		e := exp(v - m)
		y[i] = e
		l[i&127] += e
	}
	return l.sum()
}

// SoftmaxGrad is dx = y*(dy - D) with D = R128* of y*dy, contract.md section 7.1.
//
//	y[Rows,Cols], dy[Rows,Cols] -> dx[Rows,Cols]
type SoftmaxGrad struct{ Rows, Cols int }

func (o SoftmaxGrad) Name() string        { return "softmax_grad" }
func (o SoftmaxGrad) Operands() []Operand { return gradFromOutputOperands(o.Rows * o.Cols) }
func (o SoftmaxGrad) pieces(_ *CPU, phase int) int {
	return onePhase(phase, rowPieces(o.Rows, o.Cols))
}
func (o SoftmaxGrad) piece(w *worker, _, i int, b []Buf) {
	lo, hi := rowRange(i, o.Rows, o.Cols)
	for r := lo; r < hi; r++ {
		at, end := r*o.Cols, (r+1)*o.Cols
		y, dy, dx := b[0].F[at:end], b[1].F[at:end], b[2].F[at:end]
		w.vec.softmaxGrad(dx, y, dy, w.vec.rowSumProducts(y, dy))
	}
}

func softmaxGradLoop(dx, y, dy []float32, d float32) {
	dx, dy = dx[:len(y)], dy[:len(y)]
	for i, v := range y {
		dx[i] = float32(v * (dy[i] - d))
	}
}
