package oracle

import (
	"math"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// erf is the error function, which gorgonia lacks. Its derivative is 2/sqrt(pi) exp(-x^2) (NIST DLMF 7.2.1).
func (t *tape) erf(x *gorgonia.Node) *gorgonia.Node {
	return t.own(operation{
		name: "erf",
		do:   func(x *tensor.Dense) (tensor.Tensor, error) { return x.Apply(math.Erf) },
		diff: func(t *tape, x, grad *gorgonia.Node) *gorgonia.Node {
			slope := t.apply1(gorgonia.Exp, t.apply1(gorgonia.Neg, t.times(x, x)))
			return t.times(grad, t.scale(slope, 2/math.Sqrt(math.Pi)))
		},
	}, x)
}
