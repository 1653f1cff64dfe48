package kernels

import "math"

// RowDropout keeps row r times Scale where random word r is at least Threshold, and makes all of the others +0: stochastic
// depth. contract.md section 8.4. The gradient is the same operator on dy.
//
//	x[Rows,Cols], rng[4] (I32) = {seed low, seed high, counter, 0} -> y[Rows,Cols]
type RowDropout struct {
	Rows, Cols int
	Threshold  uint32
	Scale      float32
	OpID       uint32
}

func (o RowDropout) Name() string { return "row_dropout" }
func (o RowDropout) Operands() []Operand {
	n := o.Rows * o.Cols
	return []Operand{{"x", F32, n, In}, {"rng", I32, 4, In}, {"y", F32, n, Out}}
}
func (RowDropout) inPlace() int { return 1 }
func (o RowDropout) kernel() Kernel {
	return Kernel{"drn1_row_dropout", []uint32{uint32(o.Cols), o.Threshold, math.Float32bits(o.Scale), o.OpID}}
}
func (o RowDropout) pieces(_ *CPU, phase int) int { return onePhase(phase, rowPieces(o.Rows, o.Cols)) }
func (o RowDropout) piece(w *worker, _, i int, b []Buf) {
	s := newStream(b[1].I, o.OpID)
	lo, hi := rowRange(i, o.Rows, o.Cols)
	for r := lo; r < hi; r++ {
		y := b[2].F[r*o.Cols : (r+1)*o.Cols]
		if s.words(uint64(r) >> 2)[r&3] < o.Threshold {
			clear(y)
			continue
		}
		w.vec.scale(y, b[0].F[r*o.Cols:(r+1)*o.Cols], o.Scale)
	}
}
