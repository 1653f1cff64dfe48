package verifytest

import "github.com/verifyd/verifyd/verify/program"

// MLP is a small classifier of rows of seven numbers, with momentum, decay and clipping. [Blobs] is for it.
func MLP() *program.Program {
	return &program.Program{
		Version: program.Version, BatchSize: 6, Accumulation: 2, ClipNorm: 0.5,
		Graph:     program.MLP(program.MLPConfig{Inputs: 7, Hidden: []int{11, 5}, Classes: 3, Dropout: 0.2}),
		Loss:      program.CrossEntropy,
		Optimizer: program.Optimizer{Kind: program.SGD, Momentum: 0.9, Nesterov: true, WeightDecay: 1e-4},
		Schedule:  program.Schedule{Kind: program.CosineDecay, Rate: 0.1, Warmup: 5, Steps: 50},
	}
}

// CNN is a small classifier of [Images], with AdamW and clipping.
func CNN() *program.Program {
	return &program.Program{
		Version: program.Version, BatchSize: 5, Accumulation: 1, ClipNorm: 1,
		Graph: program.CNN(program.CNNConfig{
			InChannels: 1, Height: 6, Width: 6, Channels: []int{3, 5}, Classes: 3, Dropout: 0.25}),
		Loss:      program.CrossEntropy,
		Optimizer: program.Optimizer{Kind: program.AdamW, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 0.01},
		Schedule:  program.Schedule{Kind: program.LinearDecay, Rate: 0.01, Warmup: 10, Steps: 300},
	}
}

// GPT is a small language model of [Text], with Adam and clipping.
func GPT() *program.Program {
	return &program.Program{
		Version: program.Version, BatchSize: 2, Accumulation: 2, ClipNorm: 1,
		Graph:     program.GPT(program.GPTConfig{Vocab: 11, Context: 6, Layers: 1, Heads: 2, Width: 8, Dropout: 0.1}),
		Loss:      program.CrossEntropy,
		Optimizer: program.Optimizer{Kind: program.Adam, Beta1: 0.9, Beta2: 0.99, Eps: 1e-8},
		Schedule:  program.Schedule{Kind: program.StepDecay, Rate: 0.01, Every: 100, Factor: 0.5},
	}
}

// Adapted is [GPT] with the token embedding as output layer, frozen, and adapters of rank 2 beside two of its layers.
func Adapted() *program.Program {
	p := GPT()
	g := program.GPT(program.GPTConfig{Vocab: 11, Context: 6, Layers: 1, Heads: 2, Width: 8, Dropout: 0.1, Tied: true})
	p.Graph = program.LoRA(g, 2, func(name string) bool { return name == "blocks.0.qkv" || name == "blocks.0.up" })
	return p
}
