package program

import (
	"math"

	"github.com/verifyd/verifyd/kernels"
)

// Tape is a plan for a device with memory of its own: all buffers in one block of 32-bit words, and flat
// lists of operators on ranges of it, the micro-batches of a step one after another. What a step reads
// from the host lies together, and so does what it gives back. A tape is read-only.
//
// A step is Backward, then Update, on a block of which no word matters but those of In and of the tensors,
// and the bits are those of a Machine. The clipping is never left out, because x*1 = x.
type Tape struct {
	Words int // size of the block

	In, Out kernels.Range // what is copied to the device before a step, and from it afterwards
	Loss    kernels.Range // of one word in Out
	Clip    kernels.Range // clip coefficient, one word in Out; empty if the program does not clip
	Results kernels.Range // the caller's words in Out

	State     kernels.Range   // all tensors with their padding, on which nothing depends
	Tensors   []kernels.Range // of the state, in the order of Plan.Tensors
	Gradients []kernels.Range // in the order of Plan.Params: those of the step between Backward and Update

	Init     []kernels.Call // draws the parameters that start at random
	Backward []kernels.Call // forward and backward
	Update   []kernels.Call // norm, clipping and optimizer

	plan     *Plan
	inputs   []kernels.Range // of each micro-batch
	labels   []kernels.Range
	counters []kernels.Range
	scalars  kernels.Range
}

// Tape lays the plan out with room for the caller's own results behind those of a step.
func (p *Plan) Tape(results int) *Tape {
	t := &Tape{plan: p}
	for range p.accum {
		t.inputs = append(t.inputs, t.reserve(p.x.Len()/p.accum))
		t.labels = append(t.labels, t.reserve(p.y.Len()/p.accum))
		t.counters = append(t.counters, t.reserve(counterWords))
	}
	t.scalars = t.reserve(p.optimizer.scalars())
	t.In = kernels.Range{Words: t.Words}

	t.Out.Offset = t.Words
	t.Loss = t.reserve(1)
	norm, clip := t.reserve(1), t.reserve(1)
	if p.clip {
		t.Clip = clip
	}
	t.Results = t.reserve(results)
	t.Out.Words = t.Words - t.Out.Offset

	sizes, _ := p.spaceSizes()
	places := places{tape: t, norm: norm, clip: clip, sums: t.reserve(len(p.params))}
	t.State.Offset = t.Words
	for s := parameter; s <= slot1; s++ {
		places.at[s] = t.Words
		if s != gradient {
			t.reserve(sizes[s])
		}
	}
	t.State.Words = t.Words - t.State.Offset
	places.at[gradient] = t.reserve(sizes[gradient]).Offset
	places.at[arena] = t.reserve(p.train.size[kernels.F32]).Offset
	places.indices = t.reserve(p.train.size[kernels.I32]).Offset

	for s := parameter; s <= slot1; s++ {
		for k, spec := range p.params {
			r := kernels.Range{Offset: places.at[s] + p.offsets[k], Words: spec.Len()}
			switch {
			case s == gradient:
				t.Gradients = append(t.Gradients, r)
			case sizes[s] > 0:
				t.Tensors = append(t.Tensors, r)
			}
		}
	}
	for k, rule := range p.initial {
		if rule.bound != 0 {
			t.Init = append(t.Init, kernels.Call{Op: p.draw(k), Operands: []kernels.Range{t.counters[0], t.Tensors[k]}})
		}
	}
	for i := range p.accum {
		t.Backward = append(t.Backward, places.calls(p.train, i)...)
	}
	t.Update = places.calls(p.update, 0)
	return t
}

// reserve takes n words at the end of the block, on a cache line.
func (t *Tape) reserve(n int) kernels.Range {
	r := kernels.Range{Offset: t.Words, Words: n}
	t.Words += padded(n)
	return r
}

// places says where the buffers of a plan lie on a tape.
type places struct {
	tape             *Tape
	norm, clip, sums kernels.Range
	at               [spaces]int
	indices          int // arena of kind i32
}

// calls are the instructions of a routine for one micro-batch.
func (p *places) calls(r routine, microBatch int) []kernels.Call {
	var all []kernels.Call
	for _, ins := range r.code {
		if (ins.when == first && microBatch > 0) || (ins.when == later && microBatch == 0) {
			continue
		}
		c := kernels.Call{Op: ins.op}
		for _, v := range ins.bufs {
			c.Operands = append(c.Operands, p.find(r.buffers[v], microBatch))
		}
		all = append(all, c)
	}
	return all
}

// find is the range of a buffer in a micro-batch.
func (p *places) find(b buffer, microBatch int) kernels.Range {
	t := p.tape
	switch b.space {
	case inputs:
		return t.inputs[microBatch]
	case labels:
		return t.labels[microBatch]
	case counters:
		return t.counters[microBatch]
	case scalars:
		switch {
		case b.offset == lossAt:
			return t.Loss
		case b.offset == normAt:
			return p.norm
		case b.offset == coefAt:
			return p.clip
		case b.offset == stepAt:
			return t.scalars
		}
		return kernels.Range{Offset: p.sums.Offset + b.offset - sumsAt, Words: b.n}
	case arena:
		if b.kind == kernels.I32 {
			return kernels.Range{Offset: p.indices + b.offset, Words: b.n}
		}
	}
	return kernels.Range{Offset: p.at[b.space] + b.offset, Words: b.n}
}

// Fill writes what step reads from the host into in, which is the memory of range In: the rows, the
// random-number counters and the optimizer's scalars. It refuses a step and rows out of range.
func (t *Tape) Fill(in []uint32, x, y kernels.Buf, seed, step uint64) error {
	if err := t.plan.checkStep(step); err != nil {
		return err
	}
	if err := t.plan.checkBatch(x, y); err != nil {
		return err
	}
	for i := range t.plan.accum {
		fillRows(in[t.inputs[i].Offset:][:t.inputs[i].Words], x, i)
		fillRows(in[t.labels[i].Offset:][:t.labels[i].Words], y, i)
		t.fillCounter(in, i, seed, uint32(step*uint64(t.plan.accum)+uint64(i)))
	}
	var s [optimizerScalars]float32
	t.plan.optimizer.setScalars(s[:], t.plan.LearningRate(step), step)
	for i := range t.scalars.Words {
		in[t.scalars.Offset+i] = math.Float32bits(s[i])
	}
	return nil
}

// FillInit writes what Init reads from the host, for parameters drawn from a seed.
func (t *Tape) FillInit(in []uint32, seed uint64) { t.fillCounter(in, 0, seed, 0) }

func (t *Tape) fillCounter(in []uint32, microBatch int, seed uint64, counter uint32) {
	copy(in[t.counters[microBatch].Offset:], []uint32{uint32(seed), uint32(seed >> 32), counter, 0})
}

// fillRows writes micro-batch i of rows.
func fillRows(to []uint32, rows kernels.Buf, i int) {
	if len(rows.I) > 0 {
		for k, v := range rows.I[i*len(to):][:len(to)] {
			to[k] = uint32(v)
		}
		return
	}
	for k, v := range rows.F[i*len(to):][:len(to)] {
		to[k] = math.Float32bits(v)
	}
}

// Start sets host memory of the state to what precedes Init: constants, and zero for every slot.
func (p *Plan) Start(tensors [][]float32) {
	for i, x := range tensors {
		v := float32(0)
		if i < len(p.initial) {
			v = p.initial[i].constant
		}
		for k := range x {
			x[k] = v
		}
	}
}
