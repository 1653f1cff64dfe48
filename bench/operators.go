package bench

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/verifyd/verifyd/kernels"
)

// stopwatch is a Runner that adds up the time of each operator by name.
type stopwatch struct {
	cpu   *kernels.CPU
	spent map[string]Sample
	calls map[string]int
}

// Run runs the operator and notes its time.
func (w *stopwatch) Run(op kernels.Operator, bufs []kernels.Buf) error {
	s, err := timed(1, func() error { return w.cpu.Run(op, bufs) })
	total := w.spent[op.Name()]
	w.spent[op.Name()] = Sample{Wall: total.Wall + s.Wall, CPU: total.CPU + s.CPU}
	w.calls[op.Name()]++
	return err
}

func (w *stopwatch) reset() { w.spent, w.calls = map[string]Sample{}, map[string]int{} }

// measureOperators says where the time of a training step goes: for each operator, how often a step runs it and
// the time of all its runs. It is measured only when asked for by name.
func (s *session) measureOperators(ctx context.Context) error {
	const rounds = 7
	all, err := exportedModels(s.options.Quick)
	if err != nil {
		return err
	}
	for _, m := range append(models(s.options.Quick), all...) {
		if err := ctx.Err(); err != nil {
			return err
		}
		w := &stopwatch{cpu: s.cpus[0]}
		w.reset()
		t, err := newTrainer(m, w)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		samples := map[string][]Sample{}
		for range rounds {
			w.reset()
			if err := t.train(); err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
			for name, spent := range w.spent {
				samples[name] = append(samples[name], spent)
			}
		}
		byTime := slices.SortedFunc(maps.Keys(samples), func(a, b string) int {
			return int(w.spent[b].Wall - w.spent[a].Wall)
		})
		for _, name := range byTime {
			spread := spreadOf(samples[name])
			s.add(Row{Group: "operators", Name: m.name + ": " + name, Threads: 1, Ours: &spread, Note: fmt.Sprintf("%d runs", w.calls[name])})
		}
	}
	return nil
}
