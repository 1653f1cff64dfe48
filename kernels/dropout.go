package kernels

import "math"

// Dropout keeps x[i]*Scale where the element's random word is at least Threshold, and makes the
// rest +0. contract.md section 8.3. Threshold is the probability of dropping times 2^32, Scale one
// over that of keeping. The gradient is the same operator on dy: the mask is never stored.
//
//	x[N], rng[4] (I32) = {seed low, seed high, counter, 0} -> y[N]
type Dropout struct {
	N         int
	Threshold uint32
	Scale     float32
	OpID      uint32
}

func (o Dropout) Name() string { return "dropout" }
func (o Dropout) Operands() []Operand {
	return []Operand{{"x", F32, o.N, In}, {"rng", I32, 4, In}, {"y", F32, o.N, Out}}
}
func (Dropout) inPlace() int { return 1 }
func (o Dropout) kernel() Kernel {
	return Kernel{"drn1_dropout", []uint32{o.Threshold, math.Float32bits(o.Scale), o.OpID}}
}
func (o Dropout) pieces(_ *CPU, phase int) int { return onePhase(phase, elementPieces(o.N)) }
func (o Dropout) piece(w *worker, _, i int, b []Buf) {
	lo, hi := elementRange(i, o.N)
	w.vec.dropout(b[2].F[lo:hi], b[0].F[lo:hi], uint64(lo), newStream(b[1].I, o.OpID).fields(), o.Threshold, o.Scale)
}

// dropoutLoop starts at element at of the tensor, a multiple of 4. fields are those of its stream.
func dropoutLoop(y, x []float32, at uint64, fields [4]uint32, threshold uint32, scale float32) {
	s := streamOf(fields)
	y = y[:len(x)]
	var r [4]uint32
	for i, v := range x {
		if i&3 == 0 {
			r = s.words((at + uint64(i)) >> 2)
		}
		if r[i&3] >= threshold {
			v = float32(v * scale)
		} else {
			v = 0
		}
		y[i] = v
	}
}
