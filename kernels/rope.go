package kernels

import "fmt"

// Rope turns the first 2*Pairs dimensions of each head, two by two, by the angles of its position, contract.md section 7.10. Pair i
// is the dimensions i and i+Pairs, or 2*i and 2*i+1 if Interleaved. The others stay. Inverse turns back, which is the gradient.
//
//	x[Batch,Positions,Heads,HeadDim], cos[Positions,Pairs], sin[Positions,Pairs] -> y[Batch,Positions,Heads,HeadDim]
type Rope struct {
	Batch, Positions, Heads, HeadDim, Pairs int
	Interleaved, Inverse                    bool
}

func (o Rope) Name() string { return "rope" }
func (o Rope) Operands() []Operand {
	n, table := o.Batch*o.Positions*o.Heads*o.HeadDim, o.Positions*o.Pairs
	return []Operand{{"x", F32, n, In}, {"cos", F32, table, In}, {"sin", F32, table, In}, {"y", F32, n, Out}}
}

func (o Rope) check() error {
	if o.Pairs > o.HeadDim/2 {
		return fmt.Errorf("rope: %d pairs do not fit HeadDim %d", o.Pairs, o.HeadDim)
	}
	return nil
}

// inPlace is sound because a pair is read before it is written.
func (Rope) inPlace() int { return 1 }

// pieces are rows of heads.
func (o Rope) pieces(_ *CPU, phase int) int {
	return onePhase(phase, rowPieces(o.Batch*o.Positions, o.Heads*o.HeadDim))
}
func (o Rope) piece(_ *worker, _, i int, b []Buf) {
	width := o.Heads * o.HeadDim
	lo, hi := rowRange(i, o.Batch*o.Positions, width)
	for r := lo; r < hi; r++ {
		at := r % o.Positions * o.Pairs
		cos, sin := b[1].F[at:at+o.Pairs], b[2].F[at:at+o.Pairs]
		for h := r * width; h < (r+1)*width; h += o.HeadDim {
			x, y := b[0].F[h:h+o.HeadDim], b[3].F[h:h+o.HeadDim]
			o.turn(y, x, cos, sin)
			copy(y[2*o.Pairs:], x[2*o.Pairs:])
		}
	}
}

func (o Rope) turn(y, x, cos, sin []float32) {
	sign := float32(1)
	if o.Inverse {
		sign = -1
	}
	n := o.Pairs
	if o.Interleaved {
		for i, c := range cos {
			s := sin[i] * sign
			a, b := x[2*i], x[2*i+1]
			y[2*i], y[2*i+1] = float32(a*c)-float32(b*s), float32(b*c)+float32(a*s)
		}
		return
	}
	left, right, to, behind := x[:n], x[n:2*n], y[:n], y[n:2*n]
	for i, c := range cos {
		s := sin[i] * sign
		a, b := left[i], right[i]
		to[i], behind[i] = float32(a*c)-float32(b*s), float32(b*c)+float32(a*s)
	}
}
