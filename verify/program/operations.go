package program

import (
	"math"
	"math/bits"

	"github.com/verifyd/verifyd/kernels"
)

// FLOPs is the number of floating-point operations of one step, the sum of kernels.FLOPs over its
// operators. A number that does not fit is the largest that does.
func (p *Plan) FLOPs() uint64 {
	var n uint64
	for _, ins := range p.train.code {
		times := p.accum
		switch ins.when {
		case first:
			times = 1
		case later:
			times = p.accum - 1
		}
		n = saturatingAdd(n, saturatingProduct(kernels.FLOPs(ins.op), uint64(times)))
	}
	for _, ins := range p.update.code {
		n = saturatingAdd(n, kernels.FLOPs(ins.op))
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
