package kernels

// KNNRecursion is the recursion of exact KNN-Shapley (Jia et al., VLDB 2019, theorem 1) over the neighbours of each row, summed
// over the rows. contract.md section 14.3. Each row of order is a permutation of the columns, the nearest
// first. The table holds 64-bit integers as two words, the low one first: entry i, from 1, is what a change of match
// between places i and i+1 is worth, entry N what a match at the last place is. Sums are modulo 2^64, so any
// order gives the same bits.
//
//	order[Rows,N] (I32), labels[N] (I32), tests[Rows] (I32), table[N+1,2] (I32) -> sums[N,2] (I32)
type KNNRecursion struct{ Rows, N int }

func (o KNNRecursion) Name() string { return "knn_recursion" }
func (o KNNRecursion) Operands() []Operand {
	return []Operand{
		{"order", I32, o.Rows * o.N, In}, {"labels", I32, o.N, In}, {"tests", I32, o.Rows, In}, {"table", I32, 2 * (o.N + 1), In},
		{"sums", I32, 2 * o.N, Out},
	}
}

// pieces first value each row's neighbours, then sum over the rows.
func (o KNNRecursion) pieces(c *CPU, phase int) int {
	switch phase {
	case 0:
		c.order = grow(c.order, o.Rows*o.N)
		return max(1, o.Rows) // no pieces would end the operator
	case 1:
		return elementPieces(o.N)
	}
	return 0
}

func (o KNNRecursion) piece(w *worker, phase, i int, b []Buf) {
	if phase == 1 {
		lo, hi := elementRange(i, o.N)
		for j := lo; j < hi; j++ {
			sum := uint64(0)
			for r := range o.Rows {
				sum += w.cpu.order[r*o.N+j]
			}
			b[4].I[2*j], b[4].I[2*j+1] = int32(uint32(sum)), int32(uint32(sum>>32))
		}
		return
	}
	if o.N == 0 || o.Rows == 0 {
		return
	}
	order, values := b[0].I[i*o.N:(i+1)*o.N], w.cpu.order[i*o.N:(i+1)*o.N]
	match := func(place int) uint64 { // 1 or 0
		if b[1].I[order[place-1]] == b[2].I[i] {
			return 1
		}
		return 0
	}
	next := match(o.N)
	s := next * joined(b[3].I[2*o.N:])
	values[order[o.N-1]] = s
	for place := o.N - 1; place > 0; place-- {
		own := match(place)
		s += (own - next) * joined(b[3].I[2*place:])
		values[order[place-1]] = s
		next = own
	}
}

// joined is the 64 bits of two words, the low one first.
func joined(w []int32) uint64 { return uint64(uint32(w[0])) | uint64(uint32(w[1]))<<32 }
