package verify_test

import (
	"math/rand/v2"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/program/exported"
)

// rows draws so many samples for a program, with labels and ids below a number.
func rows(t testing.TB, p *program.Program, samples, below int) *job.Dataset {
	t.Helper()
	plan := must(program.Compile(p, kernels.ProfileF32))(t)
	r := rand.New(rand.NewPCG(9, 1))
	draw := func(spec program.TensorSpec) (program.TensorSpec, kernels.Buf) {
		spec.Shape = append([]int{samples}, spec.Shape[1:]...)
		b := spec.Buf()
		for i := range b.F {
			b.F[i] = float32(r.IntN(4001)-2000) / 1000
		}
		for i := range b.I {
			b.I[i] = int32(r.IntN(below))
		}
		return spec, b
	}
	x, xs := draw(plan.X())
	y, ys := draw(plan.Y())
	return must(job.NewDataset(x, xs, y, ys))(t)
}

// A worker who hands in another model than it trained is paid for work that nobody did.
func TestBlocksOfPyTorchModelsAreClaimedVerifiedAndForged(t *testing.T) {
	below := map[string]int{"resnet-block": 5, "vit-block": 5, "llama-block": 19, "lora-block": 19}
	for _, name := range exported.Blocks() {
		t.Run(name, func(t *testing.T) {
			p := must(exported.Program(name))(t)
			short := func(j *job.Job) {
				all(j)
				j.Steps, j.Stride = 6, 2
			}
			for _, forged := range []int{-1, 0, 1, 2} {
				r := newRig(t, p, rows(t, p, 24, below[name]), short)
				tensors := r.terms.State().Tensors()
				last := len(tensors) - 1 // a buffer, where there are any, or a slot
				at := []int{0, last / 2, last}
				var dir string
				if forged < 0 {
					dir, _ = r.train(newCPU(t, kernels.Auto, 1))
				} else {
					dir = r.forge(cheat{state: after(3, func(m *program.Machine) { flip(m.Tensors()[at[forged]], 0) })})
				}
				f := r.judge(r.bundle(dir), r.options(kernels.Auto, 1)).Finding
				switch {
				case forged < 0 && (f.Outcome != verify.Pass || f.Replayed != 6):
					t.Errorf("honest: %+v", f)
				case forged >= 0 && (f.Outcome != verify.Fail || f.Reason != verify.WrongUpdate || f.First == nil || f.First.Step != 3 || f.First.Tensor != tensors[at[forged]].Name):
					t.Errorf("%s changed in step 3: %+v", tensors[at[forged]].Name, f)
				}
			}
		})
	}
}
