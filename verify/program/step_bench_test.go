package program_test

import (
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/program"
)

// steps are programs of the three families whose steps take milliseconds and more; in "groups", which is "mlp" otherwise, biases are
// a group of their own; in "small" the calls are many and short, and its norm is never above the limit.
func steps() []struct {
	name    string
	classes int
	program program.Program
} {
	mlp := program.MLP(program.MLPConfig{Inputs: 784, Hidden: []int{1024, 1024}, Classes: 10})
	cnn := program.CNN(program.CNNConfig{InChannels: 1, Height: 28, Width: 28, Channels: []int{32, 64}, Classes: 10})
	gpt := program.GPT(program.GPTConfig{Vocab: 256, Context: 128, Width: 256, Layers: 4, Heads: 8})
	small := program.GPT(program.GPTConfig{Vocab: 256, Context: 8, Width: 64, Layers: 2, Heads: 2})
	of := func(batch, accumulation int, g program.Graph, o program.Optimizer, clip float64) program.Program {
		return program.Program{
			Version: program.Version, BatchSize: batch, Accumulation: accumulation, Graph: g, Loss: program.CrossEntropy, Optimizer: o,
			Schedule: program.Schedule{Kind: program.Constant, Rate: 1e-3}, ClipNorm: clip,
		}
	}
	sgd := program.Optimizer{Kind: program.SGD, Momentum: 0.9}
	adam := program.Optimizer{Kind: program.Adam, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8}
	adamw := program.Optimizer{Kind: program.AdamW, Beta1: 0.9, Beta2: 0.95, Eps: 1e-8, WeightDecay: 0.1}
	groups := of(256, 1, mlp, sgd, 0)
	groups.Groups = []program.Group{{
		Params: []string{"net.0.bias", "net.2.bias", "net.4.bias"}, Optimizer: sgd, Schedule: program.Schedule{Kind: program.Constant, Rate: 1e-4},
	}}
	return []struct {
		name    string
		classes int
		program program.Program
	}{
		{"mlp", 10, of(256, 1, mlp, sgd, 0)},
		{"groups", 10, groups},
		{"cnn", 10, of(64, 1, cnn, adam, 0)},
		{"gpt", 256, of(8, 1, gpt, adamw, 1)},
		{"small", 256, of(1, 4, small, adamw, 1e9)},
	}
}

func BenchmarkStep(b *testing.B) {
	for _, s := range steps() {
		b.Run(s.name, func(b *testing.B) {
			m, plan := machine(b, &s.program, kernels.Options{Threads: 1})
			must(b, m.Init(1))
			draw(m, 0, s.classes)
			step := uint64(0)
			run := func() {
				_, err := m.Gradients(step)
				must(b, err)
				_, _, err = m.Update(step)
				must(b, err)
				step++
			}
			run() // memory and scratch
			for b.Loop() {
				run()
			}
			b.ReportMetric(float64(plan.MemoryBytes()), "bytes")
		})
	}
}

func BenchmarkEvaluate(b *testing.B) {
	for _, s := range steps() {
		b.Run(s.name, func(b *testing.B) {
			m, _ := machine(b, &s.program, kernels.Options{Threads: 1})
			must(b, m.Init(1))
			draw(m, 0, s.classes)
			run := func() {
				_, _, err := m.Evaluate()
				must(b, err)
			}
			run()
			for b.Loop() {
				run()
			}
		})
	}
}
