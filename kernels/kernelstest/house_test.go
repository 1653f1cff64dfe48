package kernelstest

import (
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/launch"
	"github.com/verifyd/verifyd/kernels/optest"
)

// harmed changes a bit of an operand's first word after each plan.
type harmed struct {
	Runner
	operand int
}

func (h harmed) Execute(plan launch.Plan, bufs []kernels.Buf) error {
	err := h.Runner.Execute(plan, bufs)
	if b := bufs[h.operand]; b.F != nil {
		b.F[0]++
	} else {
		b.I[0] ^= 1
	}
	return err
}

func TestAWrongBitIsFound(t *testing.T) {
	house := Interpreter(t)
	l := launch.Linear{M: 2, N: 3, K: 4, Profile: kernels.ProfileF32, Activation: kernels.Tanh{N: 6}}
	for what, check := range map[string]func(Runner) error{
		"digest": func(r Runner) error { return CheckDigests(r, 17) },
		"linear": func(r Runner) error { return CheckLinear(r, l, false) },
	} {
		if err := check(house); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		for _, operand := range map[string][]int{"digest": {2, 3}, "linear": {3, 4}}[what] {
			if check(harmed{house, operand}) == nil {
				t.Errorf("%s: operand %d may be wrong", what, operand)
			}
		}
	}
}

func TestTheVariantsAreAllPlansOfEveryProduct(t *testing.T) {
	most := 0
	for _, c := range optest.Cases() {
		all, err := launch.Variants(c.Op)
		if err != nil {
			continue // no kernel computes it
		}
		most = max(most, len(all))
	}
	if most != Variants {
		t.Errorf("an operator has %d plans, want %d", most, Variants)
	}
	if Variant(Interpreter(t), 0).Supports(kernels.Add{N: 3}) {
		t.Error("an operator with one plan is not declined")
	}
}
