package engine_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/kernelstest"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
)

func TestMain(m *testing.M) { os.Exit(kernelstest.Main(m)) }

// device runs engines on the accelerators that open makes.
func device(name string, open engine.Opener) engine.Device { return engine.NewDevice(name, name, open) }

// underShim runs the kernels under g++.
func underShim(t testing.TB, order kernelstest.Order) engine.Device {
	t.Helper()
	h := kernelstest.Shim(t, order)
	return device(h.Name(), h.Memory)
}

// asPTX runs the shipped PTX in the interpreter.
func asPTX(t testing.TB) engine.Device {
	t.Helper()
	h := kernelstest.Interpreter(t)
	return device(h.Name(), h.Memory)
}

// reference is the CPU.
func reference(t testing.TB) engine.Device {
	t.Helper()
	runner, err := kernels.NewCPU(kernels.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(runner.Close)
	return engine.NewCPU("cpu", runner, 1)
}

// start starts an engine that the test's end closes.
func start(t testing.TB, d engine.Device, s *engine.Spec) engine.Engine {
	t.Helper()
	e, err := d.Start(t.Context(), s)
	if err != nil {
		t.Fatalf("%s: %v", d.Name(), err)
	}
	t.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			t.Errorf("%s: %v", d.Name(), err)
		}
	})
	return e
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// spec compiles p.
func spec(t testing.TB, p program.Program) *engine.Spec {
	t.Helper()
	p.Version = program.Version
	s, err := engine.NewSpec(&p, kernels.ProfileF32, 12)
	must(t, err)
	return s
}

// draw fills the rows of a step. Ids and labels are below 3.
func draw(e engine.Engine, step uint64) {
	r := rand.New(rand.NewPCG(step, 9))
	for _, b := range e.Rows() {
		for i := range b.F {
			b.F[i] = float32(r.IntN(4001)-2000) / 1000
		}
		for i := range b.I {
			b.I[i] = int32(r.IntN(3))
		}
	}
}

// stepped draws the rows of a step on each engine and runs it. It reports what differs from the first.
func stepped(t *testing.T, s *engine.Spec, at uint64, engines ...engine.Engine) engine.Step {
	t.Helper()
	var want engine.Step
	for i, e := range engines {
		draw(e, at)
		got, err := e.Step(t.Context(), at)
		if err != nil {
			t.Fatalf("step %d: %v", at, err)
		}
		if i == 0 {
			want = got
		} else if what := difference(s, want, got); what != "" {
			t.Fatalf("step %d: another %s", at, what)
		}
	}
	return want
}

// difference names what differs first between two steps.
func difference(s *engine.Spec, want, got engine.Step) string {
	switch {
	case got.Loss != want.Loss:
		return fmt.Sprintf("loss: %08x, want %08x", got.Loss, want.Loss)
	case !slices.Equal(got.Gradients, want.Gradients):
		return "gradient of " + s.Gradient.FirstDifference(want.Gradients, got.Gradients)
	case got.Clip != want.Clip:
		return fmt.Sprintf("clip coefficient: %08x, want %08x", got.Clip, want.Clip)
	case !slices.Equal(got.Next, want.Next):
		return "next state: " + s.State.FirstDifference(want.Next, got.Next)
	case got.Finite != want.Finite:
		return fmt.Sprintf("answer whether the state is finite: %v", got.Finite)
	}
	return ""
}

// sameState compares what the engines hold: their digests and their numbers.
func sameState(t *testing.T, s *engine.Spec, a, b engine.Engine) {
	t.Helper()
	var digests [2][]merkle.Hash
	var tensors [2][][]float32
	for i, e := range []engine.Engine{a, b} {
		d, err := e.Digests(t.Context())
		must(t, err)
		digests[i] = slices.Clone(d)
		tensors[i] = saved(t, e)
	}
	if name := s.State.FirstDifference(digests[0], digests[1]); name != "" {
		t.Fatalf("%s: other digests", name)
	}
	for i, spec := range s.State.Tensors() {
		for k, v := range tensors[0][i] {
			if w := tensors[1][i][k]; v != w && (v == v || w == w) {
				t.Fatalf("%s: element %d is %v, want %v", spec.Name, k, w, v)
			}
		}
	}
}

// saved is a copy of what Save shows.
func saved(t *testing.T, e engine.Engine) (tensors [][]float32) {
	t.Helper()
	must(t, e.Save(t.Context(), func(all [][]float32) error {
		for _, x := range all {
			tensors = append(tensors, slices.Clone(x))
		}
		return nil
	}))
	return tensors
}

// loaded sets the state of engines.
func loaded(t *testing.T, tensors [][]float32, engines ...engine.Engine) {
	t.Helper()
	for _, e := range engines {
		must(t, e.Load(t.Context(), func(all [][]float32) error {
			for i := range all {
				copy(all[i], tensors[i])
			}
			return nil
		}))
	}
}
