package verify_test

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// A worker that moves a group of parameters by another's rate, or decays what must not be, computes another update.
func TestAGroupMovedAsAnotherFails(t *testing.T) {
	p := mlp()
	bias := p.Optimizer
	bias.WeightDecay = 0
	slow := p.Schedule
	slow.Rate /= 10
	p.Groups = []program.Group{
		{Params: []string{"net.0.bias"}, Optimizer: bias, Schedule: p.Schedule}, {Params: []string{"net.0.weight"}, Optimizer: p.Optimizer, Schedule: slow},
	}
	r := newRig(t, p, blobs(t, 40, 7), all)
	for name, change := range map[string]func(q *program.Program){
		"a decay of what has none":  func(q *program.Program) { q.Groups[0].Optimizer.WeightDecay = 1e-3 },
		"the rate of another group": func(q *program.Program) { q.Groups[1].Schedule.Rate = 0.1001 },
		"groups changed places": func(q *program.Program) {
			q.Groups[0].Params, q.Groups[1].Params = []string{"net.0.bias"}, []string{"net.3.bias"}
		},
	} {
		q := *p
		q.Groups = slices.Clone(p.Groups)
		change(&q)
		forged := filepath.Join(t.TempDir(), "forged")
		must(r.pool().Forge(t.Context(), newCPU(t, kernels.Auto, 1), verifytest.Cheat{Work: as(t, &q)}, forged))(t)
		if f := r.judge(r.bundle(forged), r.options(kernels.Auto, 1)).Finding; f.Outcome != verify.Fail || f.Reason != verify.WrongUpdate {
			t.Errorf("%s: %+v", name, f)
		}
	}
	honest, _ := r.train(newCPU(t, kernels.Auto, 1))
	if f := r.judge(r.bundle(honest), r.options(kernels.Generic, 1)).Finding; f.Outcome != verify.Pass {
		t.Errorf("an honest claim: %+v", f)
	}
}

// as does the work of another program.
func as(t *testing.T, p *program.Program) func(f *verifytest.Forger, first, count uint64) error {
	var other *program.Machine
	return func(f *verifytest.Forger, first, count uint64) error {
		if other == nil {
			plan := must(program.Compile(p, f.Terms.Job.Profile))(t)
			other = must(f.Begin(plan, 0))(t)
		}
		move := func(to, from *program.Machine) {
			for i, x := range from.Tensors() {
				copy(to.Tensors()[i], x)
			}
		}
		for step := first; step < first+count; step++ {
			move(other, f.Machine)
			if err := f.Compute(other, step, step); err != nil {
				return err
			}
			move(f.Machine, other)
			if err := f.Claim(step); err != nil {
				return err
			}
		}
		return nil
	}
}
