package program_test

import (
	"math"
	"slices"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/program"
)

// shaped are the graphs of differentiable that move, repeat, sum and clamp.
func shaped() map[string][]program.Node {
	node := func(name string, op program.Op, in ...string) program.Node {
		return program.Node{Name: name, Op: op, Inputs: in}
	}
	input := func(shape ...int) program.Node {
		return node("x", program.Input{Type: program.F32, Shape: shape})
	}
	// after puts ops one behind another between two layers with parameters.
	after := func(shape []int, ops ...program.Op) []program.Node {
		all := []program.Node{input(shape...), node("a", program.Linear{Out: shape[len(shape)-1], Bias: true}, "x")}
		for i, op := range ops {
			all = append(all, node(string(rune('b'+i)), op, all[len(all)-1].Name))
		}
		return append(all, node("flat", program.Flatten{}, all[len(all)-1].Name), node("out", program.Linear{Out: 3}, "flat"))
	}
	rows := []int{4, 5}
	cube := []int{2, 3, 4}
	// pair combines a value of shape rows with one of another shape, in either order.
	pair := func(op program.Op, reverse bool, other ...program.Op) []program.Node {
		all := append(after(rows)[:2:2], node("t", program.Tanh{}, "a"))
		for i, o := range other {
			all = append(all, node(string(rune('p'+i)), o, all[len(all)-1].Name))
		}
		in := []string{"a", all[len(all)-1].Name}
		if reverse {
			in[0], in[1] = in[1], in[0]
		}
		return append(all, node("c", op, in...), node("flat", program.Flatten{}, "c"), node("out", program.Linear{Out: 3}, "flat"))
	}
	rowMean, columnMean := program.Mean{Axes: []int{1}, KeepDim: true}, program.Mean{Axes: []int{0}, KeepDim: true}
	whole := program.Mean{Axes: []int{0, 1}, KeepDim: true}
	all := map[string][]program.Node{
		"linear, transposed":                     {input(5), node("a", program.Linear{Out: 6, Bias: true, Transposed: true}, "x"), node("t", program.Tanh{}, "a"), node("c", program.Linear{Out: 3, Transposed: true}, "t")},
		"linear, transposed, on rows":            append(after(rows)[:2:2], node("b", program.Linear{Out: 4, Bias: true, Transposed: true}, "a"), node("c", program.Linear{Out: 3}, "b")),
		"reshape":                                after(rows, program.Reshape{Shape: []int{2, 5, 2}}, program.Tanh{}),
		"transpose":                              after(rows, program.Transpose{Perm: []int{1, 0}}, program.Tanh{}),
		"transpose of three":                     after(cube, program.Transpose{Perm: []int{2, 0, 1}}, program.Tanh{}),
		"transpose of nothing":                   after(cube, program.Transpose{Perm: []int{0, 1, 2}}, program.Tanh{}),
		"slice":                                  after(cube, program.Slice{Axis: 1, Start: 1, Stop: 3, Step: 1}, program.Tanh{}),
		"slice with steps":                       after([]int{2, 7}, program.Slice{Axis: 1, Start: 1, Stop: 7, Step: 3}, program.Tanh{}),
		"slice of all":                           after(cube, program.Slice{Axis: 1, Start: 0, Stop: 3, Step: 1}, program.Tanh{}),
		"select":                                 after(cube, program.Select{Axis: 1, Index: 2}, program.Tanh{}),
		"select of the first":                    after(cube, program.Select{Axis: 0, Index: 0}, program.Tanh{}),
		"expand":                                 after([]int{1, 4, 1}, program.Tanh{}, program.Expand{Shape: []int{3, 4, 2}}, program.Tanh{}),
		"expand of nothing":                      after(cube, program.Expand{Shape: cube}, program.Tanh{}),
		"mean":                                   after(cube, program.Sigmoid{}, program.Mean{Axes: []int{1}}, program.Tanh{}),
		"mean of a plane":                        after(cube, program.Tanh{}, program.Mean{Axes: []int{1, 2}, KeepDim: true}),
		"mean of axes apart":                     after(cube, program.Tanh{}, program.Mean{Axes: []int{0, 2}}),
		"mean of one element":                    after([]int{4, 1}, program.Mean{Axes: []int{1}}, program.Tanh{}),
		"scale":                                  after(rows, program.Scale{Factor: -1.5, Shift: 0.25}, program.Tanh{}),
		"scale by one":                           after(rows, program.Scale{Factor: 1}, program.Tanh{}),
		"scale that shifts alone":                after(rows, program.Scale{Factor: 1, Shift: 2}, program.Tanh{}),
		"scale by nothing":                       after(rows, program.Scale{Factor: 0, Shift: 2}, program.Add{}),
		"elu":                                    after(rows, program.ELU{Alpha: 0.7}),
		"softplus":                               after(rows, program.Softplus{}),
		"kinked relu6":                           after(rows, program.Scale{Factor: 3, Shift: 3}, program.ReLU6{}),
		"kinked hardtanh":                        after(rows, program.HardTanh{Min: -0.5, Max: 0.25}),
		"kinked clamp":                           after(rows, program.Clamp{Min: -0.5, Max: 3.4028234663852886e38}),
		"kinked hardsigmoid":                     after(rows, program.Scale{Factor: 3}, program.HardSigmoid{}),
		"kinked hardswish":                       after(rows, program.Scale{Factor: 3}, program.HardSwish{}),
		"kinked leaky_relu":                      after(rows, program.LeakyReLU{Slope: 0.1}),
		"sub":                                    pair(program.Sub{}, false),
		"sub of what is repeated":                pair(program.Sub{}, true, rowMean),
		"add of a number a row":                  pair(program.Add{}, false, rowMean),
		"add of a number a column":               pair(program.Add{}, true, columnMean),
		"mul by a number a row":                  pair(program.Mul{}, true, rowMean),
		"mul by a number a column":               pair(program.Mul{}, false, columnMean),
		"mul by a number":                        pair(program.Mul{}, false, whole),
		"add of fewer axes":                      pair(program.Add{}, true, program.Mean{Axes: []int{0}}),
		"mul by fewer axes":                      pair(program.Mul{}, false, program.Mean{Axes: []int{0}}),
		"sub of fewer axes":                      pair(program.Sub{}, false, program.Select{Axis: 0, Index: 1}),
		"add of a row and a column":              {input(4, 5), node("a", program.Linear{Out: 5}, "x"), node("r", rowMean, "a"), node("t", program.Tanh{}, "a"), node("k", columnMean, "t"), node("c", program.Add{}, "r", "k"), node("d", program.Mul{}, "r", "k"), node("e", program.Sub{}, "c", "d"), node("flat", program.Flatten{}, "e"), node("out", program.Linear{Out: 3}, "flat")},
		"slices of one value":                    {input(4, 6), node("a", program.Linear{Out: 6}, "x"), node("p", program.Slice{Axis: 1, Start: 0, Stop: 3, Step: 1}, "a"), node("q", program.Slice{Axis: 1, Start: 3, Stop: 6, Step: 1}, "a"), node("s", program.Sigmoid{}, "p"), node("m", program.Mul{}, "s", "q"), node("out", program.Linear{Out: 3}, "m")},
		"concat":                                 {input(4, 5), node("a", program.Linear{Out: 5}, "x"), node("t", program.Tanh{}, "a"), node("k", columnMean, "t"), node("c", program.Concat{Axis: 0}, "a", "k", "t", "a"), node("out", program.Linear{Out: 3}, "c")},
		"concat of the last axis":                {input(4, 5), node("a", program.Linear{Out: 2}, "x"), node("b", program.Linear{Out: 3}, "x"), node("c", program.Concat{Axis: 1}, "a", "b", "x"), node("out", program.Linear{Out: 3}, "c")},
		"concat of more than the operator takes": {input(4, 5), node("a", program.Linear{Out: 5}, "x"), node("t", program.Tanh{}, "a"), node("c", program.Concat{Axis: 1}, "a", "t", "a", "t", "t", "t", "a", "t", "x", "t", "a", "t", "t", "t", "a", "t", "a"), node("out", program.Linear{Out: 3}, "c")},
	}
	all["scale by nothing"] = append(after(rows, program.Scale{Factor: 0, Shift: 2})[:3:3], node("c", program.Add{}, "a", "b"), node("out", program.Linear{Out: 3}, "c"))
	return all
}

// torchShapes is the model of testdata/torch/shapes-sgd/record.py.
func torchShapes() []program.Node {
	nodes := []program.Node{{Name: "x", Op: program.Input{Type: program.F32, Shape: []int{3, 8, 8}}}}
	add := func(name string, op program.Op, in ...string) string {
		nodes = append(nodes, program.Node{Name: name, Op: op, Inputs: in})
		return name
	}
	half := func(k int) program.Slice { return program.Slice{Axis: 1, Start: 6 * k, Stop: 6 * (k + 1), Step: 1} }
	conv := add("conv", program.Conv2D{Out: 8, Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Padding: [2]int{1, 1}, Bias: true}, "x")
	h := add("h", program.HardSwish{}, add("three", program.Scale{Factor: 3}, conv))
	s := add("fc1", program.Linear{Out: 4, Bias: true}, add("pool", program.Mean{Axes: []int{1, 2}}, h))
	s = add("relu6", program.ReLU6{}, add("four", program.Scale{Factor: 4, Shift: 1}, s))
	s = add("gate", program.HardSigmoid{}, add("fc2", program.Linear{Out: 8, Bias: true}, s))
	h = add("gated", program.Mul{}, h, add("planes", program.Reshape{Shape: []int{8, 1, 1}}, s))
	h = add("centred", program.Sub{}, h, add("over", program.Mean{Axes: []int{0}, KeepDim: true}, h))
	h = add("leaky", program.LeakyReLU{Slope: 0.1}, h)
	t := add("tokens", program.Transpose{Perm: []int{1, 0}}, add("flat", program.Reshape{Shape: []int{8, 64}}, h))
	u := add("cat", program.Concat{Axis: 0}, add("mean", program.Mean{Axes: []int{0}, KeepDim: true}, t), t)
	v := add("proj", program.Linear{Out: 12, Bias: true, Transposed: true}, add("third", program.Slice{Axis: 0, Start: 0, Stop: 65, Step: 3}, u))
	a, g := add("a", half(0), v), add("g", half(1), v)
	z := add("product", program.Mul{}, add("elu", program.ELU{Alpha: 0.7}, a), add("softplus", program.Softplus{}, g))
	z = add("sum", program.Add{}, z, add("hard", program.HardTanh{Min: -0.5, Max: 0.5}, a))
	z = add("difference", program.Sub{}, z, add("clamp", program.Clamp{Min: -0.1, Max: math.MaxFloat32}, g))
	q := add("heads", program.Transpose{Perm: []int{1, 0, 2}}, add("split", program.Reshape{Shape: []int{22, 2, 3}}, z))
	e := add("expand", program.Expand{Shape: []int{2, 22, 3}}, add("middle", program.Mean{Axes: []int{1}, KeepDim: true}, q))
	q = add("back", program.Transpose{Perm: []int{1, 0, 2}}, add("both", program.Add{}, q, e))
	q = add("joined", program.Reshape{Shape: []int{22, 6}}, q)
	add("head", program.Linear{Out: 5, Bias: true}, add("ends", program.Add{}, add("first", program.Select{Axis: 0, Index: 0}, q), add("last", program.Select{Axis: 0, Index: 21}, q)))
	return nodes
}

// augmented is a program that crops, flips and drops samples.
func augmented(nodes ...program.Node) *program.Program {
	image := program.Node{Name: "x", Op: program.Input{Type: program.F32, Shape: []int{2, 5, 6}}}
	return &program.Program{
		Version: program.Version, BatchSize: 8, Accumulation: 2, Graph: program.Graph{Nodes: append([]program.Node{image}, nodes...)}, Loss: program.MSE,
		Optimizer: program.Optimizer{Kind: program.SGD}, Schedule: program.Schedule{Kind: program.Constant, Rate: 1},
	}
}

// cropped crops and flips, and gives what is left through a layer.
func cropped() *program.Program {
	return augmented(
		program.Node{Name: "crop", Op: program.RandomCrop{Padding: 2, Size: [2]int{4, 4}}, Inputs: []string{"x"}},
		program.Node{Name: "flip", Op: program.RandomFlip{P: 0.5}, Inputs: []string{"crop"}},
		program.Node{Name: "flat", Op: program.Flatten{}, Inputs: []string{"flip"}},
		program.Node{Name: "out", Op: program.Linear{Out: 32}, Inputs: []string{"flat"}})
}

// dropped drops samples before and behind a layer.
func dropped() *program.Program {
	return augmented(
		program.Node{Name: "flat", Op: program.Flatten{}, Inputs: []string{"x"}},
		program.Node{Name: "a", Op: program.Linear{Out: 4, Bias: true}, Inputs: []string{"flat"}},
		program.Node{Name: "b", Op: program.RowDropout{P: 0.5}, Inputs: []string{"a"}},
		program.Node{Name: "out", Op: program.Linear{Out: 4, Bias: true}, Inputs: []string{"b"}})
}

// seen are the outputs of a step with the identity as last layer: what the nodes before it make of the rows.
func seen(t *testing.T, p *program.Program, step uint64) (m *program.Machine, outputs [][]float32) {
	m, _ = machine(t, p, kernels.Options{Threads: 1})
	w := m.Tensors()[0]
	side := int(math.Sqrt(float64(len(w))))
	for i := range side {
		w[i*side+i] = 1
	}
	draw(m, 11, 0)
	must(t, m.Forward(step, func(_ int, out []float32) { outputs = append(outputs, slices.Clone(out)) }))
	return m, outputs
}

func TestEverySampleIsCroppedAndFlippedAtItsOwnPlace(t *testing.T) {
	m, outputs := seen(t, cropped(), 3)
	x := m.X().F
	places, flips := map[[2]int]bool{}, map[bool]bool{}
	for i, out := range outputs {
		for k := range 8 {
			image, y := x[(i*8+k)*60:][:60], out[k*32:][:32]
			found := 0
			for top := -2; top <= 3; top++ {
				for left := -2; left <= 4; left++ {
					for _, flip := range []bool{false, true} {
						if slices.Equal(y, cut(image, top, left, flip)) {
							found++
							places[[2]int{top, left}], flips[flip] = true, true
						}
					}
				}
			}
			if found != 1 {
				t.Errorf("micro-batch %d, sample %d is cut out of its image at %d places", i, k, found)
			}
		}
	}
	if len(places) < 8 || len(flips) != 2 {
		t.Errorf("16 samples lie at %d places, flipped %v", len(places), flips)
	}
	if _, again := seen(t, cropped(), 4); slices.Equal(again[0], outputs[0]) {
		t.Error("two steps draw the same places")
	}
	_, evaluated, err := m.Evaluate()
	must(t, err)
	for i := range 16 {
		if !slices.Equal(evaluated[i*32:][:32], cut(x[i*60:][:60], 0, 1, false)) {
			t.Errorf("an evaluation of sample %d is not the middle of its image", i)
		}
	}
}

// cut is a crop of 4x4 of two channels of 5x6.
func cut(image []float32, top, left int, flip bool) []float32 {
	var y []float32
	for c := range 2 {
		for h := range 4 {
			for w := range 4 {
				if flip {
					w = 3 - w
				}
				v := float32(0)
				if r, k := top+h, left+w; r >= 0 && r < 5 && k >= 0 && k < 6 {
					v = image[c*30+r*6+k]
				}
				y = append(y, v)
			}
		}
	}
	return y
}

func TestRowDropoutTakesWholeSamples(t *testing.T) {
	p := dropped()
	m, plan := machine(t, p, kernels.Options{Threads: 1})
	must(t, m.Init(5))
	draw(m, 11, 0)
	bias := m.Tensors()[3]
	for i := range bias {
		bias[i] = float32(i)
	}
	gone := 0
	var last []float32
	must(t, m.Forward(2, func(_ int, out []float32) { last = append(last, out...) }))
	for i := range 16 {
		if slices.Equal(last[i*4:][:4], bias) {
			gone++
		}
	}
	if gone < 3 || gone > 13 {
		t.Errorf("%d of 16 samples are dropped, P is 1/2", gone)
	}
	// The loss is quadratic in each tensor: the central difference of the training loss is exact for any step.
	_, err := m.Gradients(2)
	must(t, err)
	grads := [][]float32{}
	for _, g := range m.Grads() {
		grads = append(grads, slices.Clone(g))
	}
	for k, spec := range plan.Params() {
		w, quotient := m.Tensors()[k], make([]float32, len(grads[k]))
		for i, v := range w {
			w[i] = v + 0.25
			high, err := m.Gradients(2)
			must(t, err)
			w[i] = v - 0.25
			low, err := m.Gradients(2)
			must(t, err)
			w[i] = v
			quotient[i] = 2 * (high - low)
		}
		if d := relative(grads[k], quotient); !(d < 2e-5) {
			t.Errorf("%s: relative difference %.3g", spec.Name, d)
		}
	}
}
