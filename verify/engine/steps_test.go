package engine_test

import (
	"errors"
	"math"
	"testing"

	"github.com/verifyd/verifyd/kernels/kernelstest"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/program"
)

var (
	sgd      = program.Optimizer{Kind: program.SGD}
	nesterov = program.Optimizer{Kind: program.SGD, Momentum: 0.9, Nesterov: true, WeightDecay: 1e-3}
	damped   = program.Optimizer{Kind: program.SGD, Momentum: 0.5, Dampening: 0.25}
	adam     = program.Optimizer{Kind: program.Adam, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 1e-3}
	adamW    = program.Optimizer{Kind: program.AdamW, Beta1: 0.9, Beta2: 0.95, Eps: 1e-8, WeightDecay: 0.1}
	constant = program.Schedule{Kind: program.Constant, Rate: 0.02}
	cosine   = program.Schedule{Kind: program.CosineDecay, Rate: 0.02, Warmup: 3, Steps: 40}
)

// programs are small models, each with what makes a step another one: micro-batches, clipping, dropout and
// the optimizers. No row has a width that is a multiple of 4.
func programs() map[string]program.Program {
	mlp := func(dropout float64, hidden ...int) program.Graph {
		return program.MLP(program.MLPConfig{Inputs: 7, Hidden: hidden, Classes: 3, Dropout: dropout})
	}
	cnn := program.CNNConfig{InChannels: 3, Height: 5, Width: 7, Channels: []int{5, 3}, Classes: 3}
	gpt := program.GPTConfig{Vocab: 13, Context: 5, Width: 6, Layers: 1, Heads: 2}
	adapted := program.LoRA(program.GPT(program.GPTConfig{Vocab: 13, Context: 5, Width: 6, Layers: 1, Heads: 2, Tied: true}), 3,
		func(name string) bool { return name != "head" })
	tied := program.GPT(program.GPTConfig{Vocab: 13, Context: 5, Width: 6, Layers: 1, Heads: 2, Tied: true})
	tied.Frozen = []string{"blocks.0.ln1.weight", "blocks.0.up.weight", "pos.weight"}
	dropping := func(g program.GPTConfig) program.GPTConfig { g.Dropout = 0.2; return g }
	return map[string]program.Program{
		"mlp, sgd":                    {BatchSize: 5, Accumulation: 1, Graph: mlp(0, 11, 5), Loss: program.CrossEntropy, Optimizer: sgd, Schedule: constant},
		"mlp, nesterov, clipped":      {BatchSize: 3, Accumulation: 3, Graph: mlp(0.3, 9), Loss: program.CrossEntropy, Optimizer: nesterov, Schedule: cosine, ClipNorm: 0.05},
		"mlp, damped, never clipped":  {BatchSize: 3, Accumulation: 1, Graph: mlp(0.3, 9), Loss: program.CrossEntropy, Optimizer: damped, Schedule: cosine, ClipNorm: 1e6},
		"mlp, adam, numbers to match": {BatchSize: 3, Accumulation: 3, Graph: mlp(0, 6), Loss: program.MSE, Optimizer: adam, Schedule: constant, ClipNorm: 0.1},
		"cnn, adamw, clipped":         {BatchSize: 1, Accumulation: 3, Graph: program.CNN(cnn), Loss: program.CrossEntropy, Optimizer: adamW, Schedule: cosine, ClipNorm: 0.1},
		"cnn, damped":                 {BatchSize: 3, Accumulation: 1, Graph: program.CNN(cnn), Loss: program.CrossEntropy, Optimizer: damped, Schedule: constant},
		"gpt, adamw, clipped":         {BatchSize: 1, Accumulation: 3, Graph: program.GPT(dropping(gpt)), Loss: program.CrossEntropy, Optimizer: adamW, Schedule: cosine, ClipNorm: 0.3},
		"gpt, tied, partly frozen":    {BatchSize: 1, Accumulation: 2, Graph: tied, Loss: program.CrossEntropy, Optimizer: adam, Schedule: constant, ClipNorm: 0.3},
		"several inputs":              {BatchSize: 2, Accumulation: 2, Graph: masked(), Loss: program.CrossEntropy, Optimizer: adamW, Schedule: constant, ClipNorm: 0.3},
		"batch norm":                  {BatchSize: 2, Accumulation: 2, Graph: normalised(false), Loss: program.CrossEntropy, Optimizer: adam, Schedule: constant},
		"batch norm, frozen":          {BatchSize: 2, Accumulation: 1, Graph: normalised(true), Loss: program.CrossEntropy, Optimizer: adam, Schedule: constant},
		"gpt, adapted":                {BatchSize: 2, Accumulation: 1, Graph: adapted, Loss: program.CrossEntropy, Optimizer: adamW, Schedule: constant, ClipNorm: 0.3},
		"mlp, groups": {BatchSize: 3, Accumulation: 2, Graph: mlp(0.3, 9), Loss: program.CrossEntropy, Optimizer: adamW, Schedule: cosine, ClipNorm: 0.1,
			Groups: []program.Group{
				{Params: []string{"net.0.bias"}, Optimizer: program.Optimizer{Kind: program.AdamW, Beta1: 0.5, Beta2: 0.9, Eps: 1e-3}, Schedule: constant},
				{Params: []string{"net.0.weight"}, Optimizer: adamW, Schedule: program.Schedule{Kind: program.Exponential, Rate: 0.3, Factor: 0.5}},
			}},
		"mlp, groups with and without momentum": {BatchSize: 3, Accumulation: 1, Graph: mlp(0, 9), Loss: program.CrossEntropy, Optimizer: sgd, Schedule: constant,
			Groups: []program.Group{{Params: []string{"net.0.weight"}, Optimizer: nesterov, Schedule: cosine}}},
		"gpt, adam": {BatchSize: 2, Accumulation: 1, Graph: program.GPT(gpt), Loss: program.CrossEntropy, Optimizer: adam, Schedule: constant},
	}
}

// normalised has running statistics, which steps move or which are frozen.
func normalised(frozen bool) program.Graph {
	node := func(name string, op program.Op, in ...string) program.Node {
		return program.Node{Name: name, Op: op, Inputs: in}
	}
	g := program.Graph{Nodes: []program.Node{
		node("x", program.Input{Type: program.F32, Shape: []int{2, 3, 3}}), node("conv", program.Conv2D{Out: 3, Kernel: [2]int{2, 2}, Stride: [2]int{1, 1}}, "x"),
		node("bn", program.BatchNorm{Eps: 1e-5, Momentum: 0.25, Frozen: frozen}, "conv"), node("flat", program.Flatten{}, "bn"), node("c", program.Linear{Out: 3}, "flat"),
	}}
	if frozen {
		g.Frozen = []string{"bn.running_mean", "bn.running_var"}
	}
	return g
}

// masked embeds tokens, weighs them by a mask and moves them by a table of the model's own.
func masked() program.Graph {
	node := func(name string, op program.Op, in ...string) program.Node {
		return program.Node{Name: name, Op: op, Inputs: in}
	}
	return program.Graph{Nodes: []program.Node{
		node("tokens", program.Input{Type: program.I32, Shape: []int{5}}), node("mask", program.Input{Type: program.F32, Shape: []int{5, 4}}),
		node("tok", program.Embedding{Vocab: 7, Dim: 4, Std: 0.5}, "tokens"), node("m", program.Mul{}, "tok", "mask"),
		node("table", program.Parameter{Shape: []int{5, 4}, Std: 0.3}), node("s", program.Add{}, "m", "table"),
		node("half", program.ConstantTensor{Shape: []int{1, 4}, Values: program.Bits{0.5, 0.5, -0.5, 2}}), node("h", program.Mul{}, "s", "half"),
		node("flat", program.Flatten{}, "h"), node("head", program.Linear{Out: 3, Bias: true}, "flat"),
	}}
}

func TestAnAcceleratorGivesTheStepsOfTheCPU(t *testing.T) {
	t.Parallel()
	cpu := reference(t)
	for _, c := range []struct {
		device engine.Device
		steps  uint64
	}{{underShim(t, kernelstest.Ascending), 12}, {underShim(t, kernelstest.Descending), 12}, {asPTX(t), 2}} {
		if testing.Short() && c.device.Name() == "ptx" {
			continue
		}
		for name, p := range programs() {
			t.Run(c.device.Name()+"/"+name, func(t *testing.T) {
				s := spec(t, p)
				want, got := start(t, cpu, s), start(t, c.device, s)
				sameState(t, s, want, got) // zero
				must(t, errors.Join(want.Init(t.Context(), 5), got.Init(t.Context(), 5)))
				sameState(t, s, want, got)
				for at := range c.steps {
					stepped(t, s, at, want, got)
				}
				sameState(t, s, want, got)
			})
		}
	}
}

func TestAStateGoesOnWhereItIsLoaded(t *testing.T) {
	shim := underShim(t, kernelstest.Ascending)
	s := spec(t, programs()["gpt, adamw, clipped"])
	first, second, third := start(t, shim, s), start(t, reference(t), s), start(t, shim, s)
	must(t, first.Init(t.Context(), 5))
	must(t, third.Init(t.Context(), 6))
	for at := range uint64(4) {
		stepped(t, s, at, first)
		stepped(t, s, 9-at, third)
	}
	loaded(t, saved(t, first), second, third)
	for at := uint64(4); at < 8; at++ {
		stepped(t, s, at, first, second, third)
	}
	sameState(t, s, first, third)
}

func TestInitForgetsWhatWasBefore(t *testing.T) {
	s := spec(t, programs()["mlp, nesterov, clipped"])
	once, again := start(t, reference(t), s), start(t, underShim(t, kernelstest.Ascending), s)
	for _, seed := range []uint64{7, 8, 5} {
		must(t, again.Init(t.Context(), seed))
		stepped(t, s, 0, again)
	}
	must(t, errors.Join(once.Init(t.Context(), 5), again.Init(t.Context(), 5)))
	sameState(t, s, once, again)
	stepped(t, s, 1, once, again)
}

// A tensor of 2*2^18 + 1 elements has three pieces, the last of one word.
func TestATensorOfSeveralPiecesHasTheDigestsOfTheCPU(t *testing.T) {
	p := program.Program{
		BatchSize: 1, Accumulation: 1, Loss: program.MSE, Optimizer: nesterov, Schedule: constant,
		Graph: program.Graph{Nodes: []program.Node{
			{Name: "x", Op: program.Input{Type: program.F32, Shape: []int{2<<18 + 1}}},
			{Name: "a", Inputs: []string{"x"}, Op: program.Linear{Out: 1, Bias: true}},
		}},
	}
	s := spec(t, p)
	want, got := start(t, reference(t), s), start(t, underShim(t, kernelstest.Descending), s)
	must(t, errors.Join(want.Init(t.Context(), 5), got.Init(t.Context(), 5)))
	sameState(t, s, want, got)
	stepped(t, s, 0, want, got)
	sameState(t, s, want, got)
}

func TestAStepThatDivergesIsTheSameEverywhere(t *testing.T) {
	t.Parallel()
	nan, inf := math.Float32frombits(0xffc12345), float32(math.Inf(-1)) // a NaN with a sign and a payload
	cpu := reference(t)
	for _, d := range []engine.Device{underShim(t, kernelstest.Ascending), asPTX(t)} {
		if testing.Short() && d.Name() == "ptx" {
			continue
		}
		for _, name := range []string{"mlp, nesterov, clipped", "mlp, adam, numbers to match", "gpt, adam"} {
			s := spec(t, programs()[name])
			for what, change := range map[string]func(first, last []float32){
				"a NaN in the first tensor":        func(first, _ []float32) { first[0] = nan },
				"infinities in the first tensor":   func(first, _ []float32) { first[0], first[1] = inf, -inf },
				"an infinity in the last":          func(_, last []float32) { last[len(last)-1] = inf },
				"gradients beyond every number":    func(first, _ []float32) { first[0], first[1] = 3e38, 3e38 },
				"a NaN that only the last one has": func(_, last []float32) { last[len(last)-1] = nan },
			} {
				t.Run(d.Name()+"/"+name+"/"+what, func(t *testing.T) {
					want, got := start(t, cpu, s), start(t, d, s)
					must(t, want.Init(t.Context(), 5))
					tensors := saved(t, want)
					change(tensors[0], tensors[len(tensors)-1])
					loaded(t, tensors, want, got)
					sameState(t, s, want, got)
					step := stepped(t, s, 0, want, got)
					for _, bits := range []uint32{step.Loss, step.Clip} {
						if v := math.Float32frombits(bits); v != v && bits != 0x7fc00000 {
							t.Errorf("a NaN is %08x", bits)
						}
					}
					if what != "gradients beyond every number" && step.Finite {
						t.Error("the state is called finite")
					}
					stepped(t, s, 1, want, got)

					// What has diverged leaves nothing behind.
					must(t, errors.Join(want.Init(t.Context(), 5), got.Init(t.Context(), 5)))
					if step := stepped(t, s, 2, want, got); !step.Finite {
						t.Error("the next state is not finite")
					}
				})
			}
		}
	}
}
