package launch

import "github.com/verifyd/verifyd/kernels"

// optimizers update parameters and their slots in place.
func optimizers(op kernels.Operator) (Plan, bool) {
	switch o := op.(type) {
	case kernels.SGD:
		if o.Momentum == 0 {
			return Plan{Launches: []Launch{line("drn1_sgd", parts(o.N, mapBlock), 256,
				integer(o.N), operand(0), operand(1), operand(3), float(o.WeightDecay))}}, true
		}
		return each("drn1_sgd_momentum", o.N, 4, float(o.Momentum), float(o.WeightDecay), flag(o.Nesterov))
	case kernels.Adam:
		return each("drn1_adam", o.N, 5, flag(o.Decoupled))
	case kernels.GradNorm:
		return Plan{Launches: []Launch{line("drn1_grad_norm", 1, 32,
			integer(o.Tensors), operand(0), operand(1), operand(2), float(o.MaxNorm))}}, true
	}
	return Plan{}, false
}
