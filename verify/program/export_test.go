package program

// Infer is op's output for inputs that no graph of one input has.
func Infer(op Op, in []TensorSpec) (TensorSpec, error) {
	out, _, err := op.infer(in)
	return out, err
}
