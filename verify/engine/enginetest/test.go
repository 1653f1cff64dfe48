package enginetest

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/verifyd/verifyd/verify/engine"
)

// Test runs the small trainings for so many steps.
func Test(t *testing.T, d engine.Device, steps uint64) {
	t.Helper()
	all, err := Small()
	if err != nil {
		t.Fatal(err)
	}
	test(t, d, all, steps)
}

// TestLarge runs the large trainings for so many steps.
func TestLarge(t *testing.T, d engine.Device, steps uint64) {
	t.Helper()
	all, err := Large()
	if err != nil {
		t.Fatal(err)
	}
	test(t, d, all, steps)
}

// TestModels runs the models for so many steps and compares the digest of each.
func TestModels(t *testing.T, d engine.Device, steps uint64) {
	t.Helper()
	all, err := Models()
	if err != nil {
		t.Fatal(err)
	}
	for _, tr := range all {
		t.Run(tr.Name, func(t *testing.T) {
			want, ok := Known(tr.Name, steps)
			if !ok {
				t.Fatalf("no digest of %s after %d steps", tr.Name, steps)
			}
			got, err := tr.Digest(t.Context(), d, steps)
			if err != nil {
				t.Fatal(err)
			}
			if got != want {
				t.Errorf("%s: %d steps give %s, on the CPU %s: %s", d.Name(), steps, got, want, tr.explain(t.Context(), d, steps))
			}
		})
	}
}

func test(t *testing.T, d engine.Device, all []Training, steps uint64) {
	t.Helper()
	if steps == 0 {
		t.Fatal("a training of no steps shows nothing")
	}
	for _, tr := range all {
		t.Run(tr.Name, func(t *testing.T) {
			tr.test(t, d, steps)
		})
	}
}

// test trains, compares every known digest, replays the last step on a second engine beside the first, and
// then lets the second diverge.
func (tr Training) test(t *testing.T, d engine.Device, steps uint64) {
	ctx := t.Context()
	r, err := tr.start(ctx, d)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, r.engine)
	var before [][]float32 // the last step
	var step engine.Step
	for r.next < steps {
		if r.next == steps-1 {
			before = stateOf(t, r.engine)
		}
		if step, err = r.step(ctx); err != nil {
			t.Fatalf("step %d: %v", r.next, err)
		}
		if want, ok := Known(tr.Name, r.next); ok && r.digest().String() != want {
			t.Fatalf("%s: %d steps give %v, on the CPU %s: %s", d.Name(), r.next, r.digest(), want, tr.explain(ctx, d, r.next))
		}
	}
	step.Gradients, step.Next = slices.Clone(step.Gradients), slices.Clone(step.Next)

	alone, err := d.Start(ctx, tr.Spec)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, alone)
	if err := alone.Init(ctx, initSeed); err != nil { // of the frozen tensors, which no state has
		t.Fatal(err)
	}
	if what := tr.difference(tr.stepFrom(t, alone, before, steps-1), step); what != "" {
		t.Errorf("%s: step %d alone has another %s than in the whole run", d.Name(), steps-1, what)
	}
	tr.diverge(t, d, alone, before, steps-1)

	after, err := r.engine.Digests(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if name := tr.Spec.State.FirstDifference(after, step.Next); name != "" {
		t.Errorf("%s: the state changed without a step: %s", d.Name(), name)
	}
}

// diverge evaluates, runs a step watched, and then one from a state with a NaN, here and on the CPU.
func (tr Training) diverge(t *testing.T, d engine.Device, e engine.Engine, from [][]float32, at uint64) {
	t.Helper()
	cpu, release, err := newCPU()
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	reference, err := cpu.Start(t.Context(), tr.Spec)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, reference)
	if err := reference.Init(t.Context(), initSeed); err != nil {
		t.Fatal(err)
	}
	tr.evaluate(t, d, reference, e, from, at)
	tr.watch(t, d, reference, e, from, at)
	from[0][0] = math.Float32frombits(0xffc12345) // with a sign and a payload
	tr.watch(t, d, reference, e, from, at)
	want := tr.stepFrom(t, reference, from, at)
	if want.Finite {
		t.Fatal("the CPU calls a NaN finite")
	}
	if what := tr.difference(tr.stepFrom(t, e, from, at), want); what != "" {
		t.Errorf("%s: a step that diverges has another %s than on the CPU", d.Name(), what)
	}
}

// stepFrom runs one step from a state.
func (tr Training) stepFrom(t *testing.T, e engine.Engine, from [][]float32, at uint64) engine.Step {
	t.Helper()
	tr.load(t, e, from, at)
	s, err := e.Step(t.Context(), at)
	if err != nil {
		t.Fatalf("step %d: %v", at, err)
	}
	return s
}

// load sets the state and draws the rows of a step.
func (tr Training) load(t *testing.T, e engine.Engine, from [][]float32, at uint64) {
	t.Helper()
	err := e.Load(t.Context(), func(all [][]float32) error {
		for i := range all {
			copy(all[i], from[i])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	tr.Fill(e.X(), e.Y(), at)
}

// stateOf is a copy of an engine's state.
func stateOf(t *testing.T, e engine.Engine) (tensors [][]float32) {
	t.Helper()
	if err := e.Save(t.Context(), func(all [][]float32) error {
		for _, x := range all {
			tensors = append(tensors, slices.Clone(x))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return tensors
}

func closing(t *testing.T, e engine.Engine) {
	if err := e.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
}
