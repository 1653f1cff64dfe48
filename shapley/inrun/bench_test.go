package inrun_test

import (
	"fmt"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/shapley/inrun"
	"github.com/verifyd/verifyd/shapley/round/roundtest"
	"github.com/verifyd/verifyd/verify/program"
)

// BenchmarkStep is a step of an MLP of 1.2 million parameters with 256 rows, plain and valued by the validation
// rows of a step.
func BenchmarkStep(b *testing.B) {
	const rows, inputs = 256, 784
	p := roundtest.MLP(inputs, 10, rows, 1e-3, 1024, 384)
	train, val := roundtest.Digits(rows, inputs, 10, 1, 1), roundtest.Digits(256, inputs, 10, 1, 2)
	ids := make([]int, rows)
	for i := range ids {
		ids[i] = i
	}
	m, cpu := machine(b, p, 0, kernels.Options{})
	copy(m.X().F, train.X)
	copy(m.Y().I, train.Y)
	b.Run("plain", func(b *testing.B) {
		t := uint64(0)
		for b.Loop() {
			_, err := m.Gradients(t)
			must(b, err)
			_, _, err = m.Update(t)
			must(b, err)
			t++
		}
	})
	for order := 1; order <= 2; order++ {
		for _, validation := range []int{1, 32, 256} {
			for _, forward := range []bool{false, true} {
				b.Run(fmt.Sprintf("order=%d/validation=%d/forward=%v", order, validation, forward), func(b *testing.B) {
					a, err := inrun.New(inrun.Config{Program: p, Profile: kernels.ProfileF32, Runner: cpu, X: kernels.Buf{F: val.X}, Y: kernels.Buf{I: val.Y},
						Samples: rows, Order: order, Rows: validation, Forward: forward})
					must(b, err)
					t := uint64(0)
					for b.Loop() {
						_, err := a.Step(t, m, ids)
						must(b, err)
						_, _, err = m.Update(t)
						must(b, err)
						t++
					}
				})
			}
		}
	}
}

// BenchmarkStepOfAGPT is a step of a GPT, whose values take a forward pass.
func BenchmarkStepOfAGPT(b *testing.B) {
	const rows, context, vocab = 16, 64, 256
	p := roundtest.MLP(1, 1, rows, 1e-3)
	p.Graph = program.GPT(program.GPTConfig{Vocab: vocab, Context: context, Width: 128, Layers: 2, Heads: 4})
	ids := make([]int, rows)
	for i := range ids {
		ids[i] = i
	}
	m, cpu := machine(b, p, 0, kernels.Options{})
	for i := range m.X().I {
		m.X().I[i], m.Y().I[i] = int32(i*i%vocab), int32((i+1)*(i+1)%vocab)
	}
	b.Run("plain", func(b *testing.B) {
		for b.Loop() {
			_, err := m.Gradients(0)
			must(b, err)
			_, _, err = m.Update(0)
			must(b, err)
		}
	})
	for order := 1; order <= 2; order++ {
		for _, validation := range []int{1, 4} {
			b.Run(fmt.Sprintf("order=%d/validation=%d", order, validation), func(b *testing.B) {
				a, err := inrun.New(inrun.Config{Program: p, Profile: kernels.ProfileF32, Runner: cpu, X: kernels.Buf{I: m.X().I[:4*context]},
					Y: kernels.Buf{I: m.Y().I[:4*context]}, Samples: rows, Order: order, Rows: validation})
				must(b, err)
				must(b, m.Init(3))
				t := uint64(0)
				for b.Loop() {
					_, err := a.Step(t, m, ids)
					must(b, err)
					_, _, err = m.Update(t)
					must(b, err)
					t++
				}
			})
		}
	}
}
