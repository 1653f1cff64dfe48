package gate

import (
	"math"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/program"
)

// tensorElements are drawn of each parameter.
const tensorElements = 1024

// firstTensor is the place of the draws of parameter 0, behind those of all calls.
const firstTensor = 1 << 31

// tensor is a parameter that has a gradient. A frozen one would have none, and takes no part.
type tensor struct {
	number int
	name   string
	group  int
	call   int // that updates it
	offset int // of it in the operands of that call, which are all parameters and all gradients of its group
	n      int
	decays bool // whether the update shrinks it whatever its gradient is
}

// The scalars of an optimizer that decays parameters: its rate, and the decay.
const (
	optimizerScalars = 4
	scalarRate       = 0
	scalarDecay      = 8
)

// measureTensors adds the parameters. The last calls of a step are the optimizer's, one of each group, and begin with its parameters
// and gradients.
func (p *Plan) measureTensors(tape *program.Tape) error {
	calls := tape.Calls()
	if call := len(calls) - 1; call*kinds >= firstTensor {
		return fault.New(fault.TooLarge, "", "", "gate: %d calls in a step, at most %d can be measured", call, firstTensor/kinds)
	}
	for i, spec := range p.plan.Params() {
		group := p.plan.GroupOf(i)
		call := len(calls) - p.plan.Groups() + group
		optimizer := calls[call]
		if n := optimizer.Operands[0].Words; n > math.MaxInt32 {
			return fault.New(fault.TooLarge, "", "", "gate: %d parameters, at most %d can be measured", n, math.MaxInt32)
		}
		adam, _ := optimizer.Op.(kernels.Adam)
		offset := tape.Tensors[i].Offset - optimizer.Operands[0].Offset
		p.parts = append(p.parts, tensor{i, spec.Name, group, call, offset, spec.Len(), adam.Decoupled})
	}
	return nil
}

func (t tensor) draw(d draws) probe {
	elements := d.at(firstTensor+uint32(t.number)).distinct(tensorElements, t.n)
	at := make([]int32, len(elements))
	for i, e := range elements {
		at[i] = int32(t.offset + e)
	}
	reads := []program.Read{
		{Call: t.call, Operand: 0, At: at},
		{Call: t.call, Operand: 1, At: at},
		{Call: t.call, Operand: 0, After: true, At: at},
	}
	if t.decays {
		reads = append(reads, program.Read{Call: t.call, Operand: optimizerScalars, At: []int32{scalarRate, scalarDecay}})
	}
	return probe{
		reads: reads,
		count: func(words [][]float32, to *Counters) {
			c := Tensor{Name: t.name, Group: t.group, Elements: uint64(t.n), Seen: uint32(len(at))}
			for i, g := range words[1] {
				alone := words[0][i] // what the update would leave without a gradient
				if t.decays {
					alone -= float32(words[3][0] * float32(words[3][1]*alone))
				}
				after := math.Float32bits(words[2][i])
				switch {
				case g == 0:
					c.Zero++
				case after == math.Float32bits(words[0][i]), after == math.Float32bits(alone):
					c.Still++
				}
			}
			to.Tensors = append(to.Tensors, c)
		},
	}
}
