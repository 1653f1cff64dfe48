package bench

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/program/exported"
	"github.com/verifyd/verifyd/verify/safetensors"
)

// model is a program to train, and what peers/torch_step.py calls it.
type model struct {
	name    string
	title   string
	steps   int     // steps in one sample, so that a sample is some tenths of a second
	classes int     // labels and token ids are below it
	asked   float64 // times that PyTorch takes as long, eager or compiled
	goal    float64
	program program.Program
}

// models are the three whose training step is compared, or tiny ones of the same kinds. Their graphs and
// settings are those of peers/torch_step.py.
func models(quick bool) []model {
	mlp := program.MLPConfig{Inputs: 784, Hidden: []int{1024, 1024}, Classes: 10}
	cnn := program.CNNConfig{InChannels: 1, Height: 28, Width: 28, Channels: []int{32, 64}, Classes: 10}
	gpt := program.GPTConfig{Vocab: 256, Context: 128, Width: 256, Layers: 4, Heads: 8}
	batches := [3]int{256, 64, 8}
	if quick {
		mlp.Hidden, batches = []int{16}, [3]int{2, 2, 2}
		cnn.Channels = []int{2}
		gpt = program.GPTConfig{Vocab: 256, Context: 4, Width: 8, Layers: 1, Heads: 2}
	}
	train := func(batch int, g program.Graph, o program.Optimizer, rate, clip float64) program.Program {
		return program.Program{
			Version: program.Version, BatchSize: batch, Accumulation: 1, Graph: g, Loss: program.CrossEntropy, Optimizer: o,
			Schedule: program.Schedule{Kind: program.Constant, Rate: rate}, ClipNorm: clip,
		}
	}
	sgd := program.Optimizer{Kind: program.SGD, Momentum: 0.9}
	adam := program.Optimizer{Kind: program.Adam, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8}
	adamw := program.Optimizer{Kind: program.AdamW, Beta1: 0.9, Beta2: 0.95, Eps: 1e-8, WeightDecay: 0.1}
	return []model{
		{"mlp", "MLP 784-1024-1024-10, batch 256, SGD with momentum", 4, 10, 0.8, 0, train(batches[0], program.MLP(mlp), sgd, 0.01, 0)},
		{"cnn", "CNN 1x28x28, 32-64, batch 64, Adam", 3, 10, 0.8, 0, train(batches[1], program.CNN(cnn), adam, 1e-3, 0)},
		{"gpt", "GPT width 256, 4 layers, 8 heads, context 128, batch 8, AdamW, clipped", 1, 256, 0.8, 0, train(batches[2], program.GPT(gpt), adamw, 3e-4, 1)},
	}
}

// exportedModels are those of peers/torch_models.py as programs, or a block of each. Between them and PyTorch's own models
// stands verifyd.export.
func exportedModels(quick bool) (all []model, err error) {
	names, classes := exported.Models(), [4]int{10, 10, 256, 256}
	if quick {
		names, classes = exported.Blocks(), [4]int{5, 5, 19, 19}
	}
	for i, title := range []string{
		"ResNet-18, 3x32x32, batch 16, SGD with momentum and decay",
		"ViT width 192, 12 layers, 3 heads, 65 tokens, batch 16, AdamW, clipped",
		"Llama width 256, 4 layers, 8 heads on 4, context 128, batch 8, AdamW, clipped",
		"LoRA of rank 8 on the GPT above, frozen, AdamW",
	} {
		p, err := exported.Program(names[i])
		if err != nil {
			return nil, err
		}
		all = append(all, model{names[i], title, 1, classes[i], 0.9, 1.2, *p})
	}
	return all, nil
}

// trainer runs a model's steps on one CPU.
type trainer struct {
	plan    *program.Plan
	machine *program.Machine
	step    uint64
}

// newTrainer compiles the model, sets its parameters and fills its batch, always with the same values.
func newTrainer(m model, cpu program.Runner) (*trainer, error) {
	plan, err := program.Compile(&m.program, kernels.ProfileF32)
	if err != nil {
		return nil, err
	}
	machine, err := program.NewMachine(plan, cpu, 1)
	if err != nil {
		return nil, err
	}
	if err := machine.Init(1); err != nil {
		return nil, err
	}
	m.fill(machine.X(), machine.Y())
	return &trainer{plan: plan, machine: machine}, nil
}

// fill sets a batch, always to the same values.
func (m model) fill(x, y kernels.Buf) {
	copy(x.F, hashed(len(x.F), 1))
	classes(x.I, m.classes, 2)
	classes(y.I, m.classes, 3)
}

// classes fills ids with numbers below limit.
func classes(ids []int32, limit int, seed uint64) {
	for i, v := range hashed(len(ids), seed) {
		ids[i] = int32((v + 0.5) * float32(limit))
	}
}

// train does one step: forward, backward and update.
func (t *trainer) train() error {
	if _, err := t.machine.Gradients(t.step); err != nil {
		return err
	}
	_, _, err := t.machine.Update(t.step)
	t.step++
	return err
}

// loss does one step and returns its loss.
func (t *trainer) loss() (float64, error) {
	loss, err := t.machine.Gradients(t.step)
	if err != nil {
		return 0, err
	}
	_, _, err = t.machine.Update(t.step)
	t.step++
	return float64(loss), err
}

// write saves the parameters and the batch where a peer finds them.
func (t *trainer) write(path string) (err error) {
	tensors := []safetensors.Tensor{}
	for i, spec := range t.plan.Tensors()[:len(t.plan.Params())] {
		tensors = append(tensors, safetensors.Tensor{Name: spec.Name, Shape: spec.Shape, F32: t.machine.Tensors()[i]})
	}
	for i, spec := range t.plan.Frozen() {
		tensors = append(tensors, safetensors.Tensor{Name: spec.Name, Shape: spec.Shape, F32: t.machine.Frozen()[i]})
	}
	tensors = append(tensors, stored(t.plan.X(), t.machine.X()), stored(t.plan.Y(), t.machine.Y()))
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	return safetensors.Write(f, nil, tensors)
}

// stored is a batch's tensor as a file holds it: of its own kind only.
func stored(spec program.TensorSpec, b kernels.Buf) safetensors.Tensor {
	t := safetensors.Tensor{Name: spec.Name, Shape: spec.Shape}
	if spec.Kind == kernels.I32 {
		t.I32 = b.I
	} else {
		t.F32 = b.F
	}
	return t
}

// file is where a model's start is written for the peers.
func (m model) file(dir string) string {
	return filepath.Join(dir, fmt.Sprintf("%s.safetensors", m.name))
}
