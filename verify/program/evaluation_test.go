package program_test

import (
	"slices"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/program"
)

func TestAnEvaluationInAnyMemoryHasTheOutputsOfAMachine(t *testing.T) {
	cpu, err := kernels.NewCPU(kernels.Options{Threads: 1})
	must(t, err)
	defer cpu.Close()
	for name, p := range taped() {
		q := *p
		q.Accumulation = 1
		t.Run(name, func(t *testing.T) {
			m, plan := machine(t, &q, kernels.Options{Threads: 1})
			must(t, m.Init(5))
			draw(m, 0, 3)
			_, want, err := m.Evaluate()
			must(t, err)

			x, y := plan.InputWords(), plan.Y().Len()
			at := program.Evaluation{X: 3, Y: 3 + x, Params: 3 + x + y}
			at.Rest = at.Params + plan.ParameterWords()
			at.Scratch = at.Rest + plan.RestWords()
			b := newBlock(&program.Tape{Words: at.Scratch + plan.EvaluationWords()}, cpu)
			for i := range b.w {
				b.w[i] = 0xffc0dead
			}
			for i, r := range append(plan.Inputs(), kernels.Range{Offset: at.Y - at.X}) {
				copy(b.f[at.X+r.Offset:], m.Rows()[i].F)
				copy(b.i[at.X+r.Offset:], m.Rows()[i].I)
			}
			for k, r := range plan.Parameters() {
				copy(b.f[at.Params+r.Offset:][:r.Words], m.Tensors()[k])
			}
			rest := slices.Concat(m.Tensors()[len(m.Tensors())-len(plan.Rest())+len(plan.Frozen()):], m.Frozen())
			for k, r := range plan.Rest() {
				copy(b.f[at.Rest+r.Offset:][:r.Words], rest[k])
			}
			calls, outputs := plan.Evaluation(at)
			b.run(t, calls)
			got := b.f[outputs.Offset:end(outputs)]
			if string(bytesOf([][]float32{got})) != string(bytesOf([][]float32{want})) {
				t.Error("other outputs")
			}
		})
	}
}
