package launch

import "github.com/verifyd/verifyd/kernels"

// mapBlock is the elements that a block of 256 threads of drn1_map treats.
const mapBlock = 1024

// each is the plan of a kernel that maps n elements: its arguments are n, the operands in order,
// then more.
func each(kernel string, n, operands int, more ...Arg) (Plan, bool) {
	args := []Arg{integer(n)}
	for i := range operands {
		args = append(args, operand(i))
	}
	return Plan{Launches: []Launch{line(kernel, parts(n, mapBlock), 256, append(args, more...)...)}}, true
}

// elementwise are the operators that treat each element alone.
func elementwise(op kernels.Operator) (Plan, bool) {
	switch o := op.(type) {
	case kernels.ReLU:
		return each("drn1_relu", o.N, 2)
	case kernels.ReLUGrad:
		return each("drn1_relu_grad", o.N, 3)
	case kernels.GELU:
		return each("drn1_gelu", o.N, 2)
	case kernels.GELUGrad:
		return each("drn1_gelu_grad", o.N, 3)
	case kernels.GELUTanh:
		return each("drn1_gelu_tanh", o.N, 2)
	case kernels.GELUTanhGrad:
		return each("drn1_gelu_tanh_grad", o.N, 3)
	case kernels.SiLU:
		return each("drn1_silu", o.N, 2)
	case kernels.SiLUGrad:
		return each("drn1_silu_grad", o.N, 3)
	case kernels.Tanh:
		return each("drn1_tanh_map", o.N, 2)
	case kernels.TanhGrad:
		return each("drn1_tanh_grad", o.N, 3)
	case kernels.Sigmoid:
		return each("drn1_sigmoid_map", o.N, 2)
	case kernels.SigmoidGrad:
		return each("drn1_sigmoid_grad", o.N, 3)
	case kernels.Add:
		return each("drn1_add", o.N, 3)
	case kernels.BiasAdd:
		return each("drn1_bias_add", o.N*o.C*o.P, 3, integer(o.C), integer(o.P))
	case kernels.Mul:
		return each("drn1_mul", o.N, 3)
	case kernels.Scale:
		return each("drn1_scale", o.N, 2, float(o.S))
	case kernels.ScaleBy:
		return each("drn1_scale_by", o.N, 3)
	case kernels.Copy:
		return each("drn1_copy", o.N, 2)
	case kernels.Zero:
		return each("drn1_zero", o.N, 1)
	case kernels.MSEGrad:
		return each("drn1_mse_grad", o.N, 3, float(o.Scale))
	case kernels.Dropout:
		return each("drn1_dropout", o.N, 3, word(o.Threshold), float(o.Scale), word(o.OpID))
	case kernels.Uniform:
		return each("drn1_uniform", o.N, 2, float(o.Lo), float(o.Hi-o.Lo), word(o.OpID))
	}
	return Plan{}, false
}
