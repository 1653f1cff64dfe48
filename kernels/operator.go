package kernels

import (
	"fmt"
	"reflect"
)

// Buf is a dense, row-major buffer. Exactly one of the two slices is set.
type Buf struct {
	F []float32 // binary32 elements
	I []int32   // indices, labels and random-number counters
}

// Kind is the element type of a buffer.
type Kind uint8

// The element types of DRN-1.
const (
	F32 Kind = iota
	I32
)

func (k Kind) String() string {
	if k == I32 {
		return "i32"
	}
	return "f32"
}

// Access says what an operator does with an operand.
type Access uint8

// In operands are only read, Out operands are written whole, InOut operands are updated in place.
const (
	In Access = iota
	Out
	InOut
)

// Operand describes one buffer of an operator.
type Operand struct {
	Name   string
	Kind   Kind
	Len    int // elements
	Access Access
}

// Operator is one operator of DRN-1 with its shape. The set is closed: every implementation is a
// struct of this package whose fields are the shape and the constants of contract.md.
//
// An operator is cut into pieces that may run in any order and on any worker. The cut never shows
// in the bits: each output element is computed by one piece, in the order that contract.md fixes.
type Operator interface {
	// Name is the operator's name in contract.md.
	Name() string
	// Operands lists the buffers in the order in which Run takes them.
	Operands() []Operand

	// pieces returns how many pieces phase has; 0 ends the operator. Phases run one after another.
	pieces(c *CPU, phase int) int
	// piece computes piece i of a phase.
	piece(w *worker, phase, i int, b []Buf)
}

// Check returns an error unless bufs fit op's operands in number, kind and length, no size in op's shape
// is negative, none leads outside of an operand, and a product has a profile; without one the error is of class ErrProfile. That the products of
// sizes stay within int is the caller's to know.
func Check(op Operator, bufs []Buf) error {
	if err := checkShape(op); err != nil {
		return err
	}
	return check(op, op.Operands(), bufs)
}

// checkShape refuses a product in no profile, sizes below 0, and what an operator's own check does.
func checkShape(op Operator) error {
	if p, ok := ProfileOf(op); ok {
		if err := p.Check(); err != nil {
			return fmt.Errorf("%s: profile: %w", op.Name(), err)
		}
	}
	if err := checkSizes(op.Name(), reflect.ValueOf(op)); err != nil {
		return err
	}
	if o, ok := op.(interface{ check() error }); ok {
		return o.check()
	}
	return nil
}

// checkSizes finds the negative sizes of a shape, also of one embedded in another.
func checkSizes(name string, shape reflect.Value) error {
	for i := range shape.NumField() {
		switch f := shape.Field(i); {
		case f.Kind() == reflect.Struct:
			if err := checkSizes(name, f); err != nil {
				return err
			}
		case f.Kind() == reflect.Array:
			for k := range f.Len() {
				if n := f.Index(k).Int(); n < 0 {
					return fmt.Errorf("%s: %s[%d] is negative: %d", name, shape.Type().Field(i).Name, k, n)
				}
			}
		case f.CanInt() && f.Int() < 0:
			return fmt.Errorf("%s: %s is negative: %d", name, shape.Type().Field(i).Name, f.Int())
		}
	}
	return nil
}

// check is Check for an operator whose operands are at hand.
func check(op Operator, operands []Operand, bufs []Buf) error {
	if len(bufs) != len(operands) {
		return fmt.Errorf("%s: %d buffers given, %d needed", op.Name(), len(bufs), len(operands))
	}
	for i, o := range operands {
		n, other := len(bufs[i].F), len(bufs[i].I)
		if o.Kind == I32 {
			n, other = other, n
		}
		if n != o.Len || other != 0 {
			return fmt.Errorf("%s: operand %q has %d %v elements, %d needed", op.Name(), o.Name, n, o.Kind, o.Len)
		}
	}
	return nil
}
