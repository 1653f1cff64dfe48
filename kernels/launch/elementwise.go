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

// elementwise are the operators that treat each element alone and name their kernel.
func elementwise(op kernels.Operator) (Plan, bool) {
	k, ok := kernels.KernelOf(op)
	if !ok {
		return Plan{}, false
	}
	var scalars []Arg
	for _, w := range k.Scalars {
		scalars = append(scalars, word(w))
	}
	operands := op.Operands()
	return each(k.Name, operands[len(operands)-1].Len, len(operands), scalars...)
}
