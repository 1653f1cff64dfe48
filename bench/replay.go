package bench

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/verifyd/verifyd/verify/state"
)

// measureReplay counts what a replayed step allocates, and compares it with the bare training step: the
// difference is the price of the roots.
func (s *session) measureReplay(ctx context.Context) error {
	rounds, warm := s.rounds(15)
	for _, m := range models(s.options.Quick) {
		if err := ctx.Err(); err != nil {
			return err
		}
		t, err := newTrainer(m, s.cpus[0])
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		replay, err := t.replayer(1)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		samples, err := Alternate(rounds, warm, 0,
			Contender{Name: "replay", Run: func() (Sample, error) { return timed(m.steps, replay) }},
			Contender{Name: "train", Run: func() (Sample, error) { return timed(m.steps, t.train) }})
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		row := s.compare("replay", "replayed step of "+m.title, 1, samples[0], samples[1:], "bare step")
		s.add(row)
		n, err := allocations(5, replay)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		s.add(Row{Group: "replay", Name: "heap allocations in a replayed step of " + m.title, Threads: 1, Value: n, Unit: "allocations", Most: true})
	}
	return nil
}

// replayer is a step as a verifier runs it: gradients and their root, update, root of the new state.
func (t *trainer) replayer(threads int) (func() error, error) {
	gradients, err := state.NewLayout(state.Gradient, t.plan.Params())
	if err != nil {
		return nil, err
	}
	states, err := state.NewLayout(state.State, t.plan.Tensors())
	if err != nil {
		return nil, err
	}
	g, h := state.NewHasher(gradients, threads), state.NewHasher(states, threads)
	return func() error {
		if _, err := t.machine.Gradients(t.step); err != nil {
			return err
		}
		counters := state.Counters{Step: t.step, RNG: t.step, Cursor: t.step}
		g.Root(counters, t.machine.Grads())
		if _, _, err := t.machine.Update(t.step); err != nil {
			return err
		}
		t.step++
		counters.Step++
		h.Root(counters, t.machine.Tensors())
		return nil
	}, nil
}

// allocations counts the objects that a step allocates on the heap, the least over some tries of several steps:
// the runtime's own goroutines may allocate in between.
func allocations(steps int, step func() error) (float64, error) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	least := -1.0
	for range 3 {
		var before, after runtime.MemStats
		runtime.GC()
		time.Sleep(time.Millisecond)
		runtime.ReadMemStats(&before)
		for range steps {
			if err := step(); err != nil {
				return 0, err
			}
		}
		runtime.ReadMemStats(&after)
		if n := float64(after.Mallocs-before.Mallocs) / float64(steps); least < 0 || n < least {
			least = n
		}
	}
	return least, nil
}
