package engine_test

import (
	"math"
	"slices"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/kernelstest"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/engine/enginetest"
	"github.com/verifyd/verifyd/verify/program"
)

func TestAWatchedStepIsTheSameStepAndShowsTheSameWordsOnEveryDevice(t *testing.T) {
	t.Parallel()
	cpu := reference(t)
	generic, err := kernels.NewCPU(kernels.Options{ISA: kernels.Generic, Threads: 2})
	must(t, err)
	t.Cleanup(generic.Close)
	for name, p := range programs() {
		t.Run(name, func(t *testing.T) {
			s := spec(t, p)
			blocks := enginetest.Blocks(s.Plan)
			engines := []engine.Engine{
				start(t, cpu, s), start(t, engine.NewCPU("generic", generic, 2), s),
				start(t, underShim(t, kernelstest.Ascending), s),
			}
			alone := start(t, cpu, s)
			for _, e := range append(engines, alone) {
				must(t, e.Init(t.Context(), 5))
			}
			watchedAlike(t, s, alone, engines, func(e engine.Engine, at uint64) (engine.Step, []uint32, error) {
				got, words, _, err := e.Watch(t.Context(), at, blocks, nil)
				return got, words, err
			})
		})
	}
}

// watchedAlike watches three steps of each engine, and wants them to be those that alone runs, and all to show the same words.
func watchedAlike(t *testing.T, s *engine.Spec, alone engine.Engine, engines []engine.Engine, watch func(e engine.Engine, at uint64) (engine.Step, []uint32, error)) {
	t.Helper()
	for at := range uint64(3) {
		draw(alone, at)
		want, err := alone.Step(t.Context(), at)
		must(t, err)
		var first []uint32
		for i, e := range engines {
			draw(e, at)
			got, words, err := watch(e, at)
			must(t, err)
			if what := difference(s, want, got); what != "" {
				t.Fatalf("step %d on engine %d, watched: another %s", at, i, what)
			}
			if i == 0 {
				first = slices.Clone(words)
			} else if len(words) == 0 || !slices.Equal(words, first) {
				t.Fatalf("step %d on engine %d: other words", at, i)
			}
		}
	}
}

func TestWhatIsWatchedIsWhatTheCallsBehindTheLossWrote(t *testing.T) {
	s := spec(t, programs()["mlp, sgd"])
	// Behind the loss: its gradient; weight, bias and input of three layers, but for the first one's input; two
	// activations.
	outputs := s.Plan.Outputs()
	if len(outputs) != 1+3*3-1+2 {
		t.Fatalf("%+v", outputs)
	}
	loss := outputs[0]
	e := start(t, reference(t), s)
	must(t, e.Init(t.Context(), 5))
	draw(e, 0)
	_, words, _, err := e.Watch(t.Context(), 0, []program.Block{{Call: loss.Call, Operand: loss.Operand, Words: loss.Len}}, nil)
	must(t, err)
	if sum := rows(words, 3); len(words) != 15 || slices.ContainsFunc(sum, func(v float32) bool { return v > 1e-6 || v < -1e-6 }) {
		t.Errorf("the gradient of the loss is %08x, and its rows sum to %v", words, sum)
	}
}

func TestMoreThanThereIsRoomForIsNotWatched(t *testing.T) {
	s := spec(t, programs()["mlp, sgd"])
	for _, d := range []engine.Device{reference(t), underShim(t, kernelstest.Ascending)} {
		e := start(t, d, s)
		if _, _, _, err := e.Watch(t.Context(), 0, []program.Block{{Words: engine.MaxWatched + 1}}, nil); err == nil {
			t.Error(d.Name())
		}
	}
}

func TestAWatchedStepAllocatesNothing(t *testing.T) {
	s := spec(t, programs()["gpt, adamw, clipped"])
	e := start(t, reference(t), s)
	must(t, e.Init(t.Context(), 5))
	draw(e, 0)
	blocks, ctx := enginetest.Blocks(s.Plan), t.Context()
	if n := testing.AllocsPerRun(5, func() {
		if _, _, _, err := e.Watch(ctx, 0, blocks, nil); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// rows are the sums of rows of some width.
func rows(words []uint32, width int) (sums []float32) {
	for row := range slices.Chunk(words, width) {
		sum := float32(0)
		for _, w := range row {
			sum += math.Float32frombits(w)
		}
		sums = append(sums, sum)
	}
	return sums
}
