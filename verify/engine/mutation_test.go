package engine_test

import (
	"context"
	"slices"
	"testing"

	"github.com/verifyd/verifyd/kernels/kernelstest"
	"github.com/verifyd/verifyd/kernels/launch"
	"github.com/verifyd/verifyd/verify/engine"
)

// moving records steps with one operand moved by so many words.
type moving struct {
	engine.Accelerator
	words             int // of its memory
	call, operand, by int
	moved             *bool
}

func (m moving) Record(ctx context.Context, r launch.Routine) (int, error) {
	if m.call < len(r.Calls) && r.In.Words > 0 && r.Out.Words > 0 { // a step
		r.Calls = slices.Clone(r.Calls)
		c := &r.Calls[m.call]
		c.Operands = slices.Clone(c.Operands)
		if m.operand < len(c.Operands) {
			o := &c.Operands[m.operand]
			if at := o.Offset + m.by; o.Words > 0 && at >= 0 && at+o.Words <= m.words {
				o.Offset, *m.moved = at, true
			}
		}
	}
	return m.Accelerator.Record(ctx, r)
}

// Every operand of every call of a step lies where it must: a word further or a cache line back, the steps are other
// ones, or reach outside of an operand.
func TestMovingAnyOperandOfAStepShows(t *testing.T) {
	if testing.Short() {
		t.Skip("some hundred engines")
	}
	t.Parallel()
	s := spec(t, programs()["mlp, nesterov, clipped"])
	cpu := start(t, reference(t), s)
	must(t, cpu.Init(t.Context(), 5))
	var want [2]engine.Step
	for at := range want {
		step := stepped(t, s, uint64(at), cpu)
		step.Gradients, step.Next = slices.Clone(step.Gradients), slices.Clone(step.Next)
		want[at] = step
	}
	ptx := kernelstest.Interpreter(t)
	// shows says whether the steps differ from the CPU's.
	shows := func(call, operand, by int) (differ, moved bool) {
		d := device("moving", func(ctx context.Context, words int) (engine.Accelerator, error) {
			a, err := ptx.Memory(ctx, words)
			return moving{a, words, call, operand, by, &moved}, err
		})
		e := start(t, d, s)
		if !moved {
			return false, false
		}
		must(t, e.Init(t.Context(), 5))
		for at := range want {
			draw(e, uint64(at))
			got, err := e.Step(t.Context(), uint64(at))
			if err != nil || difference(s, want[at], got) != "" {
				return true, true
			}
		}
		return false, true
	}
	operands := 0
	for call := 0; ; call++ {
		found := operands
		for operand := range 8 {
			differ, moved := shows(call, operand, 1)
			if moved && !differ { // it moved into padding, or nobody reads its end
				differ, moved = shows(call, operand, -16)
			}
			if moved {
				operands++
			}
			if moved && !differ {
				t.Errorf("call %d, operand %d: the steps are the same", call, operand)
			}
		}
		if operands == found {
			break
		}
	}
	t.Logf("%d operands moved", operands)
	if operands < 100 {
		t.Error("there are more operands in a step")
	}
}
