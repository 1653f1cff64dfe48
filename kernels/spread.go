package kernels

import "fmt"

// Spread is the gradient of a slice: dx is dy at the places Start, Start+Step, ... of its middle axis and +0 elsewhere,
// contract.md section 4.3. A shape whose places leave the axis is refused.
//
//	dy[Outer,Count,Inner] -> dx[Outer,Size,Inner]
type Spread struct{ Outer, Size, Inner, Start, Step, Count int }

func (o Spread) Name() string { return "spread" }
func (o Spread) Operands() []Operand {
	return []Operand{{"dy", F32, o.Outer * o.Count * o.Inner, In}, {"dx", F32, o.Outer * o.Size * o.Inner, Out}}
}
func (o Spread) kernel() Kernel {
	return Kernel{"drn1_spread", []uint32{uint32(o.Size), uint32(o.Inner), uint32(o.Start), uint32(max(o.Step, 1)), uint32(o.Count)}}
}

// check refuses places outside of the axis.
func (o Spread) check() error {
	if o.Count == 0 {
		return nil
	}
	left := o.Size - 1 - o.Start
	if left < 0 || o.Count > 1 && (o.Step < 1 || o.Count-1 > left/o.Step) {
		return fmt.Errorf("spread: %d places from %d, %d apart, leave an axis of %d", o.Count, o.Start, o.Step, o.Size)
	}
	return nil
}

func (o Spread) pieces(_ *CPU, phase int) int {
	return onePhase(phase, rowPieces(o.Outer, o.Size*o.Inner))
}
func (o Spread) piece(_ *worker, _, i int, b []Buf) {
	lo, hi := rowRange(i, o.Outer, o.Size*o.Inner)
	step := max(o.Step, 1)
	for r := lo; r < hi; r++ {
		dy := b[0].F[r*o.Count*o.Inner : (r+1)*o.Count*o.Inner]
		dx := b[1].F[r*o.Size*o.Inner : (r+1)*o.Size*o.Inner]
		at := o.Start * o.Inner
		switch {
		case step == 1 || o.Count < 2:
			clear(dx[:at])
			clear(dx[at+copy(dx[at:], dy):])
		case o.Inner == 1:
			clear(dx)
			for k, v := range dy {
				dx[at+k*step] = v
			}
		default:
			clear(dx)
			for k := range o.Count {
				copy(dx[at+k*step*o.Inner:], dy[k*o.Inner:(k+1)*o.Inner])
			}
		}
	}
}
