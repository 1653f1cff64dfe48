package enginetest

import (
	"fmt"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/program/exported"
)

// The seeds of every training: of dropout and of the initial state.
const (
	dropoutSeed = 12
	initSeed    = 3
)

// Training is a program to train, with the data that Fill draws.
type Training struct {
	Name    string
	Spec    *engine.Spec
	Classes int // labels and token ids are below it; 0 if labels are numbers
}

// Small are trainings that an interpreter of kernels can follow for some steps: a perceptron, a
// convolutional net and a transformer with dropout, accumulation and clipping, a net of what these lack, one
// that moves, repeats, sums, clamps and augments, a decoder in the manner of Llama, and a block of each of the models of
// package exported.
func Small() ([]Training, error) {
	blocks, err := exportedDefinitions(exported.Blocks(), 0, [4]int{5, 5, 19, 19})
	if err != nil {
		return nil, err
	}
	return compile(append([]definition{
		{"mlp", 7, program.Program{
			BatchSize: 12, Accumulation: 2, ClipNorm: 0.5,
			Graph:     program.MLP(program.MLPConfig{Inputs: 20, Hidden: []int{33, 17}, Classes: 7, Dropout: 0.25}),
			Loss:      program.CrossEntropy,
			Optimizer: program.Optimizer{Kind: program.SGD, Momentum: 0.9, Dampening: 0.1, WeightDecay: 1e-3},
			Schedule:  program.Schedule{Kind: program.CosineDecay, Rate: 0.05, Warmup: 5, Steps: 300, Floor: 0.001},
		}},
		{"cnn", 4, program.Program{
			BatchSize: 6, Accumulation: 1,
			Graph:     program.CNN(program.CNNConfig{InChannels: 2, Height: 7, Width: 6, Channels: []int{5, 3}, Classes: 4, Dropout: 0.1}),
			Loss:      program.CrossEntropy,
			Optimizer: program.Optimizer{Kind: program.Adam, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 1e-4},
			Schedule:  program.Schedule{Kind: program.StepDecay, Rate: 0.003, Every: 40, Factor: 0.7},
		}},
		{"gpt", 19, program.Program{
			BatchSize: 2, Accumulation: 2, ClipNorm: 1,
			Graph:     program.GPT(program.GPTConfig{Vocab: 19, Context: 11, Width: 12, Layers: 2, Heads: 3, Dropout: 0.1}),
			Loss:      program.CrossEntropy,
			Optimizer: program.Optimizer{Kind: program.AdamW, Beta1: 0.9, Beta2: 0.95, Eps: 1e-8, WeightDecay: 0.1},
			Schedule:  program.Schedule{Kind: program.LinearDecay, Rate: 0.003, Warmup: 20, Steps: 300},
		}},
		{"mixed", 0, program.Program{
			BatchSize: 3, Accumulation: 1,
			Graph:     mixed(),
			Loss:      program.MSE,
			Optimizer: program.Optimizer{Kind: program.SGD, WeightDecay: 1e-3},
			Schedule:  program.Schedule{Kind: program.Exponential, Rate: 0.05, Factor: 0.99},
		}},
		{"shapes", 5, program.Program{
			BatchSize: 5, Accumulation: 2, ClipNorm: 1,
			Graph:     shapes(),
			Loss:      program.CrossEntropy,
			Optimizer: program.Optimizer{Kind: program.AdamW, Beta1: 0.9, Beta2: 0.99, Eps: 1e-8, WeightDecay: 0.01},
			Schedule:  program.Schedule{Kind: program.LinearDecay, Rate: 0.003, Warmup: 10, Steps: 300},
		}},
		{"decoder", 13, program.Program{
			BatchSize: 3, Accumulation: 2, ClipNorm: 1,
			Graph:     decoder(),
			Loss:      program.CrossEntropy,
			Optimizer: program.Optimizer{Kind: program.AdamW, Beta1: 0.9, Beta2: 0.95, Eps: 1e-8, WeightDecay: 0.1},
			Schedule:  program.Schedule{Kind: program.LinearDecay, Rate: 0.003, Warmup: 20, Steps: 300},
		}},
	}, blocks...))
}

// Models are those of package exported, whole, in micro-batches of four rows.
func Models() ([]Training, error) {
	all, err := exportedDefinitions(exported.Models(), 4, [4]int{10, 10, 256, 256})
	if err != nil {
		return nil, err
	}
	return compile(all)
}

// exportedDefinitions are programs of package exported, with other micro-batches unless rows is 0.
func exportedDefinitions(names []string, rows int, classes [4]int) (all []definition, err error) {
	for i, name := range names {
		p, err := exported.Program(name)
		if err != nil {
			return nil, err
		}
		if rows > 0 {
			p.BatchSize = rows
		}
		all = append(all, definition{name, classes[i], *p})
	}
	return all, nil
}

// Large are trainings whose tensors, sums and products have more than one block: tensors past 1 MiB,
// reductions past 65,536 elements, products with more than 512 terms, tiles of every size.
func Large() ([]Training, error) {
	return compile([]definition{
		{"mlp-large", 10, program.Program{
			BatchSize: 96, Accumulation: 1,
			Graph:     program.MLP(program.MLPConfig{Inputs: 784, Hidden: []int{512, 256}, Classes: 10, Activation: program.GELUTanh{}}),
			Loss:      program.CrossEntropy,
			Optimizer: program.Optimizer{Kind: program.SGD, Momentum: 0.9, Nesterov: true, WeightDecay: 1e-4},
			Schedule:  program.Schedule{Kind: program.Constant, Rate: 0.01},
		}},
		{"cnn-large", 10, program.Program{
			BatchSize: 16, Accumulation: 1, ClipNorm: 1,
			Graph:     program.CNN(program.CNNConfig{InChannels: 3, Height: 16, Width: 16, Channels: []int{16, 32}, Classes: 10, Dropout: 0.2}),
			Loss:      program.CrossEntropy,
			Optimizer: program.Optimizer{Kind: program.AdamW, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 0.01},
			Schedule:  program.Schedule{Kind: program.LinearDecay, Rate: 0.002, Warmup: 20, Steps: 300},
		}},
		{"gpt-large", 211, program.Program{
			BatchSize: 4, Accumulation: 2, ClipNorm: 1,
			Graph:     program.GPT(program.GPTConfig{Vocab: 211, Context: 144, Width: 96, Layers: 2, Heads: 3, Dropout: 0.1}),
			Loss:      program.CrossEntropy,
			Optimizer: program.Optimizer{Kind: program.AdamW, Beta1: 0.9, Beta2: 0.95, Eps: 1e-8, WeightDecay: 0.1},
			Schedule:  program.Schedule{Kind: program.CosineDecay, Rate: 0.001, Warmup: 20, Steps: 300},
		}},
	})
}

// mixed has what the other graphs lack: strides and padding, overlapping windows, average pooling, the other
// activations, normalisation without a mean, products and a softmax within.
func mixed() program.Graph {
	linear := func(out int, bias bool) program.Op { return program.Linear{Out: out, Bias: bias} }
	return program.Graph{Nodes: []program.Node{
		{Name: "x", Op: program.Input{Type: program.F32, Shape: []int{3, 11, 8}}},
		{Name: "conv", Inputs: []string{"x"}, Op: program.Conv2D{Out: 4, Kernel: [2]int{3, 2}, Stride: [2]int{1, 2}, Padding: [2]int{1, 1}}},
		{Name: "silu", Inputs: []string{"conv"}, Op: program.SiLU{}},
		{Name: "avg", Inputs: []string{"silu"}, Op: program.AvgPool2D{Kernel: [2]int{2, 2}, Stride: [2]int{1, 1}, Padding: [2]int{1, 0}}},
		{Name: "max", Inputs: []string{"avg"}, Op: program.MaxPool2D{Kernel: [2]int{3, 2}, Stride: [2]int{2, 1}, Padding: [2]int{1, 0}}},
		{Name: "flat", Inputs: []string{"max"}, Op: program.Flatten{}},
		{Name: "rms", Inputs: []string{"flat"}, Op: program.RMSNorm{Eps: 1e-5}},
		{Name: "a", Inputs: []string{"rms"}, Op: linear(12, true)},
		{Name: "tanh", Inputs: []string{"a"}, Op: program.Tanh{}},
		{Name: "b", Inputs: []string{"rms"}, Op: linear(12, false)},
		{Name: "sigmoid", Inputs: []string{"b"}, Op: program.Sigmoid{}},
		{Name: "gate", Inputs: []string{"tanh", "sigmoid"}, Op: program.Mul{}},
		{Name: "probabilities", Inputs: []string{"gate"}, Op: program.Softmax{}},
		{Name: "sum", Inputs: []string{"gate", "probabilities"}, Op: program.Add{}},
		{Name: "gelu", Inputs: []string{"sum"}, Op: program.GELUTanh{}},
		{Name: "out", Inputs: []string{"gelu"}, Op: linear(5, true)},
	}}
}

// decoder has queries that share heads of keys and turn with them by their positions, token 0 as padding, a gated layer, attention of
// a few summaries to all positions, and products of activations on both sides of it.
func decoder() program.Graph {
	linear := func(out int) program.Op { return program.Linear{Out: out, Std: 0.2} }
	return program.Graph{Nodes: []program.Node{
		{Name: "x", Op: program.Input{Type: program.I32, Shape: []int{10}}},
		{Name: "tok", Inputs: []string{"x"}, Op: program.Embedding{Vocab: 13, Dim: 16, Std: 0.5}},
		{Name: "n1", Inputs: []string{"tok"}, Op: program.RMSNorm{Eps: 1e-5}},
		{Name: "q", Inputs: []string{"n1"}, Op: linear(24)},
		{Name: "k", Inputs: []string{"n1"}, Op: linear(12)},
		{Name: "v", Inputs: []string{"n1"}, Op: linear(12)},
		{Name: "qr", Inputs: []string{"q"}, Op: program.Rope{Heads: 4, Theta: 10000}},
		{Name: "kr", Inputs: []string{"k"}, Op: program.Rope{Heads: 2, Theta: 10000}},
		{Name: "a", Inputs: []string{"qr", "kr", "v", "x"}, Op: program.Attention{Heads: 4, KVHeads: 2, Causal: true}},
		{Name: "o", Inputs: []string{"a"}, Op: linear(16)},
		{Name: "h1", Inputs: []string{"tok", "o"}, Op: program.Add{}},
		{Name: "n2", Inputs: []string{"h1"}, Op: program.RMSNorm{Eps: 1e-5}},
		{Name: "up", Inputs: []string{"n2"}, Op: linear(20)},
		{Name: "gate", Inputs: []string{"n2"}, Op: linear(20)},
		{Name: "silu", Inputs: []string{"gate"}, Op: program.SiLU{}},
		{Name: "mul", Inputs: []string{"silu", "up"}, Op: program.Mul{}},
		{Name: "down", Inputs: []string{"mul"}, Op: linear(16)},
		{Name: "h2", Inputs: []string{"h1", "down"}, Op: program.Add{}},
		{Name: "few", Inputs: []string{"h2"}, Op: linear(3)},
		{Name: "summaries", Inputs: []string{"few", "h2"}, Op: program.MatMul{TransA: true}},
		{Name: "turned", Inputs: []string{"summaries"}, Op: program.Rope{Heads: 2, Interleaved: true, Offset: 4, Frequencies: []float32{1, 0.25, 0.0625}}},
		{Name: "cross", Inputs: []string{"turned", "h2", "h2", "x"}, Op: program.Attention{Heads: 2, Scale: 0.3}},
		{Name: "back", Inputs: []string{"few", "cross"}, Op: program.MatMul{}},
		{Name: "out", Inputs: []string{"back"}, Op: linear(13)},
	}}
}

type definition struct {
	name    string
	classes int
	program program.Program
}

func compile(all []definition) ([]Training, error) {
	var trainings []Training
	for _, d := range all {
		d.program.Version = program.Version
		spec, err := engine.NewSpec(&d.program, kernels.ProfileF32, dropoutSeed)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.name, err)
		}
		spec.Reads = program.ReadWords(Reads(spec.Plan))
		trainings = append(trainings, Training{d.name, spec, d.classes})
	}
	return trainings, nil
}
