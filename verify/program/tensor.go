package program

import (
	"fmt"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/fault"
)

// MaxElements is the largest number of elements in one tensor, so that every index fits an int32.
const MaxElements = 1<<31 - 1

// TensorSpec describes a tensor: its name, its element type and its dimensions, outermost first.
type TensorSpec struct {
	Name  string
	Kind  kernels.Kind
	Shape []int
}

// Len is the number of elements.
func (t TensorSpec) Len() int { return product(t.Shape) }

// Buf allocates host memory for the tensor, all zero.
func (t TensorSpec) Buf() kernels.Buf {
	if t.Kind == kernels.I32 {
		return kernels.Buf{I: make([]int32, t.Len())}
	}
	return kernels.Buf{F: make([]float32, t.Len())}
}

// product multiplies dimensions that have been checked by elements.
func product(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

// elements multiplies dimensions and refuses those outside 1 to MaxElements, and products above it.
func elements(dims ...int) (int, error) {
	n := 1
	for i, d := range dims {
		if d < 1 || d > MaxElements {
			return 0, outOfRange(fmt.Sprintf("dimension %d", i), "%d is outside 1 to %d", d, MaxElements)
		}
		if d > MaxElements/n {
			return 0, fault.New(fault.TooLarge, "", "", "shape %v has more than %d elements", dims, MaxElements)
		}
		n *= d
	}
	return n, nil
}

// within refuses a value outside lo to hi, naming the field.
func within(field string, v, lo, hi int) error {
	if v < lo || v > hi {
		return outOfRange(field, "%d is outside %d to %d", v, lo, hi)
	}
	return nil
}

// last splits a shape into its rows (the product of all dimensions but the last) and its last dimension.
func last(shape []int) (rows, cols int) {
	k := len(shape) - 1
	return product(shape[:k]), shape[k]
}
