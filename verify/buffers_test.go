package verify_test

import (
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// normalised is the small network for images with a batch norm and micro-batches.
func normalised() *program.Program {
	p := verifytest.CNN()
	p.Accumulation = 2
	p.Graph = program.Graph{Nodes: []program.Node{
		{Name: "x", Op: program.Input{Type: program.F32, Shape: []int{1, 6, 6}}},
		{Name: "conv", Op: program.Conv2D{Out: 3, Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}}, Inputs: []string{"x"}},
		{Name: "bn", Op: program.BatchNorm{Eps: 1e-5, Momentum: 0.1}, Inputs: []string{"conv"}},
		{Name: "relu", Op: program.ReLU{}, Inputs: []string{"bn"}},
		{Name: "flat", Op: program.Flatten{}, Inputs: []string{"relu"}},
		{Name: "c", Op: program.Linear{Out: 3, Bias: true}, Inputs: []string{"flat"}},
	}}
	return p
}

// Running statistics decide what a model says once it is trained, and no gradient shows them.
func TestABufferIsStateThatAWorkerCannotChoose(t *testing.T) {
	for name, c := range map[string]cheat{
		"":                       {},
		"buffer/bn.running_mean": {state: after(13, func(m *program.Machine) { flip(m.Tensors()[len(m.Tensors())-2], 1) })},
		"buffer/bn.running_var": {state: after(13, func(m *program.Machine) {
			for i := range m.Tensors()[len(m.Tensors())-1] {
				m.Tensors()[len(m.Tensors())-1][i] = 1
			}
		})},
	} {
		r := newRig(t, normalised(), must(verifytest.Images(40))(t), all)
		f := r.judge(r.bundle(r.forge(c)), r.options(kernels.Auto, 1)).Finding
		switch {
		case name == "" && f.Outcome != verify.Pass:
			t.Errorf("%+v", f)
		case name != "" && (f.Outcome != verify.Fail || f.Reason != verify.WrongUpdate || f.First == nil || f.First.Tensor != name || f.First.Step != 13):
			t.Errorf("%s: %+v", name, f)
		}
	}
}
