package oracle

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/program"
)

// limit is the largest relative error, in the 2-norm of a tensor, between the engine's binary32 and the oracle.
const limit = 1e-5

// graph strings nodes together behind an input of the given shape; the node after it takes the input, and so on.
func graph(input program.Input, ops ...program.Op) program.Graph {
	g := program.Graph{Nodes: []program.Node{{Name: "x", Op: input}}}
	for i, op := range ops {
		name := string(rune('a' + i))
		g.Nodes = append(g.Nodes, program.Node{Name: name, Op: op, Inputs: []string{g.Nodes[i].Name}})
	}
	return g
}

func floats(shape ...int) program.Input { return program.Input{Type: program.F32, Shape: shape} }

// join adds, or multiplies, two linear layers of the same input.
func join(op program.Op) program.Graph {
	return program.Graph{Nodes: []program.Node{
		{Name: "x", Op: floats(5)},
		{Name: "a", Op: program.Linear{Out: 4, Bias: true}, Inputs: []string{"x"}},
		{Name: "b", Op: program.Linear{Out: 4}, Inputs: []string{"x"}},
		{Name: "c", Op: op, Inputs: []string{"a", "b"}},
		{Name: "d", Op: op, Inputs: []string{"c", "a"}},
	}}
}

// repeated combines a layer with its own mean over an axis.
func repeated(op program.Op, axis int, keep bool) program.Graph {
	return program.Graph{Nodes: []program.Node{
		{Name: "x", Op: floats(4, 6)},
		{Name: "a", Op: program.Linear{Out: 6, Bias: true}, Inputs: []string{"x"}},
		{Name: "b", Op: program.Tanh{}, Inputs: []string{"a"}},
		{Name: "c", Op: program.Mean{Axes: []int{axis}, KeepDim: keep}, Inputs: []string{"b"}},
		{Name: "d", Op: op, Inputs: []string{"a", "c"}},
		{Name: "e", Op: op, Inputs: []string{"c", "d"}},
		{Name: "f", Op: program.Linear{Out: 3}, Inputs: []string{"e"}},
	}}
}

func TestEngineAndOracleAgreeOnGradients(t *testing.T) {
	linear := program.Linear{Out: 6, Bias: true}
	conv := func(out, kernel, stride, pad int) program.Conv2D {
		return program.Conv2D{Out: out, Kernel: [2]int{kernel, kernel}, Stride: [2]int{stride, stride}, Padding: [2]int{pad, pad}, Bias: true}
	}
	tall := program.Conv2D{Out: 3, Kernel: [2]int{3, 2}, Stride: [2]int{2, 1}, Padding: [2]int{1, 0}}
	two, three := [2]int{2, 2}, [2]int{3, 3}
	gpt := program.GPTConfig{Vocab: 11, Context: 6, Width: 12, Layers: 2, Heads: 3}
	dropped := gpt
	dropped.Dropout = 0.25
	type test struct {
		name  string
		graph program.Graph
		loss  program.Loss
		rows  int // of a micro-batch
		times int // micro-batches
	}
	cases := []test{
		{"MLP", program.MLP(program.MLPConfig{Inputs: 20, Hidden: []int{33, 17}, Classes: 10}), program.CrossEntropy, 9, 1},
		{"MLP in three micro-batches", program.MLP(program.MLPConfig{Inputs: 20, Hidden: []int{33, 17}, Classes: 10}), program.CrossEntropy, 5, 3},
		{"MLP with dropout", program.MLP(program.MLPConfig{Inputs: 20, Hidden: []int{33}, Classes: 10, Dropout: 0.4}), program.CrossEntropy, 5, 3},
		{"MLP on one row", program.MLP(program.MLPConfig{Inputs: 7, Hidden: []int{5}, Classes: 3}), program.CrossEntropy, 1, 1},
		{"CNN", program.CNN(program.CNNConfig{InChannels: 1, Height: 8, Width: 8, Channels: []int{4, 6}, Classes: 10}), program.CrossEntropy, 5, 1},
		{"CNN with three channels", program.CNN(program.CNNConfig{InChannels: 3, Height: 6, Width: 10, Channels: []int{5}, Classes: 4}), program.CrossEntropy, 4, 2},
		{"GPT", program.GPT(gpt), program.CrossEntropy, 3, 1},
		{"GPT with dropout", program.GPT(dropped), program.CrossEntropy, 2, 2},
		{"linear", graph(floats(5), program.Linear{Out: 4}), program.MSE, 3, 1},
		{"linear over positions", graph(floats(3, 5), linear), program.MSE, 3, 1},
		{"softmax", graph(floats(5), linear, program.Softmax{}, linear), program.MSE, 4, 1},
		{"layer_norm", graph(floats(5), linear, program.LayerNorm{Eps: 1e-5}, linear), program.MSE, 4, 1},
		{"rms_norm", graph(floats(5), linear, program.RMSNorm{Eps: 1e-5}, linear), program.MSE, 4, 1},
		{"add", join(program.Add{}), program.MSE, 4, 1},
		{"mul", join(program.Mul{}), program.MSE, 4, 1},
		{"embedding", graph(program.Input{Type: program.I32, Shape: []int{7}}, program.Embedding{Vocab: 9, Dim: 4, Std: 1}, linear), program.CrossEntropy, 3, 1},
		{"position_embedding", graph(floats(4, 6), program.PositionEmbedding{Std: 1}, program.Tanh{}, linear), program.MSE, 3, 1},
		{"attention", graph(floats(5, 6), program.Linear{Out: 24}, program.Attention{Heads: 2}, linear), program.MSE, 3, 1},
		{"causal attention", graph(floats(5, 6), program.Linear{Out: 24}, program.Attention{Heads: 4, Causal: true}, linear), program.MSE, 3, 1},
		{"attention of three inputs", parted(program.Attention{Heads: 4, KVHeads: 2, Causal: true, Scale: 0.4}, 0), program.MSE, 2, 1},
		{"attention of two sequences with a mask", parted(program.Attention{Heads: 2}, 3), program.CrossEntropy, 2, 2},
		{"rope", graph(floats(5, 6), program.Linear{Out: 24}, program.Rope{Heads: 2, Theta: 100}, program.Attention{Heads: 2}, linear), program.MSE, 3, 1},
		{"rope, interleaved, of some dimensions", graph(floats(5, 6), program.Linear{Out: 10}, program.Rope{Heads: 2, Interleaved: true, Offset: 3, Frequencies: []float32{1, 0.5}}, linear), program.MSE, 3, 1},
		{"matmul", multiplied(program.MatMul{}), program.MSE, 3, 1},
		{"matmul, transposed", multiplied(program.MatMul{TransA: true, TransB: true}), program.MSE, 3, 1},
		{"conv2d", graph(floats(2, 7, 6), conv(3, 3, 1, 1), program.Tanh{}, conv(2, 3, 2, 0), program.Flatten{}), program.MSE, 3, 1},
		{"conv2d, no bias, other strides", graph(floats(2, 7, 6), tall, program.Tanh{}, conv(2, 2, 1, 0), program.Flatten{}), program.MSE, 3, 1},
		{"max_pool2d", graph(floats(2, 8, 6), conv(3, 3, 1, 1), program.MaxPool2D{Kernel: two, Stride: two}, program.Flatten{}, linear), program.MSE, 3, 1},
		{"max_pool2d, overlapping", graph(floats(2, 7, 7), conv(3, 3, 1, 1), program.MaxPool2D{Kernel: three, Stride: two}, program.Flatten{}, linear), program.MSE, 3, 1},
		{"avg_pool2d", graph(floats(2, 7, 7), conv(3, 3, 1, 1), program.AvgPool2D{Kernel: three, Stride: two, Padding: [2]int{1, 1}}, program.Flatten{}, linear), program.MSE, 3, 1},
	}
	rows := floats(4, 6)
	cases = append(cases,
		test{"linear, transposed", graph(floats(3, 5), program.Linear{Out: 6, Bias: true, Transposed: true}, program.Tanh{}, program.Linear{Out: 2, Transposed: true}), program.MSE, 3, 2},
		test{"reshape and transpose", graph(rows, linear, program.Reshape{Shape: []int{2, 2, 6}}, program.Transpose{Perm: []int{2, 0, 1}}, program.Tanh{}, linear), program.MSE, 3, 1},
		test{"slice", graph(rows, linear, program.Slice{Axis: 1, Start: 1, Stop: 6, Step: 2}, program.Tanh{}, linear), program.MSE, 3, 1},
		test{"select", graph(rows, linear, program.Select{Axis: 0, Index: 2}, program.Tanh{}, linear), program.MSE, 3, 1},
		test{"expand", graph(floats(1, 6), linear, program.Expand{Shape: []int{3, 6}}, program.Tanh{}, linear), program.MSE, 3, 1},
		test{"mean", graph(rows, linear, program.Tanh{}, program.Mean{Axes: []int{0}}, linear), program.MSE, 3, 2},
		test{"mean, kept", graph(floats(2, 3, 4), linear, program.Tanh{}, program.Mean{Axes: []int{0, 2}, KeepDim: true}, linear), program.MSE, 3, 1},
		test{"scale", graph(rows, linear, program.Scale{Factor: -0.75, Shift: 0.5}, program.Tanh{}, linear), program.MSE, 3, 1},
		test{"row_dropout", graph(rows, linear, program.RowDropout{P: 0.4}, program.Tanh{}, linear), program.MSE, 5, 3},
		test{"concat", join(program.Concat{Axis: 0}), program.MSE, 4, 1},
	)
	for _, op := range []program.Op{program.Add{}, program.Sub{}, program.Mul{}} {
		cases = append(cases,
			test{op.Kind() + " of a mean of rows", repeated(op, 0, true), program.MSE, 4, 1},
			test{op.Kind() + " of a mean of fewer axes", repeated(op, 0, false), program.MSE, 4, 1},
			test{op.Kind() + " of a mean of columns", repeated(op, 1, true), program.MSE, 4, 1})
	}
	for _, op := range slices.Concat(program.Activations(), []program.Op{program.ReLU6{}, program.HardTanh{Min: -0.25, Max: 0.5}, program.Clamp{Min: -0.5, Max: 0.25},
		program.HardSigmoid{}, program.HardSwish{}, program.LeakyReLU{Slope: 0.1}, program.ELU{Alpha: 1.5}, program.Softplus{}}) {
		cases = append(cases, test{op.Kind(), graph(floats(5), linear, op, linear), program.MSE, 4, 1})
	}
	engines := engines(t)
	seen := map[string]bool{}
	for _, c := range cases {
		for _, n := range c.graph.Nodes {
			seen[n.Op.Kind()] = true
		}
		t.Run(c.name, func(t *testing.T) {
			p := &program.Program{Version: program.Version, BatchSize: c.rows, Accumulation: c.times, Graph: c.graph, Loss: c.loss,
				Optimizer: program.Optimizer{Kind: program.SGD}, Schedule: program.Schedule{Kind: program.Constant, Rate: 0.1}}
			plan, err := program.Compile(p, kernels.ProfileF32)
			if err != nil {
				t.Fatal(err)
			}
			const seed, step = 7<<32 + 5, 3
			var wantLoss float64
			var want [][]float64
			for i, cpu := range engines {
				m, err := program.NewMachine(plan, cpu, seed)
				if err != nil {
					t.Fatal(err)
				}
				if err := m.Init(1); err != nil {
					t.Fatal(err)
				}
				batch := fill(m, plan)
				batch.Seed, batch.Step = seed, step
				loss, err := m.Gradients(step)
				if err != nil {
					t.Fatal(err)
				}
				if i == 0 { // the batch is the same for every engine
					wantLoss, want, err = Gradients(p, wide(m.Tensors()[:len(plan.Params())]), batch)
					if err != nil {
						t.Fatal(err)
					}
				}
				if d := math.Abs(float64(loss)/wantLoss - 1); !(d < limit) {
					t.Errorf("%v: loss %v, oracle %v: relative error %.2g", cpu.ISA(), loss, wantLoss, d)
				}
				for i, spec := range plan.Params() {
					if d := distance(m.Grads()[i], want[i]); !(d < limit) {
						t.Errorf("%v: %s: relative error %.2g, limit %.2g", cpu.ISA(), spec.Name, d, limit)
					}
				}
			}
		})
	}
	for _, kind := range Operators() {
		if !seen[kind] {
			t.Errorf("no case has a %s", kind)
		}
	}
}

// engines are CPUs with each code path of this machine.
func engines(t *testing.T) (list []*kernels.CPU) {
	for _, isa := range kernels.Available() {
		cpu, err := kernels.NewCPU(kernels.Options{ISA: isa})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cpu.Close)
		list = append(list, cpu)
	}
	return list
}

// fill gives a machine random inputs, labels and parameters, and returns the same batch for the oracle.
func fill(m *program.Machine, plan *program.Plan) (b Batch) {
	r := rand.New(rand.NewPCG(1, 2))
	random := func(x []float32) {
		for i := range x {
			x[i] = float32(r.NormFloat64())
		}
	}
	ids := func(x []int32) {
		for i := range x {
			x[i] = int32(r.IntN(3)) // within every vocabulary and number of classes of the cases
		}
	}
	random(m.X().F)
	ids(m.X().I)
	random(m.Y().F)
	ids(m.Y().I)
	for i := range plan.Params() {
		for k := range m.Tensors()[i] {
			m.Tensors()[i][k] += float32(0.1 * r.NormFloat64()) // biases start at 0 and scales at 1
		}
	}
	return Batch{X: wide([][]float32{m.X().F})[0], IDs: m.X().I, Y: wide([][]float32{m.Y().F})[0], Labels: m.Y().I}
}

func wide(tensors [][]float32) [][]float64 {
	w := make([][]float64, len(tensors))
	for i, t := range tensors {
		w[i] = make([]float64, len(t))
		for k, v := range t {
			w[i][k] = float64(v)
		}
	}
	return w
}

// distance is the norm of the difference over the norm of want; not a number where the lengths differ.
func distance(got []float32, want []float64) float64 {
	if len(got) != len(want) {
		return math.NaN()
	}
	var d, n float64
	for i := range want {
		d += (float64(got[i]) - want[i]) * (float64(got[i]) - want[i])
		n += want[i] * want[i]
	}
	return math.Sqrt(d / n)
}

func TestWhatTheOracleLacksIsATypedError(t *testing.T) {
	var unsupported *UnsupportedError
	err := Step(program.Optimizer{Kind: "lion"}, 0, 0.1, []float64{1}, []float64{1}, Slots{})
	if !errors.As(err, &unsupported) {
		t.Errorf("optimizer: %v", err)
	}
	p := &program.Program{BatchSize: 1, Accumulation: 1, Graph: graph(floats(2), program.Linear{Out: 2}), Loss: "hinge"}
	if _, _, err := Gradients(p, [][]float64{make([]float64, 4)}, Batch{X: make([]float64, 2)}); !errors.As(err, &unsupported) {
		t.Errorf("loss: %v", err)
	}
	sparse := program.Conv2D{Out: 2, Kernel: [2]int{1, 1}, Stride: [2]int{1, 1}, Groups: 2}
	p = &program.Program{BatchSize: 1, Accumulation: 1, Graph: graph(floats(2, 1, 1), sparse), Loss: program.MSE}
	if _, _, err := Gradients(p, [][]float64{make([]float64, 2)}, Batch{X: make([]float64, 2), Y: make([]float64, 2)}); !errors.As(err, &unsupported) {
		t.Errorf("groups: %v", err)
	}
}

func TestWrongInputsAreErrors(t *testing.T) {
	p := &program.Program{BatchSize: 1, Accumulation: 1, Graph: graph(floats(2), program.Linear{Out: 2}), Loss: program.MSE}
	good := [][]float64{make([]float64, 4)}
	for name, c := range map[string]struct {
		params [][]float64
		batch  Batch
	}{
		"no parameters":       {nil, Batch{X: make([]float64, 2), Y: make([]float64, 2)}},
		"too many parameters": {append(good, good...), Batch{X: make([]float64, 2), Y: make([]float64, 2)}},
		"short parameter":     {[][]float64{make([]float64, 3)}, Batch{X: make([]float64, 2), Y: make([]float64, 2)}},
		"short input":         {good, Batch{X: make([]float64, 1), Y: make([]float64, 2)}},
		"no labels":           {good, Batch{X: make([]float64, 2)}},
	} {
		if _, _, err := Gradients(p, c.params, c.batch); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// parted is attention of tokens, whose token 0 is padding, or of values if there is no mask. Queries are five; keys, behind a product with
// the scores of so many others, as many as the tokens.
func parted(op program.Attention, queries int) program.Graph {
	kv := op.KVHeads
	if kv == 0 {
		kv = op.Heads
	}
	node := func(name string, op program.Op, in ...string) program.Node {
		return program.Node{Name: name, Op: op, Inputs: in}
	}
	nodes := []program.Node{node("x", program.Input{Type: program.I32, Shape: []int{5}}), node("h", program.Embedding{Vocab: 7, Dim: 6, Std: 1}, "x"),
		node("k", program.Linear{Out: kv * 3}, "h"), node("v", program.Linear{Out: kv * 3}, "h"), node("q", program.Linear{Out: op.Heads * 3}, "h")}
	in := []string{"q", "k", "v"}
	if queries > 0 {
		nodes = append(nodes, node("w", program.Linear{Out: queries}, "h"), node("fewer", program.MatMul{TransA: true}, "w", "q"))
		in = []string{"fewer", "k", "v", "x"}
	}
	return program.Graph{Nodes: append(nodes, node("a", op, in...), node("c", program.Linear{Out: 4}, "a"))}
}

// multiplied is a product of two layers of images, and of the result with itself.
func multiplied(op program.MatMul) program.Graph {
	node := func(name string, op program.Op, in ...string) program.Node {
		return program.Node{Name: name, Op: op, Inputs: in}
	}
	return program.Graph{Nodes: []program.Node{
		node("x", program.Input{Type: program.F32, Shape: []int{2, 3, 4}}), node("a", program.Linear{Out: 5}, "x"), node("b", program.Linear{Out: 5}, "x"),
		node("ab", program.MatMul{TransB: true}, "a", "b"), node("m", op, "ab", "ab"), node("ma", program.MatMul{}, "m", "a"),
	}}
}
