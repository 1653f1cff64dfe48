package engine_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/verifyd/verifyd/kernels/kernelstest"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/merkle"
)

func TestFrozenTensorsAreGivenAndHashedOnce(t *testing.T) {
	s := spec(t, programs()["gpt, adapted"])
	for _, d := range []engine.Device{reference(t), underShim(t, kernelstest.Ascending)} {
		e := start(t, d, s)
		must(t, e.Init(t.Context(), 5))
		drawn := slices.Clone(digests(t, e))
		var held [][]float32
		given := func(value float32) func([][]float32) error {
			return func(frozen [][]float32) error {
				for i, x := range frozen {
					for k := range x {
						x[k] = value * float32(k%7-3)
					}
					if n := s.Plan.Frozen()[i].Len(); len(x) != n {
						t.Fatalf("%d elements for %d", len(x), n)
					}
				}
				held = frozen
				return nil
			}
		}
		must(t, e.Freeze(t.Context(), given(0.25)))
		one := slices.Clone(digests(t, e))
		if what := s.State.FirstDifference(drawn, one); what != "frozen" {
			t.Errorf("%s: %q differs", d.Name(), what)
		}
		held[0][0] = 9 // what a host's engine holds itself, and an accelerator has copied
		stepped(t, s, 0, e)
		if got := stepped(t, s, 1, e).Next; got[len(got)-1] != one[len(one)-1] {
			t.Errorf("%s: a step hashed a frozen tensor", d.Name())
		}
		must(t, e.Freeze(t.Context(), given(0.5)))
		if got := stepped(t, s, 2, e).Next; got[len(got)-1] == one[len(one)-1] {
			t.Errorf("%s: other frozen tensors have the same root", d.Name())
		}
		must(t, e.Init(t.Context(), 5))
		if what := s.State.FirstDifference(drawn, digests(t, e)); what != "" {
			t.Errorf("%s: %q differs where the program starts again", d.Name(), what)
		}
		if err := e.Freeze(t.Context(), func([][]float32) error { return errStop }); !errors.Is(err, errStop) {
			t.Errorf("%s: %v", d.Name(), err)
		}
	}
}

var errStop = errors.New("stop")

func TestAProgramWithoutFrozenTensorsHasTheRootsItHad(t *testing.T) {
	p := programs()["gpt, adam"]
	s := spec(t, p)
	if s.Frozen != nil || s.State.Digests() != len(s.State.Tensors()) {
		t.Errorf("%d digests of %d tensors", s.State.Digests(), len(s.State.Tensors()))
	}
	p.Graph.Frozen = []string{"tok.weight"}
	if s = spec(t, p); s.State.Digests() != len(s.State.Tensors())+1 || len(s.Gradient.Tensors()) != s.Gradient.Digests() {
		t.Errorf("%d digests of %d tensors", s.State.Digests(), len(s.State.Tensors()))
	}
}

func digests(t *testing.T, e engine.Engine) []merkle.Hash {
	t.Helper()
	d, err := e.Digests(t.Context())
	must(t, err)
	return d
}
