package gatestudy

import (
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/program"
)

// Setting is a training: a model, how it is trained, and data for it.
type Setting struct {
	Name    string
	Program program.Program
	Data    *job.Dataset
	Steps   uint64
	Stride  uint64
}

// Settings are those of the study, each of so many steps, whose names begin with one of some beginnings.
func Settings(steps uint64, beginnings ...string) ([]Setting, error) {
	rows, err := blobs(1500, 64)
	if err != nil {
		return nil, err
	}
	images, err := blobs(1000, 1, 10, 10)
	if err != nil {
		return nil, err
	}
	text, err := chain(600, 16, 32)
	if err != nil {
		return nil, err
	}
	train := func(g program.Graph, batch, accumulation int, clip float64, o program.Optimizer, s program.Schedule) program.Program {
		return program.Program{
			Version: program.Version, BatchSize: batch, Accumulation: accumulation, ClipNorm: clip, Graph: g,
			Loss: program.CrossEntropy, Optimizer: o, Schedule: s,
		}
	}
	mlp := func(activation program.Op, dropout float64) program.Graph {
		return program.MLP(program.MLPConfig{Inputs: 64, Hidden: []int{128, 96}, Classes: 10, Activation: activation, Dropout: dropout})
	}
	cnn := program.CNN(program.CNNConfig{InChannels: 1, Height: 10, Width: 10, Channels: []int{8, 16}, Classes: 10, Dropout: 0.25})
	gpt := func(dropout float64) program.Graph {
		return program.GPT(program.GPTConfig{Vocab: 32, Context: 16, Layers: 2, Heads: 2, Width: 32, Dropout: dropout})
	}
	nesterov := program.Optimizer{Kind: program.SGD, Momentum: 0.9, Nesterov: true, WeightDecay: 1e-4}
	sgd := program.Optimizer{Kind: program.SGD}
	adam := program.Optimizer{Kind: program.Adam, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8}
	adamw := program.Optimizer{Kind: program.AdamW, Beta1: 0.9, Beta2: 0.95, Eps: 1e-8, WeightDecay: 0.1}
	all := []Setting{
		{Name: "mlp, Nesterov, cosine", Data: rows, Program: train(mlp(program.ReLU{}, 0), 32, 1, 0, nesterov,
			program.Schedule{Kind: program.CosineDecay, Rate: 0.05, Warmup: steps / 20, Steps: steps})},
		{Name: "mlp, AdamW, linear, dropout", Data: rows, Program: train(mlp(program.ReLU{}, 0.2), 32, 1, 1, adamw,
			program.Schedule{Kind: program.LinearDecay, Rate: 2e-3, Warmup: steps / 20, Steps: steps})},
		{Name: "mlp tanh, Adam, constant", Data: rows, Program: train(mlp(program.Tanh{}, 0), 32, 1, 0, adam,
			program.Schedule{Kind: program.Constant, Rate: 1e-3})},
		{Name: "cnn, AdamW, linear, dropout", Data: images, Program: train(cnn, 16, 1, 1, adamw,
			program.Schedule{Kind: program.LinearDecay, Rate: 3e-3, Steps: steps})},
		{Name: "cnn, SGD, step", Data: images, Program: train(cnn, 16, 1, 0, sgd,
			program.Schedule{Kind: program.StepDecay, Rate: 0.05, Every: max(steps/4, 1), Factor: 0.5})},
		{Name: "gpt, AdamW, cosine", Data: text, Program: train(gpt(0), 8, 1, 1, adamw,
			program.Schedule{Kind: program.CosineDecay, Rate: 3e-3, Warmup: steps / 20, Steps: steps})},
		{Name: "gpt, Adam, exponential, dropout", Data: text, Program: train(gpt(0.1), 4, 2, 1, adam,
			program.Schedule{Kind: program.Exponential, Rate: 2e-3, Factor: 0.995})},
	}
	for i := range all {
		all[i].Steps, all[i].Stride = steps, max(steps/50, 1)
	}
	return slices.DeleteFunc(all, func(s Setting) bool {
		return !slices.ContainsFunc(beginnings, func(begins string) bool { return strings.HasPrefix(s.Name, begins) })
	}), nil
}

// blobs is samples of classes, each a point with noise around it, some of whose elements are zero as those of images are.
func blobs(samples int, shape ...int) (*job.Dataset, error) {
	const classes = 10
	r := rand.New(rand.NewPCG(1, 2))
	width := 1
	for _, n := range shape {
		width *= n
	}
	centres := make([]float32, classes*width)
	for i := range centres {
		centres[i] = float32(r.NormFloat64())
	}
	x, y := make([]float32, samples*width), make([]int32, samples)
	for i := range samples {
		y[i] = int32(r.IntN(classes))
		for k := range width {
			x[i*width+k] = max(0, centres[int(y[i])*width+k]+float32(r.NormFloat64()))
		}
	}
	return job.NewDataset(
		program.TensorSpec{Name: "x", Shape: append([]int{samples}, shape...)}, kernels.Buf{F: x},
		program.TensorSpec{Name: "y", Kind: kernels.I32, Shape: []int{samples}}, kernels.Buf{I: y})
}

// chain is rows of tokens, each drawn by a law of the one before, with the tokens that follow.
func chain(samples, context, vocab int) (*job.Dataset, error) {
	r := rand.New(rand.NewPCG(3, 4))
	next := make([][4]int32, vocab)
	for i := range next {
		for k := range next[i] {
			next[i][k] = int32(r.IntN(vocab))
		}
	}
	x, y := make([]int32, samples*context), make([]int32, samples*context)
	for i := range samples {
		token := int32(r.IntN(vocab))
		for k := range context {
			x[i*context+k] = token
			token = next[token][min(r.IntN(8), 3)]
			y[i*context+k] = token
		}
	}
	spec := program.TensorSpec{Kind: kernels.I32, Shape: []int{samples, context}}
	return job.NewDataset(spec, kernels.Buf{I: x}, spec, kernels.Buf{I: y})
}
