package enginetest

import "github.com/verifyd/verifyd/verify/program"

// shapes is a net whose rows are cropped and flipped, with a gated convolution, tokens in several orders, and all that
// moves, repeats, sums and clamps.
func shapes() program.Graph {
	nodes := []program.Node{{Name: "x", Op: program.Input{Type: program.F32, Shape: []int{3, 9, 8}}}}
	add := func(name string, op program.Op, in ...string) string {
		nodes = append(nodes, program.Node{Name: name, Op: op, Inputs: in})
		return name
	}
	x := add("flip", program.RandomFlip{P: 0.5}, add("crop", program.RandomCrop{Padding: 2, Size: [2]int{8, 8}}, "x"))
	h := add("conv", program.Conv2D{Out: 8, Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Padding: [2]int{1, 1}, Bias: true}, x)
	h = add("hard_swish", program.HardSwish{}, add("three", program.Scale{Factor: 3}, h))
	s := add("squeeze", program.Linear{Out: 4, Bias: true}, add("pool", program.Mean{Axes: []int{1, 2}}, h))
	s = add("gate", program.HardSigmoid{}, add("excite", program.Linear{Out: 8, Bias: true}, add("relu6", program.ReLU6{}, s)))
	h = add("gated", program.Mul{}, h, add("planes", program.Reshape{Shape: []int{8, 1, 1}}, s))
	h = add("centred", program.Sub{}, h, add("over", program.Mean{Axes: []int{0}, KeepDim: true}, h))
	t := add("tokens", program.Transpose{Perm: []int{1, 0}}, add("flat", program.Reshape{Shape: []int{8, 64}}, add("leaky", program.LeakyReLU{Slope: 0.1}, h)))
	u := add("cat", program.Concat{Axis: 0}, add("mean", program.Mean{Axes: []int{0}, KeepDim: true}, t), t)
	u = add("third", program.Slice{Axis: 0, Start: 0, Stop: 65, Step: 3}, u)
	v := add("drop", program.RowDropout{P: 0.3}, add("proj", program.Linear{Out: 12, Bias: true, Transposed: true}, u))
	a := add("a", program.Slice{Axis: 1, Start: 0, Stop: 6, Step: 1}, v)
	g := add("g", program.Slice{Axis: 1, Start: 6, Stop: 12, Step: 1}, v)
	z := add("product", program.Mul{}, add("elu", program.ELU{Alpha: 0.7}, a), add("softplus", program.Softplus{}, g))
	z = add("sum", program.Add{}, z, add("hard", program.HardTanh{Min: -0.5, Max: 0.5}, a))
	z = add("difference", program.Sub{}, z, add("clamp", program.Clamp{Min: -0.1, Max: 4}, g))
	q := add("heads", program.Transpose{Perm: []int{1, 2, 0}}, add("split", program.Reshape{Shape: []int{22, 2, 3}}, z))
	e := add("expand", program.Expand{Shape: []int{2, 3, 22}}, add("middle", program.Mean{Axes: []int{2}, KeepDim: true}, q))
	q = add("back", program.Transpose{Perm: []int{2, 0, 1}}, add("both", program.Add{}, add("shift", program.Scale{Factor: 1, Shift: 0.25}, q), e))
	q = add("row", program.Select{Axis: 0, Index: 21}, add("joined", program.Reshape{Shape: []int{22, 6}}, q))
	add("out", program.Linear{Out: 5, Bias: true}, q)
	return program.Graph{Nodes: nodes}
}
