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
	}
	return Plan{}, false
}
