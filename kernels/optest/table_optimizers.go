package optest

import "github.com/verifyd/verifyd/kernels"

// reductions are the sums over whole tensors.
func reductions() []entry {
	sum := byLength(func(n int) kernels.Operator { return kernels.Sum{N: n} })
	squares := byLength(func(n int) kernels.Operator { return kernels.SumSquares{N: n} })
	for _, n := range []int{65535, 65536, 65537, 200000} {
		sum.shapes = append(sum.shapes, kernels.Sum{N: n})
		squares.shapes = append(squares.shapes, kernels.SumSquares{N: n})
	}
	norm := entry{
		random: func(r *source) kernels.Operator {
			return kernels.GradNorm{Tensors: r.between(1, 200), MaxNorm: []float32{-1, 0, 0.5, 1, 1000}[r.below(5)]}
		},
		perf: kernels.GradNorm{Tensors: 200, MaxNorm: 1},
	}
	for _, tensors := range []int{12, 1, 127, 129, 300} {
		for _, most := range []float32{1, 0, 1e6, 0x1p-140} {
			norm.shapes = append(norm.shapes, kernels.GradNorm{Tensors: tensors, MaxNorm: most})
		}
	}
	return []entry{sum, squares, norm}
}

// optimizers update parameters and slots in place. Their scalars are ordinary in every class.
func optimizers() []entry {
	var all []entry
	for _, shape := range []kernels.SGD{
		{}, {WeightDecay: 0x1p-7}, {Momentum: 0.9}, {Momentum: 0.9, WeightDecay: 5e-4}, {Momentum: 0.9, WeightDecay: 5e-4, Nesterov: true},
	} {
		e := byLength(func(n int) kernels.Operator {
			shape.N = n
			return shape
		})
		e.fill = fillScalars(0x1.99999ap-5, 0.75)
		all = append(all, e)
	}
	for _, decoupled := range []bool{false, true} {
		e := byLength(func(n int) kernels.Operator { return kernels.Adam{N: n, Decoupled: decoupled} })
		e.fill = fillScalars(1e-3, 0.9, 0x1.99999ap-4, 0.999, 0x1.0624dep-10, 0x1.4p3, 0x1.f4p9, 1e-8, 0.01)
		all = append(all, e)
	}
	return all
}

// fillScalars gives the operand "scalars" its values and leaves the others to the data class.
func fillScalars(values ...float32) func(kernels.Operator, kernels.Operand, Class, *source, kernels.Buf) bool {
	return func(_ kernels.Operator, o kernels.Operand, _ Class, _ *source, b kernels.Buf) bool {
		return o.Name == "scalars" && copy(b.F, values) > 0
	}
}
