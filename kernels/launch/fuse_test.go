package launch_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/launch"
	"github.com/verifyd/verifyd/kernels/optest"
)

// The ranges of a linear layer of 5 rows, 3 columns and 7 terms with its activation.
var (
	layerA    = kernels.Range{Offset: 0, Words: 35}
	layerB    = kernels.Range{Offset: 48, Words: 21}
	layerBias = kernels.Range{Offset: 80, Words: 3}
	layerY    = kernels.Range{Offset: 96, Words: 15}
	layerZ    = kernels.Range{Offset: 112, Words: 15}
)

func layer() []kernels.Call {
	return []kernels.Call{
		{Op: kernels.Gemm{M: 5, N: 3, K: 7, TransB: true, Profile: kernels.ProfileF32}, Operands: []kernels.Range{layerA, layerB, layerY}},
		{Op: kernels.BiasAdd{N: 5, C: 3, P: 1}, Operands: []kernels.Range{layerY, layerBias, layerY}},
		{Op: kernels.GELU{N: 15}, Operands: []kernels.Range{layerY, layerZ}},
	}
}

func TestAProductTakesItsBiasAndActivationAlong(t *testing.T) {
	for _, op := range optest.Activations(15) {
		for _, z := range []kernels.Range{layerZ, layerY} {
			steps := layer()
			steps[2] = kernels.Call{Op: op, Operands: []kernels.Range{layerY, z}}
			calls, err := launch.Calls(append(steps, steps[2]))
			if err != nil {
				t.Fatal(err)
			}
			if want := []kernels.Range{layerA, layerB, layerBias, layerY, z}; len(calls) != 2 || !slices.Equal(calls[0].Operands, want) {
				t.Errorf("%s: %d calls, the first on %v, want %v", op.Name(), len(calls), calls[0].Operands, want)
			}
		}
	}
}

func TestOnlyWhatCannotBeSeenIsFused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(s []kernels.Call)
		calls  int
	}{
		"nothing changed":               {func([]kernels.Call) {}, 1},
		"another transpose":             {func(s []kernels.Call) { s[0].Op = kernels.Gemm{M: 5, N: 3, K: 7, Profile: kernels.ProfileF32} }, 3},
		"a bias of planes":              {func(s []kernels.Call) { s[1].Op = kernels.BiasAdd{N: 5, C: 1, P: 3} }, 3},
		"a bias on other rows":          {func(s []kernels.Call) { s[1].Op = kernels.BiasAdd{N: 1, C: 15, P: 1} }, 3},
		"a bias elsewhere":              {func(s []kernels.Call) { s[1].Operands[2] = layerZ }, 3},
		"a bias on something else":      {func(s []kernels.Call) { s[1].Operands[0] = layerZ }, 3},
		"a bias that the product wrote": {func(s []kernels.Call) { s[1].Operands[1] = kernels.Range{Offset: 98, Words: 3} }, 3},
		"an activation of another":      {func(s []kernels.Call) { s[2].Operands[0] = layerZ }, 2},
		"an activation of a part":       {func(s []kernels.Call) { s[2].Op = kernels.GELU{N: 14} }, 2},
		"no activation":                 {func(s []kernels.Call) { s[2].Op = kernels.Scale{N: 15, S: 2} }, 2},
		"a result over the rows":        {func(s []kernels.Call) { s[2].Operands[1].Offset = 34 }, 2},
		"a result over the weights":     {func(s []kernels.Call) { s[2].Operands[1] = layerB }, 2},
		"a result over the bias":        {func(s []kernels.Call) { s[2].Operands[1].Offset = 80 }, 2},
		"a result over half of y":       {func(s []kernels.Call) { s[2].Operands[1].Offset = 97 }, 2},
	} {
		steps := layer()
		c.change(steps)
		calls, err := launch.Calls(steps)
		if err != nil || len(calls) != c.calls {
			t.Errorf("%s: %d calls, want %d: %v", name, len(calls), c.calls, err)
		}
	}
}

func TestStepsBeforeAndBehindALayerStayInOrder(t *testing.T) {
	zero := kernels.Call{Op: kernels.Zero{N: 35}, Operands: []kernels.Range{layerA}}
	steps := append(append([]kernels.Call{zero}, layer()[:2]...), zero)
	calls, err := launch.Calls(steps)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range calls {
		names = append(names, c.Plan.Launches[0].Kernel)
	}
	if want := []string{"drn1_zero", "drn1_linear_small", "drn1_zero"}; !slices.Equal(names, want) {
		t.Errorf("%v, want %v", names, want)
	}
}

func TestALayerThatKernelsCannotComputeIsDeclined(t *testing.T) {
	for _, l := range []launch.Linear{
		{M: 2, N: 2, K: 2, Activation: kernels.Zero{N: 4}, Profile: kernels.ProfileF32},
		{M: 2, N: 2, K: 2, Activation: kernels.ReLU{N: 3}, Profile: kernels.ProfileF32},
		{M: 1 << 16, N: 1 << 16, K: 1, Profile: kernels.ProfileF32},
	} {
		if _, err := l.Plan(); !errors.Is(err, launch.ErrUnsupported) {
			t.Errorf("%+v: %v", l, err)
		}
		if _, err := l.Variants(); !errors.Is(err, launch.ErrUnsupported) {
			t.Errorf("%+v: %v", l, err)
		}
	}
	if p, err := (launch.Linear{N: 3, K: 2, Profile: kernels.ProfileF32}).Plan(); err != nil || len(p.Launches) != 0 {
		t.Errorf("no rows: %v, %v", p, err)
	}
	if _, err := launch.Calls([]kernels.Call{{Op: kernels.ReLU{N: 1 << 31}}}); !errors.Is(err, launch.ErrUnsupported) {
		t.Errorf("%v", err)
	}
}
