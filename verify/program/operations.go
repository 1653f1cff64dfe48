package program

import (
	"math"
	"math/bits"

	"github.com/verifyd/verifyd/kernels"
)

// FLOPs is the number of floating-point operations of one step, the sum of kernels.FLOPs over its
// operators. A number that does not fit is the largest that does.
func (p *Plan) FLOPs() uint64 {
	t := p.Tape(0)
	var n uint64
	for i, times := range []int{1, p.accum - 1} {
		n = saturatingAdd(n, saturatingProduct(operations(t.training[i].list), uint64(times)))
	}
	return saturatingAdd(n, operations(t.Update))
}

// operations adds up those of calls.
func operations(calls []kernels.Call) (n uint64) {
	for _, c := range calls {
		n = saturatingAdd(n, kernels.FLOPs(c.Op))
	}
	return n
}

func saturatingProduct(a, b uint64) uint64 {
	if high, low := bits.Mul64(a, b); high == 0 {
		return low
	}
	return math.MaxUint64
}

func saturatingAdd(a, b uint64) uint64 {
	if sum, carry := bits.Add64(a, b, 0); carry == 0 {
		return sum
	}
	return math.MaxUint64
}
