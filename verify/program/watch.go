package program

import (
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

// Watch is Gradients, and looks at what l asks for. What it asks for of the update's calls, the next Update looks at.
func (m *Machine) Watch(t uint64, l Look) (loss float32, err error) {
	if err := m.prepare(t); err != nil {
		return 0, err
	}
	begun := 0 // calls of the micro-batches before
	for i := range m.tape.plan.accum {
		calls := m.training[min(i, 1)].at(i)
		if err := m.look(calls, begun, &l); err != nil {
			return 0, err
		}
		begun += len(calls)
	}
	m.rest, m.begun = l, begun
	return m.word(m.tape.Loss), nil
}
