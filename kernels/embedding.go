package kernels

import "slices"

// Embedding is y[r] = table[ids[r]], contract.md section 7.9. An id outside [0, Vocab) gives a row
// of +0.
//
//	ids[Rows] (I32), table[Vocab,Dim] -> y[Rows,Dim]
type Embedding struct{ Rows, Vocab, Dim int }

func (o Embedding) Name() string { return "embedding" }
func (o Embedding) Operands() []Operand {
	return []Operand{{"ids", I32, o.Rows, In}, {"table", F32, o.Vocab * o.Dim, In}, {"y", F32, o.Rows * o.Dim, Out}}
}
func (o Embedding) pieces(_ *CPU, phase int) int { return onePhase(phase, rowPieces(o.Rows, o.Dim)) }
func (o Embedding) piece(_ *worker, _, i int, b []Buf) {
	lo, hi := rowRange(i, o.Rows, o.Dim)
	for r := lo; r < hi; r++ {
		y := b[2].F[r*o.Dim : (r+1)*o.Dim]
		if id := int(b[0].I[r]); id >= 0 && id < o.Vocab {
			copy(y, b[1].F[id*o.Dim:])
		} else {
			clear(y)
		}
	}
}

// EmbeddingGrad is dtable[v] = the sum of dy[r] over the rows r with ids[r] = v, in the GEMM order
// over r; rows with another id are no terms. contract.md section 7.9. An id outside [0, Vocab) is
// ignored.
//
//	ids[Rows] (I32), dy[Rows,Dim] -> dtable[Vocab,Dim]
type EmbeddingGrad struct{ Rows, Vocab, Dim int }

func (o EmbeddingGrad) Name() string { return "embedding_grad" }
func (o EmbeddingGrad) Operands() []Operand {
	return []Operand{{"ids", I32, o.Rows, In}, {"dy", F32, o.Rows * o.Dim, In}, {"dtable", F32, o.Vocab * o.Dim, Out}}
}

// pieces first sort the rows of each group of the GEMM order by id and zero the table, then add up
// blocks of columns. Only rows of the table that occur are touched again.
func (o EmbeddingGrad) pieces(c *CPU, phase int) int {
	switch phase {
	case 0:
		c.order = grow(c.order, o.Rows)
		return o.groups() + elementPieces(o.Vocab*o.Dim)
	case 1:
		return (o.Dim + embeddingColumns - 1) / embeddingColumns
	}
	return 0
}

// embeddingColumns is the width of a block of columns, in elements.
const embeddingColumns = 64

func (o EmbeddingGrad) groups() int { return (o.Rows + ChainGroup - 1) / ChainGroup }

func (o EmbeddingGrad) group(i int) (lo, hi int) {
	return i * ChainGroup, min((i+1)*ChainGroup, o.Rows)
}

func (o EmbeddingGrad) piece(w *worker, phase, i int, b []Buf) {
	ids, dy, dtable := b[0].I, b[1].F, b[2].F
	if phase == 1 {
		lo := i * embeddingColumns
		o.columns(w, lo, min(lo+embeddingColumns, o.Dim), dy, dtable)
		return
	}
	if n := o.groups(); i >= n {
		lo, hi := elementRange(i-n, o.Vocab*o.Dim)
		clear(dtable[lo:hi])
		return
	}
	lo, hi := o.group(i)
	order := w.cpu.order[lo:hi]
	for j := range order {
		order[j] = uint64(uint32(ids[lo+j]))<<32 | uint64(lo+j)
	}
	slices.Sort(order)
}

// columns computes columns lo to hi of dtable, which is +0. Within a group the rows of one id follow
// one another in ascending order.
func (o EmbeddingGrad) columns(w *worker, lo, hi int, dy, dtable []float32) {
	for i := range o.groups() {
		first, last := o.group(i)
		order := w.cpu.order[first:last]
		for len(order) > 0 {
			id, n := order[0]>>32, 1
			for n < len(order) && order[n]>>32 == id {
				n++
			}
			if id < uint64(o.Vocab) {
				s := w.columnSums(hi - lo)
				chunk := int(uint32(order[0])) / ChainChunk
				for _, at := range order[:n] {
					r := int(uint32(at))
					if r/ChainChunk != chunk {
						s.endChunk(w.vec)
						chunk = r / ChainChunk
					}
					w.vec.add(s.chunk, s.chunk, dy[r*o.Dim+lo:r*o.Dim+hi])
				}
				s.endChunk(w.vec)
				sum := dtable[int(id)*o.Dim+lo : int(id)*o.Dim+hi]
				w.vec.add(sum, sum, s.group)
			}
			order = order[n:]
		}
	}
}
