package enginetest

import (
	"slices"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/program"
)

// Blocks is a block of each output that a step can be watched in, the last elements of one, the first of the next.
func Blocks(p *program.Plan) (all []program.Block) {
	outputs := p.Outputs()
	most := engine.MaxWatched / len(outputs)
	for i, o := range outputs {
		b := program.Block{Call: o.Call, Operand: o.Operand, Words: min(most, o.Len)}
		if i%2 == 0 {
			b.First = o.Len - b.Words
		}
		all = append(all, b)
	}
	return all
}

// Reads are elements of every f32 operand of a step's calls, before and behind them, one of which is none.
func Reads(p *program.Plan) (all []program.Read) {
	for i, c := range p.Tape(0).Calls() {
		for k, o := range c.Op.Operands() {
			if o.Kind != kernels.F32 || o.Len == 0 {
				continue
			}
			last := int32(o.Len - 1)
			if o.Access == kernels.In {
				all = append(all, program.Read{Call: i, Operand: k, At: []int32{last, -1, 0}})
			} else {
				all = append(all, program.Read{Call: i, Operand: k, After: true, At: []int32{last / 2, last}})
			}
			if o.Access == kernels.InOut {
				all = append(all, program.Read{Call: i, Operand: k, At: []int32{0}})
			}
		}
	}
	slices.SortStableFunc(all, program.CompareReads)
	return all
}

// watch runs a step from a state watched on engines of the CPU and of d, and wants the same words from both, blocks and reads.
func (tr Training) watch(t *testing.T, d engine.Device, cpu, e engine.Engine, from [][]float32, at uint64) {
	t.Helper()
	blocks, reads := Blocks(tr.Spec.Plan), Reads(tr.Spec.Plan)
	var steps [2]engine.Step
	var all, read [2][]uint32
	for i, e := range []engine.Engine{cpu, e} {
		tr.load(t, e, from, at)
		s, words, got, err := e.Watch(t.Context(), at, blocks, reads)
		if err != nil {
			t.Fatalf("step %d, watched: %v", at, err)
		}
		steps[i], all[i], read[i] = s, slices.Clone(words), slices.Clone(got)
	}
	if what := tr.difference(steps[1], steps[0]); what != "" {
		t.Errorf("%s: step %d, watched, has another %s than on the CPU", d.Name(), at, what)
	}
	if !slices.Equal(read[0], read[1]) {
		t.Errorf("%s: step %d reads as on no CPU", d.Name(), at)
	}
	done := 0
	for _, b := range blocks {
		if want, got := all[0][done:][:b.Words], all[1][done:][:b.Words]; !slices.Equal(got, want) {
			t.Errorf("%s: step %d, %+v holds %08x, on the CPU %08x", d.Name(), at, b, got, want)
		}
		done += b.Words
	}
}
