package program_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/program"
)

// small are the three kinds of model at a size for tests, with dropout, accumulation and clipping.
func small() map[string]*program.Program {
	return map[string]*program.Program{
		"mlp": {
			Version: program.Version, BatchSize: 12, Accumulation: 2,
			Graph:     program.MLP(program.MLPConfig{Inputs: 20, Hidden: []int{33, 17}, Classes: 7, Dropout: 0.25}),
			Loss:      program.CrossEntropy,
			Optimizer: program.Optimizer{Kind: program.SGD, Momentum: 0.9, Dampening: 0.1, WeightDecay: 1e-3},
			Schedule:  program.Schedule{Kind: program.CosineDecay, Rate: 0.05, Warmup: 5, Steps: 300, Floor: 0.001},
			ClipNorm:  0.5,
		},
		"cnn": {
			Version: program.Version, BatchSize: 6, Accumulation: 1,
			Graph:     program.CNN(program.CNNConfig{InChannels: 2, Height: 7, Width: 6, Channels: []int{5, 3}, Classes: 4, Dropout: 0.1}),
			Loss:      program.CrossEntropy,
			Optimizer: program.Optimizer{Kind: program.Adam, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 1e-4},
			Schedule:  program.Schedule{Kind: program.StepDecay, Rate: 0.003, Every: 40, Factor: 0.7},
		},
		"gpt": {
			Version: program.Version, BatchSize: 2, Accumulation: 2,
			Graph:     program.GPT(program.GPTConfig{Vocab: 19, Context: 11, Width: 12, Layers: 2, Heads: 3, Dropout: 0.1}),
			Loss:      program.CrossEntropy,
			Optimizer: program.Optimizer{Kind: program.AdamW, Beta1: 0.9, Beta2: 0.95, Eps: 1e-8, WeightDecay: 0.1},
			Schedule:  program.Schedule{Kind: program.LinearDecay, Rate: 0.003, Warmup: 20, Steps: 300},
			ClipNorm:  1,
		},
	}
}

// classesOf is the number of labels that a small program's loss knows.
var classesOf = map[string]int{"mlp": 7, "cnn": 4, "gpt": 19}

// draw fills X and Y for a step.
func draw(m *program.Machine, step uint64, classes int) {
	r := rand.New(rand.NewPCG(step, 7))
	for _, b := range m.Rows() {
		for i := range b.F {
			b.F[i] = float32(r.IntN(4001)-2000) / 1000
		}
		for i := range b.I {
			b.I[i] = int32(r.IntN(classes))
		}
	}
}

// train runs steps first to last and returns the state's bytes and every step's loss, norm and
// coefficient.
func train(t testing.TB, m *program.Machine, classes int, first, last uint64) []byte {
	t.Helper()
	var scalars []float32
	for step := first; step < last; step++ {
		draw(m, step, classes)
		loss, err := m.Gradients(step)
		must(t, err)
		norm, coef, err := m.Update(step)
		must(t, err)
		scalars = append(scalars, loss, norm, coef)
	}
	return bytesOf(append(m.Tensors(), scalars))
}

func bytesOf(tensors [][]float32) []byte {
	var b bytes.Buffer
	for _, x := range tensors {
		for _, v := range x {
			b.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)))
		}
	}
	return b.Bytes()
}

func TestTrainingHasTheSameBytesOnEveryPathAndThreadCount(t *testing.T) {
	steps := uint64(300)
	if testing.Short() {
		steps = 30
	}
	for name, p := range small() {
		t.Run(name, func(t *testing.T) {
			var want []byte
			for _, isa := range kernels.Available() {
				for _, threads := range []int{1, 2, 8} {
					m, _ := machine(t, p, kernels.Options{ISA: isa, Threads: threads})
					must(t, m.Init(3))
					got := train(t, m, classesOf[name], 0, steps)
					if want == nil {
						want = got
					}
					if !bytes.Equal(got, want) {
						t.Errorf("%v with %d threads differs from %v with 1", isa, threads, kernels.Available()[0])
					}
				}
			}
		})
	}
}

// The digests are the same on every architecture. They change only with DRN-1, with the order in which
// this package calls its operators, or with the programs above.
func TestTheDigestOfTrainingIsFixed(t *testing.T) {
	for name, want := range map[string]string{
		"mlp": "fc48aeda9771d2f180a469775677a467210a1f444cb9efc98a5a0993c4d087ae",
		"cnn": "f88bde8b48385498852769ae075a6d9c5df6d538aaa3f417cb797e2b791aa7cb",
		"gpt": "8fb5ba003ef1d38f6a832823877e2c49bf461aa5e23cc230e3251e39b81457f1",
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := machine(t, small()[name], kernels.Options{})
			must(t, m.Init(3))
			if got := fmt.Sprintf("%x", sha256.Sum256(train(t, m, classesOf[name], 0, 25))); got != want {
				t.Errorf("digest %s, %s wanted", got, want)
			}
		})
	}
}

func TestAnyStepCanBeReplayedAlone(t *testing.T) {
	for name, p := range small() {
		t.Run(name, func(t *testing.T) {
			m, _ := machine(t, p, kernels.Options{})
			must(t, m.Init(3))
			train(t, m, classesOf[name], 0, 17)
			var before [][]float32
			for _, x := range m.Tensors() {
				before = append(before, append([]float32(nil), x...))
			}
			want := train(t, m, classesOf[name], 17, 20)

			other, _ := machine(t, p, kernels.Options{Threads: 3})
			for i, x := range other.Tensors() {
				copy(x, before[i])
			}
			if got := train(t, other, classesOf[name], 17, 20); !bytes.Equal(got, want) {
				t.Error("steps 17 to 19 differ from those of the whole run")
			}
		})
	}
}

func TestAStepAllocatesNothing(t *testing.T) {
	for name, p := range small() {
		t.Run(name, func(t *testing.T) {
			m, _ := machine(t, p, kernels.Options{Threads: 2})
			must(t, m.Init(3))
			draw(m, 0, classesOf[name])
			step := func() {
				if _, err := m.Gradients(1); err != nil {
					t.Error(err)
				}
				if _, _, err := m.Update(1); err != nil {
					t.Error(err)
				}
				if _, _, err := m.Evaluate(); err != nil {
					t.Error(err)
				}
			}
			step()
			if n := testing.AllocsPerRun(20, step); n != 0 {
				t.Errorf("%v allocations in a step", n)
			}
		})
	}
}

func TestTheLossFalls(t *testing.T) {
	for name, p := range small() {
		t.Run(name, func(t *testing.T) {
			m, _ := machine(t, p, kernels.Options{})
			must(t, m.Init(3))
			draw(m, 0, classesOf[name])
			before, _, err := m.Evaluate()
			must(t, err)
			for step := range uint64(100) { // the same batch again and again
				_, err := m.Gradients(step)
				must(t, err)
				_, _, err = m.Update(step)
				must(t, err)
			}
			after, _, err := m.Evaluate()
			must(t, err)
			if !(after < 0.8*before) {
				t.Errorf("loss %v after 100 steps on one batch, %v before", after, before)
			}
		})
	}
}

func TestIdsAndLabelsOutsideTheirRangesAreRefused(t *testing.T) {
	p := small()["gpt"]
	m, _ := machine(t, p, kernels.Options{})
	must(t, m.Init(3))
	for _, c := range []struct {
		want string
		set  func()
	}{
		{"x: row 3: 19 is outside 0 to 18, the range of tok", func() { m.X().I[3*11+2] = 19 }},
		{"x: row 0: -1 is outside 0 to 18", func() { m.X().I[0] = -1 }},
		{"y: row 1: 2147483647 is outside 0 to 18, the range of the loss", func() { m.Y().I[11] = math.MaxInt32 }},
	} {
		draw(m, 0, 19)
		c.set()
		if _, err := m.Gradients(0); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("gradients: error %v, %q wanted", err, c.want)
		}
		if _, _, err := m.Evaluate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("evaluate: error %v, %q wanted", err, c.want)
		}
	}
}

func TestAccumulationIsTheLeftFoldOfTheMicroBatches(t *testing.T) {
	p := *small()["gpt"]
	p.Graph = program.GPT(program.GPTConfig{Vocab: 19, Context: 11, Width: 12, Layers: 1, Heads: 3})
	p.Accumulation = 4
	whole, _ := machine(t, &p, kernels.Options{})
	must(t, whole.Init(3))
	draw(whole, 0, 19)
	loss, err := whole.Gradients(0)
	must(t, err)

	p.Accumulation = 1
	part, plan := machine(t, &p, kernels.Options{})
	must(t, part.Init(3))
	var sums [][]float32
	var lossSum float32
	for i := range 4 {
		copy(part.X().I, whole.X().I[i*2*11:])
		copy(part.Y().I, whole.Y().I[i*2*11:])
		l, err := part.Gradients(0)
		must(t, err)
		lossSum += float32(l * 0.25)
		for k, g := range part.Grads() {
			if i == 0 {
				sums = append(sums, make([]float32, len(g)))
			}
			for j, v := range g {
				share := float32(v * 0.25) // a power of two: no rounding, wherever it is applied
				if i == 0 {
					sums[k][j] = share
				} else {
					sums[k][j] += share
				}
			}
		}
	}
	if loss != lossSum {
		t.Errorf("loss %v, the fold is %v", loss, lossSum)
	}
	for k, g := range whole.Grads() {
		if !bytes.Equal(bytesOf([][]float32{g}), bytesOf([][]float32{sums[k]})) {
			t.Errorf("%s: differs from the fold, relative %.2g", plan.Params()[k].Name, relative(g, sums[k]))
		}
	}
}

func TestClippingScalesTheGradientToTheNorm(t *testing.T) {
	p := *small()["mlp"]
	p.ClipNorm = 1e-3
	m, _ := machine(t, &p, kernels.Options{})
	must(t, m.Init(3))
	draw(m, 0, 7)
	_, err := m.Gradients(0)
	must(t, err)
	length := func() float64 {
		var sum float64
		for _, g := range m.Grads() {
			for _, v := range g {
				sum += float64(v) * float64(v)
			}
		}
		return math.Sqrt(sum)
	}
	before := length()
	norm, coef, err := m.Update(0)
	must(t, err)
	if math.Abs(float64(norm)-before) > 1e-6*before {
		t.Errorf("norm %v, %v by hand", norm, before)
	}
	if after := length(); math.Abs(after-1e-3) > 2e-6 || coef >= 1 {
		t.Errorf("norm %v after clipping to 1e-3 by %v", after, coef)
	}
}

func TestEvaluationLeavesDropoutOut(t *testing.T) {
	p := *small()["mlp"]
	q := p
	q.Graph = program.MLP(program.MLPConfig{Inputs: 20, Hidden: []int{33, 17}, Classes: 7})
	with, _ := machine(t, &p, kernels.Options{})
	without, _ := machine(t, &q, kernels.Options{})
	must(t, with.Init(3))
	for i, x := range with.Tensors() {
		copy(without.Tensors()[i], x)
	}
	draw(with, 0, 7)
	draw(without, 0, 7)
	a, outputs, err := with.Evaluate()
	must(t, err)
	b, want, err := without.Evaluate()
	must(t, err)
	if a != b || !bytes.Equal(bytesOf([][]float32{outputs}), bytesOf([][]float32{want})) {
		t.Error("an evaluation with dropout nodes differs from one without")
	}
	if len(outputs) != 2*12*7 {
		t.Errorf("%d outputs, %d needed", len(outputs), 2*12*7)
	}
}
