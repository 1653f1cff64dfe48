package program_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/safetensors"
)

// torchTolerance is the largest relative norm of the difference from PyTorch's numbers, which are
// themselves within 1.2e-6 of binary64.
const torchTolerance = 5e-6

// torchPrograms are the recorded cases as programs of ours.
func torchPrograms() map[string]*program.Program {
	return map[string]*program.Program{
		"mlp-digits-sgd": {
			Version: program.Version, BatchSize: 64, Accumulation: 1,
			Graph:     program.MLP(program.MLPConfig{Inputs: 64, Hidden: []int{128, 64}, Classes: 10}),
			Loss:      program.CrossEntropy,
			Optimizer: program.Optimizer{Kind: program.SGD, Momentum: 0.9, WeightDecay: 1e-4},
			Schedule:  program.Schedule{Kind: program.Constant, Rate: 0.1},
		},
		"cnn-digits-adam": {
			Version: program.Version, BatchSize: 32, Accumulation: 1,
			Graph:     program.CNN(program.CNNConfig{InChannels: 1, Height: 8, Width: 8, Channels: []int{8, 16}, Classes: 10}),
			Loss:      program.CrossEntropy,
			Optimizer: program.Optimizer{Kind: program.Adam, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8},
			Schedule:  program.Schedule{Kind: program.Constant, Rate: 0.002},
		},
		"gpt-gpl3-adamw": {
			Version: program.Version, BatchSize: 8, Accumulation: 1,
			Graph:     program.GPT(program.GPTConfig{Vocab: 76, Context: 32, Width: 48, Layers: 2, Heads: 4}),
			Loss:      program.CrossEntropy,
			Optimizer: program.Optimizer{Kind: program.AdamW, Beta1: 0.9, Beta2: 0.95, Eps: 1e-8, WeightDecay: 0.1},
			Schedule:  program.Schedule{Kind: program.Constant, Rate: 1e-3, Warmup: 20},
			ClipNorm:  1,
		},
		"shapes-sgd": {
			Version: program.Version, BatchSize: 16, Accumulation: 1,
			Graph:     program.Graph{Nodes: torchShapes()},
			Loss:      program.CrossEntropy,
			Optimizer: program.Optimizer{Kind: program.SGD, Momentum: 0.9},
			Schedule:  program.Schedule{Kind: program.Constant, Rate: 0.1},
		},
		"channels-sgd": {
			Version: program.Version, BatchSize: 16, Accumulation: 1,
			Graph:     program.Graph{Nodes: torchChannels()},
			Loss:      program.CrossEntropy,
			Optimizer: program.Optimizer{Kind: program.SGD, Momentum: 0.9},
			Schedule:  program.Schedule{Kind: program.Constant, Rate: 0.1},
		},
		"attention-sgd": {
			Version: program.Version, BatchSize: 6, Accumulation: 1, Graph: attentionGraph(), Loss: program.CrossEntropy,
			Optimizer: program.Optimizer{Kind: program.SGD, Momentum: 0.9}, Schedule: program.Schedule{Kind: program.Constant, Rate: 0.01},
		},
	}
}

// attentionGraph is the model of attention-sgd/record.py. Token 0 is padding.
func attentionGraph() program.Graph {
	node := func(name string, op program.Op, in ...string) program.Node {
		return program.Node{Name: name, Op: op, Inputs: in}
	}
	linear := func(out int) program.Op { return program.Linear{Out: out, Bias: true} }
	list := []float32{1, 0.25}
	return program.Graph{Nodes: []program.Node{
		node("x", program.Input{Type: program.I32, Shape: []int{20}}), node("tok", program.Embedding{Vocab: 11, Dim: 24}, "x"),
		node("q", program.Linear{Out: 32}, "tok"), node("k", linear(16), "tok"), node("v", linear(16), "tok"),
		node("q_turned", program.Rope{Heads: 4, Theta: 10000}, "q"), node("k_turned", program.Rope{Heads: 2, Theta: 10000}, "k"),
		node("attention", program.Attention{Heads: 4, KVHeads: 2, Causal: true}, "q_turned", "k_turned", "v", "x"),
		node("o", linear(24), "attention"), node("h", program.Add{}, "tok", "o"),
		node("fewer", linear(3), "h"), node("few", program.MatMul{TransA: true}, "fewer", "h"),
		node("q2", linear(12), "few"), node("k2", linear(12), "h"), node("v2", linear(12), "h"),
		node("q2_turned", program.Rope{Heads: 2, Interleaved: true, Offset: 5, Frequencies: list}, "q2"),
		node("k2_turned", program.Rope{Heads: 2, Interleaved: true, Frequencies: list}, "k2"),
		node("cross", program.Attention{Heads: 2, Scale: 0.3}, "q2_turned", "k2_turned", "v2", "x"),
		node("inner", program.MatMul{TransA: true}, "cross", "cross"), node("outer", program.MatMul{}, "cross", "inner"),
		node("head", linear(5), "outer"),
	}}
}

// torchCase is what case.json records.
type torchCase struct {
	Recorded []struct {
		Step     uint64   `json:"step"`
		LR       float64  `json:"lr"`
		Loss     float64  `json:"loss"`
		GradNorm *float64 `json:"grad_norm"`
	} `json:"recorded"`
}

func TestAStepIsPyTorchsStep(t *testing.T) {
	for name, p := range torchPrograms() {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join("testdata", "torch", name)
			var c torchCase
			data, err := os.ReadFile(filepath.Join(dir, "case.json"))
			must(t, err)
			must(t, json.Unmarshal(data, &c))
			file, err := safetensors.ReadFile(filepath.Join(dir, "steps.safetensors"), 1<<24)
			must(t, err)
			for _, isa := range kernels.Available() {
				for _, s := range c.Recorded {
					m, plan := machine(t, p, kernels.Options{ISA: isa})
					if got := plan.LearningRate(0, s.Step); got != float32(s.LR) {
						t.Errorf("step %d: learning rate %v, recorded %v", s.Step, got, float32(s.LR))
					}
					worst := replayTorch(t, m, plan, file, s.Step, s.Loss, s.GradNorm)
					t.Logf("%v, step %3d: largest relative difference: gradient %.2g, parameter %.2g, slot %.2g, loss %.2g",
						isa, s.Step, worst["grad"], worst["param"], worst["opt"], worst["loss"])
				}
			}
		})
	}
}

// replayTorch runs one recorded step and checks everything that was recorded after it.
func replayTorch(t *testing.T, m *program.Machine, plan *program.Plan, file *safetensors.File, step uint64, loss float64, norm *float64) map[string]float64 {
	t.Helper()
	key := func(part string) string { return fmt.Sprintf("%05d/%s", step, part) }
	for i, spec := range plan.Tensors() {
		before, ok := file.Tensor(key("before/" + spec.Name))
		if !ok && step == 0 && strings.HasPrefix(spec.Name, "opt/") {
			continue // PyTorch makes the slots in the first step
		}
		if copy(m.Tensors()[i], before.F32) != spec.Len() {
			t.Fatalf("step %d: no tensor before/%s", step, spec.Name)
		}
	}
	fill(t, m.X(), file, key("x"))
	fill(t, m.Y(), file, key("y"))

	worst := map[string]float64{}
	check := func(kind, name string, got, want []float32) {
		t.Helper()
		d := relative(got, want)
		worst[kind] = max(worst[kind], d)
		if !(d <= torchTolerance) {
			t.Errorf("step %d: %s %s: relative difference %.3g is above %.3g", step, kind, name, d, torchTolerance)
		}
	}
	gotLoss, err := m.Gradients(step)
	must(t, err)
	check("loss", "", []float32{gotLoss}, []float32{float32(loss)})
	for i, spec := range plan.Params() {
		want, _ := file.Tensor(key("grad/" + spec.Name))
		check("grad", spec.Name, m.Grads()[i], want.F32)
	}
	gotNorm, _, err := m.Update(step)
	must(t, err)
	if norm != nil {
		check("norm", "", []float32{gotNorm}, []float32{float32(*norm)})
	}
	for i, spec := range plan.Tensors() {
		want, _ := file.Tensor(key("after/" + spec.Name))
		kind, _, _ := strings.Cut(spec.Name, "/")
		check(kind, spec.Name, m.Tensors()[i], want.F32)
	}
	return worst
}

// fill copies a recorded tensor of values or of ids.
func fill(t *testing.T, b kernels.Buf, file *safetensors.File, name string) {
	t.Helper()
	x, ok := file.Tensor(name)
	if !ok || len(x.F32) != len(b.F) || len(x.I64) != len(b.I) {
		t.Fatalf("%s has %d+%d elements, %d+%d needed", name, len(x.F32), len(x.I64), len(b.F), len(b.I))
	}
	copy(b.F, x.F32)
	for i, v := range x.I64 {
		b.I[i] = int32(v)
	}
}

// machine compiles a program for a CPU that lives as long as the test.
func machine(t testing.TB, p *program.Program, o kernels.Options) (*program.Machine, *program.Plan) {
	t.Helper()
	plan, err := program.Compile(p, kernels.ProfileF32)
	must(t, err)
	cpu, err := kernels.NewCPU(o)
	must(t, err)
	t.Cleanup(cpu.Close)
	m, err := program.NewMachine(plan, cpu, 1)
	must(t, err)
	return m, plan
}

// relative is |got-want| / |want| in Euclidean norm; infinite if the lengths differ.
func relative(got, want []float32) float64 {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	var d, n float64
	for i, w := range want {
		d += (float64(got[i]) - float64(w)) * (float64(got[i]) - float64(w))
		n += float64(w) * float64(w)
	}
	if d == 0 {
		return 0
	}
	return math.Sqrt(d / n)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
