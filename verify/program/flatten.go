package program

// Flatten makes one dimension of all. It moves nothing.
type Flatten struct{}

func (Flatten) Kind() string { return "flatten" }

func (Flatten) infer(in []TensorSpec) (TensorSpec, []param, error) {
	if err := floats(in, 1); err != nil {
		return TensorSpec{}, nil, err
	}
	return f32(in[0].Len()), nil, nil
}

func (Flatten) forward(_ *compiler, n *node) value { return n.in[0] }

// backward has nothing to do: output and input are one value and share its gradient.
func (Flatten) backward(*compiler, *node) {}
