package kernels

import "math"

// RowMax is the largest element of each row, contract.md section 1.3. NaN is never the largest; a
// row of nothing else gives -Inf.
//
//	x[Rows,Cols] -> y[Rows]
type RowMax struct{ Rows, Cols int }

func (o RowMax) Name() string { return "row_max" }
func (o RowMax) Operands() []Operand {
	return []Operand{{"x", F32, o.Rows * o.Cols, In}, {"y", F32, o.Rows, Out}}
}
func (o RowMax) pieces(_ *CPU, phase int) int { return onePhase(phase, rowPieces(o.Rows, o.Cols)) }
func (o RowMax) piece(w *worker, _, i int, b []Buf) {
	lo, hi := rowRange(i, o.Rows, o.Cols)
	for r := lo; r < hi; r++ {
		b[1].F[r] = w.vec.max(b[0].F[r*o.Cols : (r+1)*o.Cols])
	}
}

// maxLoop may be computed in any order: the last addition makes both zeros +0.
func maxLoop(x []float32) float32 {
	m := float32(math.Inf(-1))
	for _, v := range x {
		if v > m {
			m = v
		}
	}
	return m + 0
}
