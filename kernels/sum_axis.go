package kernels

// SumAxis is y[o,i] = the sum of x[o,k,i] over k, ascending, in the GEMM order of the product with ones: contract.md section 2.5.
//
//	x[Outer,Size,Inner] -> y[Outer,Inner]
type SumAxis struct{ Outer, Size, Inner int }

func (o SumAxis) Name() string { return "sum_axis" }
func (o SumAxis) Operands() []Operand {
	return []Operand{{"x", F32, o.Outer * o.Size * o.Inner, In}, {"y", F32, o.Outer * o.Inner, Out}}
}

// strip is the outputs that are summed side by side: neighbours of the inner axis or, where there is none, of the outer one.
func (o SumAxis) strip() int {
	if o.Inner == 1 {
		return max(8, min(columnBlock, elementPiece/max(1, o.Size)/8*8))
	}
	return min(columnBlock, max(1, o.Inner))
}

// strips is the number of those, and perPiece how many make a piece.
func (o SumAxis) strips() int {
	s := o.strip()
	if o.Inner == 1 {
		return (o.Outer + s - 1) / s
	}
	return o.Outer * ((o.Inner + s - 1) / s)
}

func (o SumAxis) pieces(_ *CPU, phase int) int {
	return onePhase(phase, rowPieces(o.strips(), o.Size*o.strip()))
}

func (o SumAxis) piece(w *worker, _, i int, b []Buf) {
	lo, hi := rowRange(i, o.strips(), o.Size*o.strip())
	for k := lo; k < hi; k++ {
		o.sum(w, k, b[0].F, b[1].F)
	}
}

// sum computes strip i.
func (o SumAxis) sum(w *worker, i int, x, y []float32) {
	s := o.strip()
	at, n := 0, 0 // the first output of the strip, and how many
	if o.Inner == 1 {
		at = i * s
		n = min(s, o.Outer-at)
	} else {
		across := (o.Inner + s - 1) / s
		from := i % across * s
		n = min(s, o.Inner-from)
		at = i/across*o.Inner + from
	}
	x = x[at/o.Inner*o.Size*o.Inner+at%o.Inner:]
	f := w.fold(n, ChainChunk, ChainGroup)
	for k := 0; k < o.Size; k += ChainChunk {
		f.seek(k)
		count := min(ChainChunk, o.Size-k)
		if o.Inner == 1 {
			w.vec.foldColumns(f.p, x[k:], o.Size, count)
		} else {
			w.vec.foldRows(f.p, x[k*o.Inner:], o.Inner, count)
		}
	}
	f.sum(y[at:at+n], 1)
}
