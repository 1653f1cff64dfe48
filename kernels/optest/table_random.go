package optest

import "github.com/verifyd/verifyd/kernels"

// randoms are the operators that draw from Philox. Their counter is arbitrary bits in every class.
func randoms() []entry {
	dropout := byLength(func(n int) kernels.Operator {
		return kernels.Dropout{N: n, Threshold: 0x1999999a, Scale: 0x1.1c71c8p0, OpID: uint32(n) * 0x9e3779b9}
	})
	dropout.shapes = append(dropout.shapes,
		kernels.Dropout{N: 77, Threshold: 0, Scale: 1, OpID: 1},
		kernels.Dropout{N: 77, Threshold: 1<<32 - 1, Scale: 2, OpID: 1<<32 - 1})
	uniform := byLength(func(n int) kernels.Operator {
		return kernels.Uniform{N: n, Lo: -0.25, Hi: 0.3, OpID: uint32(n) * 0x9e3779b9}
	})
	uniform.shapes = append(uniform.shapes, kernels.Uniform{N: 77, Lo: 0, Hi: 1, OpID: 1<<32 - 1})
	return []entry{dropout, uniform}
}
