package program_test

import (
	"math"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/program"
)

// torchChannels is the model of testdata/torch/channels-sgd/record.py.
func torchChannels() []program.Node {
	nodes := []program.Node{{Name: "x", Op: program.Input{Type: program.F32, Shape: []int{3, 8, 8}}}}
	add := func(name string, op program.Op, in ...string) string {
		nodes = append(nodes, program.Node{Name: name, Op: op, Inputs: in})
		return name
	}
	one, two, three := [2]int{1, 1}, [2]int{2, 2}, [2]int{3, 3}
	h := add("conv", program.Conv2D{Out: 16, Kernel: three, Stride: one, Padding: one}, "x")
	h = add("silu", program.SiLU{}, add("bn", program.BatchNorm{Eps: 1e-5, Momentum: 0.1}, h))
	h = add("depth", program.Conv2D{Out: 16, Kernel: three, Stride: two, Padding: one, Groups: 16, Bias: true}, h)
	h = add("silu2", program.SiLU{}, add("gn", program.GroupNorm{Groups: 4, Eps: 1e-5}, h))
	h = add("apart", program.Conv2D{Out: 8, Kernel: three, Stride: one, Padding: two, Groups: 2, Dilation: two}, h)
	h = add("silu3", program.SiLU{}, add("bn2", program.BatchNorm{Eps: 1e-3, Momentum: 0.3}, h))
	u := add("up", program.ConvTranspose2D{Out: 8, Kernel: three, Stride: two, Padding: one, OutputPadding: one, Groups: 2, Bias: true}, h)
	u = add("frozen", program.BatchNorm{Eps: 1e-5, Momentum: 0.1, Frozen: true}, u)
	a := add("nearest", program.Upsample2D{Size: [2]int{12, 10}, Mode: program.Nearest}, u)
	a = add("a", program.Upsample2D{Size: [2]int{6, 5}, Mode: program.Bilinear}, a)
	b := add("b", program.Upsample2D{Size: [2]int{6, 5}, Mode: program.Bilinear, AlignCorners: true}, u)
	s := add("sequence", program.Reshape{Shape: []int{8, 30}}, add("sum", program.Add{}, a, b))
	add("head", program.Linear{Out: 5, Bias: true}, add("last", program.Select{Axis: 0, Index: 7}, add("lstm", program.LSTM{Hidden: 12}, s)))
	return nodes
}

// normal is a program with a batch norm before a quadratic loss.
func normal(op program.Op, batch int, shape ...int) *program.Program {
	return &program.Program{
		Version: program.Version, BatchSize: batch, Accumulation: 2, Loss: program.MSE,
		Graph: program.Graph{Nodes: []program.Node{
			{Name: "x", Op: program.Input{Type: program.F32, Shape: shape}},
			{Name: "a", Op: program.Tanh{}, Inputs: []string{"x"}},
			{Name: "b", Op: op, Inputs: []string{"a"}},
			{Name: "c", Op: program.Sigmoid{}, Inputs: []string{"b"}},
		}},
		Optimizer: program.Optimizer{Kind: program.SGD}, Schedule: program.Schedule{Kind: program.Constant, Rate: 1},
	}
}

// Evaluations normalise by other numbers than a training, so the loss is that of the outputs in training.
func TestTheGradientOfABatchNormIsThatOfItsBatch(t *testing.T) {
	image := []program.Node{
		{Name: "x", Op: program.Input{Type: program.F32, Shape: []int{2, 3, 4}}},
		{Name: "a", Op: program.Conv2D{Out: 3, Kernel: [2]int{2, 2}, Stride: [2]int{1, 1}}, Inputs: []string{"x"}},
		{Name: "b", Op: program.BatchNorm{Eps: 1e-2, Momentum: 0.1}, Inputs: []string{"a"}},
		{Name: "t", Op: program.Tanh{}, Inputs: []string{"b"}},
	}
	p := normal(nil, 3)
	p.Graph.Nodes = image
	m, plan := machine(t, p, kernels.Options{Threads: 1})
	must(t, m.Init(5))
	draw(m, 11, 0)
	lossAt := func() (sum float64) {
		y, n := m.Y().F, 0
		must(t, m.Forward(0, func(_ int, outputs []float32) {
			for _, v := range outputs {
				sum += (float64(v) - float64(y[n])) * (float64(v) - float64(y[n]))
				n++
			}
		}))
		return sum / float64(n)
	}
	_, err := m.Gradients(0)
	must(t, err)
	for k, spec := range plan.Params() {
		w := m.Tensors()[k]
		quotient := make([]float32, len(w))
		for i, v := range w {
			up, down := v+differenceStep, v-differenceStep
			w[i] = up
			high := lossAt()
			w[i] = down
			low := lossAt()
			w[i] = v
			quotient[i] = float32((high - low) / (float64(up) - float64(down)))
		}
		if d := relative(m.Grads()[k], quotient); !(d < differenceTolerance) {
			t.Errorf("%s: relative difference %.3g", spec.Name, d)
		}
	}
}

// stateOf is a tensor of the state by its name.
func stateOf(t *testing.T, m *program.Machine, plan *program.Plan, name string) []float32 {
	t.Helper()
	for i, spec := range plan.Tensors() {
		if spec.Name == name {
			return m.Tensors()[i]
		}
	}
	t.Fatalf("no tensor %s", name)
	return nil
}

// Each micro-batch moves the running statistics once, the variance being that of a sample; an evaluation moves nothing
// and normalises by them.
func TestRunningStatisticsFollowTheMicroBatches(t *testing.T) {
	const momentum, eps = 0.25, 1e-3
	m, plan := machine(t, normal(program.BatchNorm{Eps: eps, Momentum: momentum}, 3, 2, 5), kernels.Options{Threads: 1})
	must(t, m.Init(5))
	draw(m, 11, 0)
	_, err := m.Gradients(0)
	must(t, err)
	mean, variance := [2]float64{}, [2]float64{1, 1}
	for batch := range 2 {
		for c := range 2 {
			var x []float64
			for row := range 3 {
				for _, v := range m.X().F[((batch*3+row)*2+c)*5:][:5] {
					x = append(x, math.Tanh(float64(v)))
				}
			}
			var mu, sq float64
			for _, v := range x {
				mu += v / float64(len(x))
			}
			for _, v := range x {
				sq += (v - mu) * (v - mu) / float64(len(x)-1)
			}
			mean[c] += momentum * (mu - mean[c])
			variance[c] += momentum * (sq - variance[c])
		}
	}
	gotMean, gotVar := stateOf(t, m, plan, "buffer/b.running_mean"), stateOf(t, m, plan, "buffer/b.running_var")
	for c := range 2 {
		if math.Abs(float64(gotMean[c])-mean[c]) > 1e-6 || math.Abs(float64(gotVar[c])-variance[c]) > 1e-6 {
			t.Errorf("channel %d: running mean %v and variance %v, %v and %v wanted", c, gotMean[c], gotVar[c], mean[c], variance[c])
		}
	}
	_, out, err := m.Evaluate()
	must(t, err)
	for i, v := range out {
		c := i / 5 % 2
		x := (math.Tanh(float64(m.X().F[i])) - mean[c]) / math.Sqrt(variance[c]+eps)
		if want := 1 / (1 + math.Exp(-x)); math.Abs(float64(v)-want) > 1e-5 {
			t.Fatalf("output %d of an evaluation is %v, %v wanted", i, v, want)
		}
	}
	if got := stateOf(t, m, plan, "buffer/b.running_mean"); math.Abs(float64(got[0])-mean[0]) > 1e-6 {
		t.Error("an evaluation moved the running mean")
	}
}

// A frozen batch norm must not learn statistics from what a worker shows it.
func TestAFrozenBatchNormKeepsItsStatistics(t *testing.T) {
	m, plan := machine(t, normal(program.BatchNorm{Eps: 1e-3, Momentum: 0.25, Frozen: true}, 3, 2, 5), kernels.Options{Threads: 1})
	must(t, m.Init(5))
	draw(m, 11, 0)
	_, err := m.Gradients(0)
	must(t, err)
	_, _, err = m.Update(0)
	must(t, err)
	for c := range 2 {
		if mean, variance := stateOf(t, m, plan, "buffer/b.running_mean")[c], stateOf(t, m, plan, "buffer/b.running_var")[c]; mean != 0 || variance != 1 {
			t.Errorf("channel %d: mean %v and variance %v", c, mean, variance)
		}
	}
}

func TestABatchOfOneNumberAChannelIsRefused(t *testing.T) {
	for _, c := range []struct {
		op    program.BatchNorm
		batch int
		shape []int
		ok    bool
	}{
		{program.BatchNorm{Eps: 1e-5, Momentum: 0.1}, 1, []int{4}, false},
		{program.BatchNorm{Eps: 1e-5, Momentum: 0.1}, 1, []int{4, 1, 1}, false},
		{program.BatchNorm{Eps: 1e-5, Momentum: 0.1}, 2, []int{4}, true},
		{program.BatchNorm{Eps: 1e-5, Momentum: 0.1}, 1, []int{4, 2}, true},
		{program.BatchNorm{Eps: 1e-5, Momentum: 0.1, Frozen: true}, 1, []int{4}, true},
	} {
		_, err := program.Compile(normal(c.op, c.batch, c.shape...), kernels.ProfileF32)
		const want = `nodes[2] "b": a micro-batch has one number a channel, at least 2 needed`
		if (err == nil) != c.ok || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%+v, %d rows of %v: %v", c.op, c.batch, c.shape, err)
		}
	}
}
