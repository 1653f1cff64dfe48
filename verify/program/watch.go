package program

import (
	"math"
	"slices"

	"github.com/verifyd/verifyd/kernels"
)

// Output is an output of a call of a step, of Len numbers: operand Operand of Tape.Calls()[Call].
type Output struct{ Call, Operand, Len int }

// Block is Words numbers of an output, from element First of it on.
type Block struct{ Call, Operand, First, Words int }

// Outputs lists what the calls between the last one that writes a step's loss and the update give, in the
// order of calls: gradients, all of which depend on the forward pass of their micro-batch. None is left in the
// memory when a step is over, but for those of the parameters.
func (p *Plan) Outputs() []Output {
	t := p.Tape(0)
	calls := t.Backward()
	var all []Output
	for k, c := range slices.Backward(calls) {
		if slices.Contains(c.Operands, t.Loss) {
			break
		}
		operands := c.Op.Operands()
		for i, o := range slices.Backward(operands) {
			if o.Access != kernels.In && o.Kind == kernels.F32 && o.Len > 0 {
				all = append(all, Output{k, i, o.Len})
			}
		}
	}
	slices.Reverse(all)
	return all
}

// Watch is Gradients, and copies to words what blocks of Plan.Outputs, in the order of calls, hold as soon as
// their calls have run.
func (m *Machine) Watch(t uint64, blocks []Block, words []uint32) (loss float32, err error) {
	if err := m.prepare(t); err != nil {
		return 0, err
	}
	begun := 0 // calls of the micro-batches before
	for i := range m.tape.plan.accum {
		calls, done := m.training[min(i, 1)].at(i), 0
		for len(blocks) > 0 && blocks[0].Call < begun+len(calls) {
			b := blocks[0]
			if err := m.run(calls[done : b.Call-begun+1]); err != nil {
				return 0, err
			}
			done = b.Call - begun + 1
			for k, v := range calls[done-1].bufs[b.Operand].F[b.First:][:b.Words] {
				words[k] = math.Float32bits(v)
			}
			blocks, words = blocks[1:], words[b.Words:]
		}
		if err := m.run(calls[done:]); err != nil {
			return 0, err
		}
		begun += len(calls)
	}
	return m.word(m.tape.Loss), nil
}
