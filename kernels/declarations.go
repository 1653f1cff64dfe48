package kernels

import (
	"math"
	"math/bits"
)

// What an operator may say on its own page beside its shape. Whoever places buffers, counts or launches
// asks here, so that nobody keeps a list of operators:
//
//	inPlace() int        how many leading operands may share the last one's buffer
//	operations() uint64  how much it computes, if that is not an operation for each element written
//	kernel() Kernel      its CUDA kernel, if it treats each element alone
//	activation() int     its number, if it may follow a product in one launch
//	check() error        what is wrong with its shape beside negative sizes

// InPlace is how many leading operands op reads element by element as it writes its last operand, which
// may be the buffer of any one of them; 0 for an operator that may not work in place.
func InPlace(op Operator) int {
	if o, ok := op.(interface{ inPlace() int }); ok {
		return o.inPlace()
	}
	return 0
}

// FLOPs is the number of floating-point operations of op. Matrix products, convolutions and attention
// count a multiplication and an addition for each term; everything else counts one for each element that
// it writes. A number that does not fit is the largest that does.
func FLOPs(op Operator) uint64 {
	if o, ok := op.(interface{ operations() uint64 }); ok {
		return o.operations()
	}
	var n uint64
	for _, operand := range op.Operands() {
		if operand.Access != In {
			n += uint64(operand.Len)
		}
	}
	return n
}

// terms is the product of dimensions, saturating.
func terms(dims ...int) uint64 {
	n := uint64(1)
	for _, d := range dims {
		high, low := bits.Mul64(n, uint64(d))
		if high != 0 {
			low = math.MaxUint64
		}
		n = low
	}
	return n
}

// Kernel is a CUDA kernel that treats each element alone: a twin of its operator's page has it. Its
// arguments are the length of the last operand, the operands in order, then Scalars.
type Kernel struct {
	Name    string
	Scalars []uint32 // 32-bit words, as the kernel reads them
}

// KernelOf is the kernel that computes op in one launch, an element at a time; ok is false where it takes
// a plan of package launch.
func KernelOf(op Operator) (k Kernel, ok bool) {
	if o, ok := op.(interface{ kernel() Kernel }); ok {
		return o.kernel(), true
	}
	return Kernel{}, false
}

// ActivationOf is the number in activation.cuh of an operator that may follow a product in one launch: a
// map of each element to one. It is 0 for any other operator.
func ActivationOf(op Operator) int {
	if o, ok := op.(interface{ activation() int }); ok {
		return o.activation()
	}
	return 0
}
