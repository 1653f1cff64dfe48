package program

import (
	"math"
	"slices"

	"github.com/verifyd/verifyd/kernels"
)

// Tape is the step of a plan: all buffers in one block of 32-bit words, and flat lists of operators on ranges
// of it. What a step reads from the host lies together, and so does what it gives back. A tape is
// read-only. A Machine is a tape in host memory.
//
// A step is Backward, then Update, on a block of which no word matters but those of In and of the tensors.
type Tape struct {
	Words int // size of the block

	In, Out kernels.Range // what is copied to the device before a step, and from it afterwards
	Loss    kernels.Range // of one word in Out
	Clip    kernels.Range // clip coefficient, one word in Out; empty if the program does not clip
	Results kernels.Range // the caller's words in Out

	State     kernels.Range   // all tensors that steps move, with their padding, on which nothing depends
	Tensors   []kernels.Range // of the state, in the order of Plan.Tensors
	Fixed     kernels.Range   // all tensors that none does, likewise
	Frozen    []kernels.Range // in the order of Plan.Frozen
	Gradients []kernels.Range // in the order of Plan.Params: those of the step between Backward and Update

	Init   []kernels.Call // draws the parameters that start at random
	Update []kernels.Call // norm and clipping, then the optimizer of each group

	plan                 *Plan
	rows                 []kernels.Range // of a step, in the order of Plan.Rows
	counters             kernels.Range   // of each micro-batch
	scalars, norm        kernels.Range
	logits               kernels.Range // outputs of all rows, by an evaluation
	training, evaluation passes
}

// Tape lays the plan out with room for the caller's own results behind those of a step.
func (p *Plan) Tape(results int) *Tape {
	t, at := p.lay(results)
	t.lower(at)
	return t
}

// Backward lists the first part of a step: forward, loss and backward of each micro-batch in turn.
func (t *Tape) Backward() []kernels.Call {
	var all []kernels.Call
	for i := range t.plan.accum {
		all = append(all, t.training[min(i, 1)].calls(i)...)
	}
	return all
}

// First lists the calls of the first micro-batch, with which a step begins. Those of the others differ in what they add up.
func (t *Tape) First() []kernels.Call { return t.training[0].calls(0) }

// Evaluation lists what computes the outputs of all rows without dropout and by the running statistics, as a Machine's Evaluate
// does, and says where they lie. It shares the arena with the steps and changes no tensor.
func (t *Tape) Evaluation() (calls []kernels.Call, outputs kernels.Range) {
	for i := range t.plan.accum {
		calls = append(calls, t.evaluation[min(i, 1)].calls(i)...)
	}
	return calls, t.logits
}

// Calls lists a whole step in the order in which verify/SPEC.md numbers its calls: call k is Calls()[k].
func (t *Tape) Calls() []kernels.Call { return slices.Concat(t.Backward(), t.Update) }

// lay places the buffers.
func (p *Plan) lay(results int) (*Tape, *places) {
	t, at := &Tape{plan: p}, new(places)
	place := func(s space, n int) kernels.Range {
		r := t.reserve(n)
		at.origin[s] = r.Offset
		return r
	}
	in := place(inputs, p.InputWords())
	for _, r := range p.Inputs() {
		t.rows = append(t.rows, kernels.Range{Offset: in.Offset + r.Offset, Words: r.Words})
	}
	t.rows = append(t.rows, place(labels, p.Y().Len()))
	t.counters = place(counters, p.accum*counterWords)
	t.scalars = place(scalars, (len(p.groups)-1)*scalarsApart+p.groups[0].optimizer.scalars())
	t.In = kernels.Range{Words: t.Words}

	one := func(place int) kernels.Range { return kernels.Range{Offset: at.origin[outcome] + place, Words: 1} }
	t.Out.Offset = place(outcome, outcomeWords).Offset
	t.Loss, t.norm = one(lossAt), one(normAt)
	if p.clip {
		t.Clip = one(coefAt)
	}
	t.Results = t.reserve(results)
	t.Out.Words = t.Words - t.Out.Offset

	place(sums, len(p.trained.tensors))
	t.State.Offset = t.Words
	t.Tensors = p.trained.split(place(parameter, p.trained.words))
	for k := range p.slots() {
		t.Tensors = append(t.Tensors, p.remembered().split(place(slot0+space(k), p.trained.words))...)
	}
	t.Tensors = append(t.Tensors, p.kept.split(place(buffers, p.kept.words))...)
	t.State.Words = t.Words - t.State.Offset
	t.Gradients = p.trained.split(place(gradient, p.trained.words))
	t.Fixed = place(fixed, p.frozen.words)
	t.Frozen = p.frozen.split(t.Fixed)
	size := p.arenas()
	place(arena, size[kernels.F32])
	at.indices = t.reserve(size[kernels.I32]).Offset
	return t, at
}

// reserve takes n words at the end of the block, on a cache line.
func (t *Tape) reserve(n int) kernels.Range {
	r := kernels.Range{Offset: t.Words, Words: n}
	t.Words += padded(n)
	return r
}

// Fill writes what step reads from the host into in, which is the memory of range In: the rows, the
// random-number counters and the optimizer's scalars. It refuses a step and rows out of range.
func (t *Tape) Fill(in []uint32, rows []kernels.Buf, seed, step uint64) error {
	if err := t.plan.checkStep(step); err != nil {
		return err
	}
	if err := t.plan.checkBatch(rows); err != nil {
		return err
	}
	for k, r := range t.rows {
		fillRows(in[r.Offset:][:r.Words], rows[k])
	}
	t.fillCounters(in, seed, step)
	t.fillScalars(in, step)
	return nil
}

// FillInit writes what Init reads from the host, for parameters drawn from a seed.
func (t *Tape) FillInit(in []uint32, seed uint64) { t.fillCounter(in, 0, seed, 0) }

// fillCounters writes step*accumulation + i for micro-batch i, after those of a training that goes on.
func (t *Tape) fillCounters(in []uint32, seed, step uint64) {
	for i := range t.plan.accum {
		t.fillCounter(in, i, seed, uint32(t.plan.drawn+step*uint64(t.plan.accum)+uint64(i)))
	}
}

func (t *Tape) fillCounter(in []uint32, microBatch int, seed uint64, counter uint32) {
	c := in[t.counters.Offset+microBatch*counterWords:]
	c[0], c[1], c[2], c[3] = uint32(seed), uint32(seed>>32), counter, 0
}

func (t *Tape) fillScalars(in []uint32, step uint64) {
	var s [optimizerScalars]float32
	for k, g := range t.plan.groups {
		g.optimizer.setScalars(s[:], g.schedule.At(t.plan.first+step), t.plan.first+step)
		for i := range g.optimizer.scalars() {
			in[t.scalars.Offset+k*scalarsApart+i] = math.Float32bits(s[i])
		}
	}
}

func fillRows(to []uint32, rows kernels.Buf) {
	for k, v := range rows.I {
		to[k] = uint32(v)
	}
	for k, v := range rows.F {
		to[k] = math.Float32bits(v)
	}
}

// Start sets host memory of the state to what precedes Init: constants, and zero for every slot.
func (p *Plan) Start(tensors [][]float32) {
	n := len(p.trained.tensors)
	p.trained.start(tensors[:n])
	k := len(tensors) - len(p.kept.tensors)
	for _, x := range tensors[n:k] {
		clear(x)
	}
	p.kept.start(tensors[k:])
}

// StartFrozen sets host memory of the frozen tensors to what precedes Init.
func (p *Plan) StartFrozen(tensors [][]float32) { p.frozen.start(tensors) }
