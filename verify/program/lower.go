package program

import (
	"slices"

	"github.com/verifyd/verifyd/kernels"
)

// places says where the spaces of a plan begin on a tape.
type places struct {
	origin  [spaces]int
	indices int // the arena's elements of kind i32
}

// find is the range of a buffer, in the first micro-batch if it moves.
func (p *places) find(b buffer) kernels.Range {
	at := p.origin[b.space]
	if b.space == arena && b.kind == kernels.I32 {
		at = p.indices
	}
	return kernels.Range{Offset: at + b.offset, Words: b.n}
}

// pass is what runs on one micro-batch.
type pass struct {
	list  []kernels.Call // as the first micro-batch would run it
	moves []move
}

// move is an operand of a pass that lies stride words further in each further micro-batch.
type move struct{ call, operand, stride int }

// passes are the pass of the first micro-batch and that of the others.
type passes [2]pass

// passes lowers a routine.
func (p *places) passes(r routine) passes { return passes{p.pass(r, first), p.pass(r, later)} }

// pass lowers what a routine does always and when w.
func (p *places) pass(r routine, w when) (low pass) {
	for _, ins := range r.code {
		if ins.when != always && ins.when != w {
			continue
		}
		c := kernels.Call{Op: ins.op, Operands: make([]kernels.Range, len(ins.bufs))}
		for k, v := range ins.bufs {
			b := r.buffers[v]
			c.Operands[k] = p.find(b)
			if b.stride != 0 {
				low.moves = append(low.moves, move{len(low.list), k, b.stride})
			}
		}
		low.list = append(low.list, c)
	}
	return low
}

// calls are those of a micro-batch.
func (p pass) calls(microBatch int) []kernels.Call {
	all := slices.Clone(p.list)
	for i, m := range p.moves {
		c := &all[m.call]
		if i == 0 || p.moves[i-1].call != m.call {
			c.Operands = slices.Clone(c.Operands)
		}
		c.Operands[m.operand].Offset += microBatch * m.stride
	}
	return all
}

// lower lists the calls of a step, of an evaluation and of the initial state.
func (t *Tape) lower(at *places) {
	p := t.plan
	t.training, t.evaluation = at.passes(p.train), at.passes(p.eval)
	logits := p.eval.buffers[p.eval.logits]
	t.logits = kernels.Range{Offset: at.find(logits).Offset, Words: p.accum * logits.n}
	t.Update = at.pass(p.update, always).list
	rng := kernels.Range{Offset: t.counters.Offset, Words: counterWords}
	for _, part := range []struct {
		tensors []*tensor
		at      []kernels.Range
	}{{p.trained.tensors, t.Tensors}, {p.frozen.tensors, t.Frozen}} {
		for k, tensor := range part.tensors {
			if tensor.init.bound != 0 {
				t.Init = append(t.Init, kernels.Call{Op: tensor.draw(), Operands: []kernels.Range{rng, part.at[k]}})
			}
		}
	}
}
