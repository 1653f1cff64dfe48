package demo

import (
	"github.com/verifyd/verifyd/cmd/verifyd/internal/digits"
	"github.com/verifyd/verifyd/verify/program"
)

// model is one of the two that the demonstration trains.
type model struct {
	name    string
	what    string
	program program.Program
}

// models are small enough to train in seconds and large enough to learn the
// digits.
func models() []model {
	return []model{
		{
			name: "mlp",
			what: "perceptron 64-96-48-10, SGD with Nesterov momentum",
			program: program.Program{
				Version: program.Version, BatchSize: 32, Accumulation: 1,
				Graph:     program.MLP(program.MLPConfig{Inputs: digits.Pixels, Hidden: []int{96, 48}, Classes: digits.Classes}),
				Loss:      program.CrossEntropy,
				Optimizer: program.Optimizer{Kind: program.SGD, Momentum: 0.9, Nesterov: true, WeightDecay: 1e-3},
				Schedule:  program.Schedule{Kind: "cosine", Rate: 0.1, Warmup: 40, Steps: steps},
			},
		},
		{
			name: "cnn",
			what: "convolutions 1-8-16 of 3x3 on 8x8 images, AdamW, gradients clipped at norm 1",
			program: program.Program{
				Version: program.Version, BatchSize: 32, Accumulation: 1, ClipNorm: 1,
				Graph: program.CNN(program.CNNConfig{
					InChannels: 1, Height: digits.Side, Width: digits.Side, Channels: []int{8, 16},
					Classes: digits.Classes, Dropout: 0.25,
				}),
				Loss:      program.CrossEntropy,
				Optimizer: program.Optimizer{Kind: program.AdamW, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 0.01},
				Schedule:  program.Schedule{Kind: "linear", Rate: 0.02, Warmup: 40, Steps: steps},
			},
		},
	}
}
