package program_test

import (
	"maps"
	"math"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/program"
)

// Finite differences: a parameter is moved by a step up and down, the loss is computed in binary64 from
// the binary32 outputs, and the quotient is compared with the gradient, tensor by tensor in relative
// norm. The outputs carry rounding errors of about 1e-7, which a step of 4e-3 enlarges to 3e-5 of a loss of
// order one, and the central difference is off by the third derivative times 3e-6: a correct gradient
// stays below 2e-3. Functions with kinks take a smaller step, so that none is crossed, whose rounding
// errors stay below 5e-3. A wrong factor or index is two orders of magnitude above.
const (
	differenceStep      = 4e-3
	differenceTolerance = 2e-3
	kinkedStep          = 2e-4
	kinkedTolerance     = 5e-3
)

// differentiable are small graphs that together hold every node kind, each after a layer with parameters,
// so that both the gradient of the kind's parameters and that of its input are seen.
func differentiable() map[string][]program.Node {
	node := func(name string, op program.Op, in ...string) program.Node {
		return program.Node{Name: name, Op: op, Inputs: in}
	}
	rows := node("x", program.Input{Type: program.F32, Shape: []int{5}})
	linear := node("a", program.Linear{Out: 6, Bias: true}, "x")
	after := func(op program.Op) []program.Node {
		return []program.Node{rows, linear, node("b", op, "a"), node("c", program.Linear{Out: 3}, "b")}
	}
	image := node("x", program.Input{Type: program.F32, Shape: []int{2, 5, 6}})
	conv := node("a", program.Conv2D{Out: 3, Kernel: [2]int{3, 2}, Stride: [2]int{1, 1}, Padding: [2]int{1, 0}, Bias: true}, "x")
	pooled := func(op program.Op) []program.Node {
		return []program.Node{image, conv, node("b", op, "a"), node("flat", program.Flatten{}, "b"), node("c", program.Linear{Out: 3}, "flat")}
	}
	tokens := node("x", program.Input{Type: program.I32, Shape: []int{5}})
	embedded := []program.Node{tokens, node("tok", program.Embedding{Vocab: 7, Dim: 6, Std: 0.7}, "x"), node("pos", program.PositionEmbedding{Std: 0.5}, "tok")}
	attention := func(causal bool) []program.Node {
		return append(embedded[:3:3], node("qkv", program.Linear{Out: 12, Bias: true, Std: 0.6}, "pos"),
			node("b", program.Attention{Heads: 2, Causal: causal}, "qkv"), node("c", program.Linear{Out: 3}, "b"))
	}
	// parted has queries, keys and values of their own.
	parted := func(op program.Attention, masked bool) []program.Node {
		kv := op.KVHeads * 3
		if kv == 0 {
			kv = op.Heads * 3
		}
		in := []string{"q", "k", "v"}
		if masked {
			in = append(in, "x") // token 0 is padding
		}
		return append(embedded[:3:3],
			node("q", program.Linear{Out: 3 * op.Heads, Bias: true, Std: 0.6}, "pos"), node("k", program.Linear{Out: kv, Std: 0.6}, "pos"),
			node("v", program.Linear{Out: kv, Bias: true, Std: 0.6}, "pos"), node("b", op, in...), node("c", program.Linear{Out: 3}, "b"))
	}
	roped := func(op program.Rope) []program.Node {
		op.Heads = 2
		return append(embedded[:3:3], node("q", program.Linear{Out: 12, Std: 0.6}, "pos"), node("rope", op, "q"),
			node("qkv", program.Linear{Out: 12, Std: 0.6}, "rope"), node("b", program.Attention{Heads: 2, Causal: true}, "qkv"), node("c", program.Linear{Out: 3}, "b"))
	}
	product := func(op program.MatMul) []program.Node {
		// (5,6) and (5,6) make (5,5) or (6,6).
		all := append(embedded[:3:3], node("a", program.Linear{Out: 6, Bias: true, Std: 0.4}, "pos"), node("b", program.Linear{Out: 6, Std: 0.4}, "pos"))
		if op.TransA == op.TransB {
			all = append(all, node("sq", program.MatMul{TransB: true}, "b", "a"), node("m", op, "sq", "sq")) // (5,5) and (5,5)
		} else {
			all = append(all, node("m", op, "a", "b"))
		}
		return append(all, node("c", program.Linear{Out: 3}, "m"))
	}
	all := map[string][]program.Node{
		"attention of three inputs":            parted(program.Attention{Heads: 2}, false),
		"attention with shared heads of keys":  parted(program.Attention{Heads: 4, KVHeads: 2, Causal: true, Scale: 0.4}, false),
		"attention with a mask":                parted(program.Attention{Heads: 2, KVHeads: 1}, true),
		"attention with a mask that is causal": parted(program.Attention{Heads: 2, Causal: true}, true),
		"rope":                                 roped(program.Rope{Theta: 100}),
		"rope of some dimensions, interleaved": roped(program.Rope{Interleaved: true, Offset: 9, Frequencies: []float32{1, 0.25}}),
		"matmul":                               product(program.MatMul{}),
		"matmul with the first transposed":     product(program.MatMul{TransA: true}),
		"matmul with the second transposed":    product(program.MatMul{TransB: true}),
		"matmul with both transposed":          product(program.MatMul{TransA: true, TransB: true}),
		"softmax":                              after(program.Softmax{}),
		// A small eps keeps the difference quotient's error small, not the gradient's.
		"layer_norm": after(program.LayerNorm{Eps: 1e-2}),
		"rms_norm":   after(program.RMSNorm{Eps: 1e-2}),
		"add": {rows, linear, node("b", program.Tanh{}, "a"), node("c", program.Linear{Out: 6}, "b"),
			node("d", program.Add{}, "c", "a"), node("e", program.Add{}, "d", "d")},
		"mul": {rows, linear, node("b", program.Sigmoid{}, "a"), node("c", program.Mul{}, "b", "a"),
			node("d", program.Mul{}, "c", "c"), node("e", program.Linear{Out: 3}, "d")},
		"mul by the input": {rows, node("a", program.Linear{Out: 5}, "x"), node("b", program.Mul{}, "a", "x")},
		"conv2d": {image, conv, node("b", program.Conv2D{Out: 2, Kernel: [2]int{3, 3}, Stride: [2]int{2, 1}, Padding: [2]int{1, 1}}, "a"),
			node("flat", program.Flatten{}, "b"), node("c", program.Linear{Out: 3}, "flat")},
		"max_pool2d":                     pooled(program.MaxPool2D{Kernel: [2]int{2, 2}, Stride: [2]int{2, 2}}),
		"max_pool2d that overlaps":       pooled(program.MaxPool2D{Kernel: [2]int{3, 3}, Stride: [2]int{2, 1}, Padding: [2]int{1, 1}}),
		"avg_pool2d":                     pooled(program.AvgPool2D{Kernel: [2]int{2, 2}, Stride: [2]int{2, 2}}),
		"avg_pool2d that overlaps":       pooled(program.AvgPool2D{Kernel: [2]int{3, 3}, Stride: [2]int{2, 1}, Padding: [2]int{1, 1}}),
		"embedding":                      append(embedded[:3:3], node("b", program.Tanh{}, "pos"), node("c", program.Linear{Out: 3}, "b")),
		"attention":                      attention(false),
		"attention that is causal":       attention(true),
		"flatten of a value used before": {image, conv, node("flat", program.Flatten{}, "a"), node("t", program.Tanh{}, "a"), node("flat2", program.Flatten{}, "t"), node("s", program.Add{}, "flat", "flat2"), node("c", program.Linear{Out: 3}, "s")},
	}
	maps.Copy(all, shaped())
	all["parameter and constant"] = []program.Node{rows, node("t", program.Parameter{Shape: []int{5}, Std: 0.5}), node("s", program.Parameter{Shape: []int{1}, Value: 0.75}),
		node("k", program.ConstantTensor{Shape: []int{5}, Values: program.Bits{1, -2, 0.5, 3, 0}}), node("b", program.Add{}, "x", "t"), node("c", program.Mul{}, "b", "s"),
		node("d", program.Mul{}, "c", "k"), node("e", program.Tanh{}, "d"), node("f", program.Linear{Out: 3}, "e")}
	for name, op := range imageOps() {
		all[name] = pooled(op)
	}
	for name, steps := range map[string]int{"lstm": 4, "lstm of one step": 1, "lstm of many steps": 11} {
		all[name] = []program.Node{node("x", program.Input{Type: program.F32, Shape: []int{steps, 5}}), node("a", program.Linear{Out: 4, Bias: true}, "x"),
			node("b", program.LSTM{Hidden: 3}, "a"), node("flat", program.Flatten{}, "b"), node("c", program.Linear{Out: 3}, "flat")}
	}
	// A bias right before these would have a gradient of zero.
	for name, op := range map[string]program.Op{
		"group_norm of single channels": program.GroupNorm{Groups: 3, Eps: 1e-2},
		"batch_norm that is frozen":     program.BatchNorm{Eps: 1e-2, Momentum: 0.1, Frozen: true},
	} {
		all[name] = []program.Node{image, conv, node("t", program.Tanh{}, "a"), node("b", op, "t"), node("flat", program.Flatten{}, "b"), node("c", program.Linear{Out: 3}, "flat")}
	}
	for _, op := range program.Activations() {
		all[op.Kind()] = after(op)
	}
	return all
}

// imageOps are operators on three channels of 5 x 7 elements.
func imageOps() map[string]program.Op {
	one, two := [2]int{1, 1}, [2]int{2, 2}
	three := [2]int{3, 3}
	return map[string]program.Op{
		"conv2d in groups":                  program.Conv2D{Out: 6, Kernel: three, Stride: one, Padding: one, Groups: 3, Bias: true},
		"conv2d in groups, strided":         program.Conv2D{Out: 3, Kernel: [2]int{3, 2}, Stride: two, Padding: one, Groups: 3},
		"conv2d with taps apart":            program.Conv2D{Out: 2, Kernel: [2]int{2, 3}, Stride: one, Padding: [2]int{1, 2}, Dilation: two},
		"conv_transpose2d":                  program.ConvTranspose2D{Out: 2, Kernel: two, Stride: two, Bias: true},
		"conv_transpose2d that overlaps":    program.ConvTranspose2D{Out: 6, Kernel: three, Stride: two, Padding: one, OutputPadding: one, Groups: 3},
		"conv_transpose2d with taps apart":  program.ConvTranspose2D{Out: 2, Kernel: two, Stride: [2]int{3, 1}, Padding: [2]int{0, 1}, OutputPadding: [2]int{2, 0}, Dilation: [2]int{1, 3}},
		"group_norm":                        program.GroupNorm{Groups: 1, Eps: 1e-2},
		"upsample2d nearest":                program.Upsample2D{Size: [2]int{10, 16}, Mode: program.Nearest},
		"upsample2d nearest to fewer":       program.Upsample2D{Size: [2]int{3, 4}, Mode: program.Nearest},
		"upsample2d bilinear":               program.Upsample2D{Size: [2]int{9, 11}, Mode: program.Bilinear},
		"upsample2d bilinear, corner to it": program.Upsample2D{Size: [2]int{9, 11}, Mode: program.Bilinear, AlignCorners: true},
	}
}

func TestGradientsAreFiniteDifferences(t *testing.T) {
	for name, nodes := range differentiable() {
		for _, loss := range []program.Loss{program.CrossEntropy, program.MaskedCrossEntropy, program.MSE, program.BCE} {
			t.Run(name+" "+string(loss), func(t *testing.T) {
				step, tolerance := float32(differenceStep), differenceTolerance
				if strings.HasPrefix(name, "relu") || strings.HasPrefix(name, "max_pool2d") || strings.HasPrefix(name, "kinked") {
					step, tolerance = kinkedStep, kinkedTolerance
				}
				checkGradient(t, nodes, loss, step, tolerance)
			})
		}
	}
}

// What the masked loss of these tests does.
const (
	smoothing = 0.25
	ignored   = -100
)

func checkGradient(t *testing.T, nodes []program.Node, loss program.Loss, step float32, tolerance float64) {
	p := &program.Program{
		Version: program.Version, BatchSize: 2, Accumulation: 2, Graph: program.Graph{Nodes: nodes}, Loss: loss,
		Optimizer: program.Optimizer{Kind: program.SGD}, Schedule: program.Schedule{Kind: program.Constant, Rate: 1},
	}
	if loss == program.MaskedCrossEntropy {
		p.Labels = &program.Labels{Smoothing: smoothing, Ignore: ignored}
	}
	m, plan := machine(t, p, kernels.Options{Threads: 1})
	must(t, m.Init(5))
	draw(m, 11, 3)
	for i := range m.Y().I { // each micro-batch, of two rows, has one of other rows' labels that do not count
		if loss == program.MaskedCrossEntropy && i%3 == 1 {
			m.Y().I[i] = ignored
		}
	}
	got, err := m.Gradients(0)
	must(t, err)
	if want := lossOf(t, m, loss); math.Abs(float64(got)-want) > 1e-6*math.Abs(want) {
		t.Errorf("loss %v, %v in binary64", got, want)
	}
	for k, spec := range plan.Params() {
		w := m.Tensors()[k]
		quotient := make([]float32, len(w))
		for i, v := range w {
			up, down := v+step, v-step
			w[i] = up
			high := lossOf(t, m, loss)
			w[i] = down
			low := lossOf(t, m, loss)
			w[i] = v
			quotient[i] = float32((high - low) / (float64(up) - float64(down)))
		}
		if d := relative(m.Grads()[k], quotient); !(d < tolerance) {
			t.Errorf("%s: relative difference %.3g", spec.Name, d)
		}
	}
}

// lossOf evaluates and computes the loss from the outputs in binary64.
func lossOf(t *testing.T, m *program.Machine, loss program.Loss) float64 {
	t.Helper()
	_, out, err := m.Evaluate()
	must(t, err)
	y := m.Y()
	var sum float64
	if loss == program.MSE {
		for i, v := range out {
			sum += (float64(v) - float64(y.F[i])) * (float64(v) - float64(y.F[i]))
		}
		return sum / float64(len(out))
	}
	if loss == program.BCE {
		for i, v := range out {
			sum += math.Log1p(math.Exp(float64(v))) - float64(v)*float64(y.F[i])
		}
		return sum / float64(len(out))
	}
	cols := len(out) / len(y.I)
	smooth := 0.0
	if loss == program.MaskedCrossEntropy {
		smooth = smoothing
	}
	each := len(y.I) / 2 // of the two micro-batches
	for from := 0; from < len(y.I); from += each {
		total, counted := 0.0, 0.0
		for i, label := range y.I[from : from+each] {
			if label == ignored {
				continue
			}
			row, e, mean := out[(from+i)*cols:][:cols], 0.0, 0.0
			for _, v := range row {
				e += math.Exp(float64(v))
				mean += float64(v) / float64(cols)
			}
			total += math.Log(e) - (1-smooth)*float64(row[label]) - smooth*mean
			counted++
		}
		if counted > 0 {
			sum += total / counted
		}
	}
	return sum / 2
}

// Dropout is off in an evaluation, so it is checked where a loss is a quadratic function of the parameters: there
// the central difference of the training loss is exact for any step.
func TestTheGradientOfDropoutHasItsMask(t *testing.T) {
	p := &program.Program{
		Version: program.Version, BatchSize: 3, Accumulation: 2, Loss: program.MSE,
		Graph: program.Graph{Nodes: []program.Node{
			{Name: "x", Op: program.Input{Type: program.F32, Shape: []int{5}}},
			{Name: "in", Op: program.Dropout{P: 0.3}, Inputs: []string{"x"}},
			{Name: "a", Op: program.Linear{Out: 6, Bias: true}, Inputs: []string{"in"}},
			{Name: "b", Op: program.Dropout{P: 0.5}, Inputs: []string{"a"}},
			{Name: "c", Op: program.Linear{Out: 4, Bias: true}, Inputs: []string{"b"}},
		}},
		Optimizer: program.Optimizer{Kind: program.SGD}, Schedule: program.Schedule{Kind: program.Constant, Rate: 1},
	}
	m, plan := machine(t, p, kernels.Options{Threads: 1})
	must(t, m.Init(5))
	draw(m, 11, 0)
	lossAt := func() float64 {
		l, err := m.Gradients(9)
		must(t, err)
		return float64(l)
	}
	lossAt()
	var grads [][]float32
	for _, g := range m.Grads() {
		grads = append(grads, append([]float32(nil), g...))
	}
	const h = 0.25
	for k, spec := range plan.Params() {
		w := m.Tensors()[k]
		quotient := make([]float32, len(w))
		for i, v := range w {
			up, down := v+h, v-h
			w[i] = up
			high := lossAt()
			w[i] = down
			low := lossAt()
			w[i] = v
			quotient[i] = float32((high - low) / (float64(up) - float64(down)))
		}
		if d := relative(grads[k], quotient); !(d < 1e-5) {
			t.Errorf("%s: relative difference %.3g", spec.Name, d)
		}
	}
	if other, err := m.Gradients(10); err != nil || float64(other) == lossAt() {
		t.Error("two steps draw the same mask")
	}
}
