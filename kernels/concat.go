package kernels

import "fmt"

// ConcatParts is the largest number of tensors that a Concat takes.
const ConcatParts = 8

// Concat lays tensors one behind another along an axis, bit by bit: contract.md section 4.3. Parts are their lengths there;
// the first 0 ends them.
//
//	x0[Outer,Parts[0],Inner], x1[Outer,Parts[1],Inner], ... -> y[Outer,sum of Parts,Inner]
type Concat struct {
	Outer, Inner int
	Parts        [ConcatParts]int
}

func (o Concat) Name() string { return "concat" }
func (o Concat) Operands() []Operand {
	var all []Operand
	for i, n := range o.parts() {
		all = append(all, Operand{fmt.Sprintf("x%d", i), F32, o.Outer * n * o.Inner, In})
	}
	return append(all, Operand{"y", F32, o.Outer * o.width(), Out})
}

// check refuses a shape without parts, and one with parts behind the end.
func (o Concat) check() error {
	n := len(o.parts())
	for i, p := range o.Parts {
		if p != 0 && i >= n {
			return fmt.Errorf("concat: part %d has no elements along its axis", n)
		}
	}
	if n == 0 {
		return fmt.Errorf("concat: part 0 has no elements along its axis")
	}
	return nil
}

// parts are the lengths of the tensors.
func (o Concat) parts() []int {
	for i, n := range o.Parts {
		if n == 0 {
			return o.Parts[:i]
		}
	}
	return o.Parts[:]
}

// width is the elements of y for each of Outer.
func (o Concat) width() (n int) {
	for _, p := range o.parts() {
		n += p * o.Inner
	}
	return n
}

func (o Concat) pieces(_ *CPU, phase int) int { return onePhase(phase, rowPieces(o.Outer, o.width())) }
func (o Concat) piece(_ *worker, _, i int, b []Buf) {
	width := o.width()
	lo, hi := rowRange(i, o.Outer, width)
	at := 0
	for k, p := range o.parts() {
		run := p * o.Inner
		for r := lo; r < hi; r++ {
			copy(b[len(b)-1].F[r*width+at:], b[k].F[r*run:(r+1)*run])
		}
		at += run
	}
}
