package kernels

import "slices"

// KNNOrder sorts the columns of each row by their distance, an unsigned integer, equal ones by index: the selection of
// nearest neighbours. contract.md section 14.2.
//
//	distances[Rows,N] (I32) -> order[Rows,N] (I32): the columns, the nearest first
type KNNOrder struct{ Rows, N int }

func (o KNNOrder) Name() string { return "knn_order" }
func (o KNNOrder) Operands() []Operand {
	return []Operand{{"distances", I32, o.Rows * o.N, In}, {"order", I32, o.Rows * o.N, Out}}
}
func (o KNNOrder) pieces(c *CPU, phase int) int {
	if phase == 0 {
		c.order = grow(c.order, o.Rows*o.N)
	}
	return onePhase(phase, o.Rows)
}

// piece is one row.
func (o KNNOrder) piece(w *worker, _, i int, b []Buf) {
	keys := w.cpu.order[i*o.N : (i+1)*o.N]
	for j, d := range b[0].I[i*o.N : (i+1)*o.N] {
		keys[j] = uint64(uint32(d))<<32 | uint64(j)
	}
	slices.Sort(keys)
	order := b[1].I[i*o.N : (i+1)*o.N]
	for j, k := range keys {
		order[j] = int32(uint32(k))
	}
}
