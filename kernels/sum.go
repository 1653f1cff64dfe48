package kernels

// Sum is R128* of a tensor, contract.md section 3.
//
//	x[N] -> s[1]
type Sum struct{ N int }

func (o Sum) Name() string                 { return "sum" }
func (o Sum) Operands() []Operand          { return sumOperands(o.N) }
func (o Sum) pieces(c *CPU, phase int) int { return sumPieces(c, phase, o.N) }
func (o Sum) piece(w *worker, phase, i int, b []Buf) {
	if phase == 1 {
		b[1].F[0] = w.vec.rowSum(w.cpu.partial)
		return
	}
	lo, hi := blockRange(i, o.N)
	w.cpu.partial[i] = w.vec.sum(b[0].F[lo:hi])
}

// SumSquares is R128* of the rounded squares of a tensor, contract.md section 3.
//
//	x[N] -> s[1]
type SumSquares struct{ N int }

func (o SumSquares) Name() string                 { return "sum_squares" }
func (o SumSquares) Operands() []Operand          { return sumOperands(o.N) }
func (o SumSquares) pieces(c *CPU, phase int) int { return sumPieces(c, phase, o.N) }
func (o SumSquares) piece(w *worker, phase, i int, b []Buf) {
	if phase == 1 {
		b[1].F[0] = w.vec.rowSum(w.cpu.partial)
		return
	}
	lo, hi := blockRange(i, o.N)
	w.cpu.partial[i] = w.vec.sumSquares(b[0].F[lo:hi])
}

func sumOperands(n int) []Operand { return []Operand{{"x", F32, n, In}, {"s", F32, 1, Out}} }

// sumPieces cuts a sum into its R128 blocks, and then folds their sums, which lie in c.partial.
func sumPieces(c *CPU, phase, n int) int {
	switch phase {
	case 0:
		c.partial = grow(c.partial, blocks(n))
		return blocks(n)
	case 1:
		return 1
	}
	return 0
}

// grow returns n elements of s, or of a larger slice of arbitrary content.
func grow[E any](s []E, n int) []E {
	if cap(s) < n {
		return make([]E, n)
	}
	return s[:n]
}

// RowSum is R128* of each row, contract.md section 3.
//
//	x[Rows,Cols] -> y[Rows]
type RowSum struct{ Rows, Cols int }

func (o RowSum) Name() string { return "row_sum" }
func (o RowSum) Operands() []Operand {
	return []Operand{{"x", F32, o.Rows * o.Cols, In}, {"y", F32, o.Rows, Out}}
}
func (o RowSum) pieces(_ *CPU, phase int) int { return onePhase(phase, rowPieces(o.Rows, o.Cols)) }
func (o RowSum) piece(w *worker, _, i int, b []Buf) {
	lo, hi := rowRange(i, o.Rows, o.Cols)
	for r := lo; r < hi; r++ {
		b[1].F[r] = w.vec.rowSum(b[0].F[r*o.Cols : (r+1)*o.Cols])
	}
}
