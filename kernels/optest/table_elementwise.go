package optest

import (
	"math"

	"github.com/verifyd/verifyd/kernels"
)

const (
	oddLength  = 1003    // no multiple of any vector width
	perfLength = 1 << 20 // 4 MiB a buffer
)

// lengths round the vector widths and the pieces that a CPU cuts work into.
var lengths = []int{oddLength, 1, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65, 127, 129, 16384, 16385, 40007}

// eachAlone are the operators whose shape is one length and that treat each element alone.
var eachAlone = []func(n int) kernels.Operator{
	func(n int) kernels.Operator { return kernels.ReLU{N: n} },
	func(n int) kernels.Operator { return kernels.GELU{N: n} },
	func(n int) kernels.Operator { return kernels.GELUTanh{N: n} },
	func(n int) kernels.Operator { return kernels.SiLU{N: n} },
	func(n int) kernels.Operator { return kernels.Tanh{N: n} },
	func(n int) kernels.Operator { return kernels.Sigmoid{N: n} },
	func(n int) kernels.Operator { return kernels.Copy{N: n} },
	func(n int) kernels.Operator { return kernels.Scale{N: n, S: 0.3} },
	func(n int) kernels.Operator { return kernels.Scale{N: n, S: -0x1p-100} },
	func(n int) kernels.Operator { return kernels.Zero{N: n} },

	func(n int) kernels.Operator { return kernels.ReLUGrad{N: n} },
	func(n int) kernels.Operator { return kernels.GELUGrad{N: n} },
	func(n int) kernels.Operator { return kernels.GELUTanhGrad{N: n} },
	func(n int) kernels.Operator { return kernels.SiLUGrad{N: n} },
	func(n int) kernels.Operator { return kernels.TanhGrad{N: n} },
	func(n int) kernels.Operator { return kernels.SigmoidGrad{N: n} },
	func(n int) kernels.Operator { return kernels.Add{N: n} },
	func(n int) kernels.Operator { return kernels.Mul{N: n} },
	func(n int) kernels.Operator { return kernels.MSEGrad{N: n, Scale: 0x1.3p-7} },
	func(n int) kernels.Operator { return kernels.BCEGrad{N: n, Scale: 0x1.3p-7} },

	func(n int) kernels.Operator { return kernels.ScaleBy{N: n} },

	func(n int) kernels.Operator { return kernels.Sub{N: n} },
	func(n int) kernels.Operator { return kernels.Shift{N: n, S: 0.3} },
	func(n int) kernels.Operator { return kernels.Shift{N: n} },
	func(n int) kernels.Operator { return kernels.Clamp{N: n, Hi: 6} },
	func(n int) kernels.Operator { return kernels.Clamp{N: n, Lo: -0.5, Hi: float32(math.Inf(1))} },
	func(n int) kernels.Operator { return kernels.ClampGrad{N: n, Lo: 0x1p-149, Hi: 0x1.7ffffep2} },
	func(n int) kernels.Operator { return kernels.ClampGrad{N: n, Lo: float32(math.Inf(-1)), Hi: 0.25} },
	func(n int) kernels.Operator { return kernels.HardSigmoid{N: n} },
	func(n int) kernels.Operator { return kernels.HardSigmoidGrad{N: n} },
	func(n int) kernels.Operator { return kernels.HardSwish{N: n} },
	func(n int) kernels.Operator { return kernels.HardSwishGrad{N: n} },
	func(n int) kernels.Operator { return kernels.LeakyReLU{N: n, Slope: 0.01} },
	func(n int) kernels.Operator { return kernels.LeakyReLUGrad{N: n, Slope: 0.01} },
	func(n int) kernels.Operator { return kernels.ELU{N: n, Alpha: 1.5} },
	func(n int) kernels.Operator { return kernels.ELUGrad{N: n, Alpha: 1.5} },
	func(n int) kernels.Operator { return kernels.Softplus{N: n} },
	func(n int) kernels.Operator { return kernels.SoftplusGrad{N: n} },
}

// Activations are the operators on n elements that may follow a product in one launch.
func Activations(n int) []kernels.Operator {
	var all []kernels.Operator
	for _, of := range eachAlone {
		if op := of(n); kernels.ActivationOf(op) > 0 {
			all = append(all, op)
		}
	}
	return all
}

// elementwise are the operators that treat each element alone.
func elementwise() []entry {
	var all []entry
	for _, of := range eachAlone {
		all = append(all, byLength(of))
	}
	channels := entry{
		shapes: []kernels.Operator{
			kernels.ChannelMul{N: 5, C: 37, P: 1}, kernels.ChannelMul{N: 3, C: 5, P: 49}, kernels.ChannelMul{N: 1, C: 1, P: 1},
			kernels.ChannelMul{N: 300, C: 129, P: 1}, kernels.ChannelMul{N: 1, C: 640, P: 49}, kernels.ChannelMul{N: 1, C: 2, P: 40001},
		},
		random: func(r *source) kernels.Operator {
			return kernels.ChannelMul{N: r.between(1, 9), C: r.between(1, 40), P: r.between(1, 30)}
		},
		perf: kernels.ChannelMul{N: 32, C: 64, P: 512},
	}
	return append(all, channels, entry{
		shapes: []kernels.Operator{
			kernels.BiasAdd{N: 5, C: 37, P: 1}, kernels.BiasAdd{N: 3, C: 5, P: 49}, kernels.BiasAdd{N: 1, C: 1, P: 1},
			kernels.BiasAdd{N: 300, C: 129, P: 1}, kernels.BiasAdd{N: 2, C: 17, P: 1024}, kernels.BiasAdd{N: 1, C: 2, P: 40001},
		},
		random: func(r *source) kernels.Operator {
			return kernels.BiasAdd{N: r.between(1, 9), C: r.between(1, 40), P: r.between(1, 30)}
		},
		perf: kernels.BiasAdd{N: 32, C: 64, P: 512},
	})
}

// byLength is the entry of an operator whose shape is one length.
func byLength(of func(n int) kernels.Operator) entry {
	e := entry{
		random: func(r *source) kernels.Operator { return of(r.between(1, 300)) },
		perf:   of(perfLength),
	}
	for _, n := range lengths {
		e.shapes = append(e.shapes, of(n))
	}
	return e
}
