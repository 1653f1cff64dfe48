package program

import (
	"slices"

	"github.com/verifyd/verifyd/kernels"
)

// Plan is a compiled program: flat lists of operators on buffers with assigned places. It is read-only
// and may be shared by machines.
type Plan struct {
	x, y      TensorSpec
	params    []TensorSpec // names without "param/"
	initial   []initial
	offsets   []int // of each parameter in its space
	block     int   // elements of the parameter space, padding included
	optimizer Optimizer
	schedule  Schedule
	clip      bool
	accum     int
	idLimits  []idLimit
	classes   int // label limit; 0 if labels are f32

	train, eval, update routine
}

// idLimit is an embedding that reads the inputs: ids must be below its vocabulary.
type idLimit struct {
	node  string
	vocab int
}

// Places in the spaces "scalars" and "counters".
const (
	lossAt       = 0
	normAt       = 1
	coefAt       = 2
	stepAt       = 3 // the optimizer's scalars
	sumsAt       = stepAt + 9
	counterWords = 4
)

// newPlan lays out what outlives a step.
func newPlan(p *Program, walked []Walked, y TensorSpec) *Plan {
	rows := p.Accumulation * p.BatchSize
	plan := &Plan{optimizer: p.Optimizer, schedule: p.Schedule, clip: p.ClipNorm > 0, accum: p.Accumulation}
	plan.x = walked[0].Output
	plan.x.Name = "x"
	plan.x.Shape = append([]int{rows}, plan.x.Shape...)
	plan.y = y
	plan.y.Shape = append([]int{rows}, y.Shape...)
	for _, w := range walked {
		for i, t := range w.Params {
			plan.params = append(plan.params, t)
			plan.initial = append(plan.initial, w.initial[i])
			plan.offsets = append(plan.offsets, plan.block)
			plan.block += padded(t.Len())
		}
		if e, ok := w.Op.(Embedding); ok && slices.Equal(w.In, []int{0}) {
			plan.idLimits = append(plan.idLimits, idLimit{node: w.Name, vocab: e.Vocab})
		}
	}
	if p.Loss == CrossEntropy {
		_, plan.classes = last(walked[len(walked)-1].Output.Shape)
	}
	return plan
}

// Params lists the parameters in state order, under their PyTorch names.
func (p *Plan) Params() []TensorSpec { return slices.Clone(p.params) }

// Tensors lists the tensors of a state in canonical order: "param/NAME" for every parameter in graph
// order, then "opt/SLOT/NAME" for every slot of the optimizer and every parameter.
func (p *Plan) Tensors() []TensorSpec {
	var all []TensorSpec
	prefixes := []string{"param/"}
	for _, s := range p.optimizer.slots() {
		prefixes = append(prefixes, "opt/"+s+"/")
	}
	for _, prefix := range prefixes {
		for _, t := range p.params {
			t.Name = prefix + t.Name
			all = append(all, t)
		}
	}
	return all
}

// X describes the inputs of a whole step: accumulation*batch rows.
func (p *Plan) X() TensorSpec { return p.x }

// Y describes the labels of a whole step.
func (p *Plan) Y() TensorSpec { return p.y }

// LearningRate is the rate of step t.
func (p *Plan) LearningRate(t uint64) float32 { return p.schedule.At(t) }

// Accumulation is the number of micro-batches of a step.
func (p *Plan) Accumulation() int { return p.accum }

// spaceSizes is the number of elements of each space; those of kind i32 are listed second.
func (p *Plan) spaceSizes() (f, i [spaces]int) {
	f[arena] = max(p.train.size[kernels.F32], p.eval.size[kernels.F32])
	i[arena] = max(p.train.size[kernels.I32], p.eval.size[kernels.I32])
	for _, t := range []struct {
		spec TensorSpec
		at   space
	}{{p.x, inputs}, {p.y, labels}} {
		if t.spec.Kind == kernels.I32 {
			i[t.at] = t.spec.Len()
		} else {
			f[t.at] = t.spec.Len()
		}
	}
	f[parameter], f[gradient] = p.block, p.block
	for k := range p.optimizer.slots() {
		f[slot0+space(k)] = p.block
	}
	f[scalars] = sumsAt + len(p.params)
	i[counters] = counterWords
	return f, i
}

// MemoryBytes is the size of all buffers of a machine that runs the plan.
func (p *Plan) MemoryBytes() uint64 {
	var n uint64
	f, i := p.spaceSizes()
	for s := range f {
		n += 4 * (uint64(f[s]) + uint64(i[s]))
	}
	return n
}

// FLOPs is the number of floating-point operations of one step. Matrix products, convolutions and
// attention count a multiplication and an addition for each term; everything else counts one for each
// element that it writes.
func (p *Plan) FLOPs() uint64 {
	var n uint64
	for _, ins := range p.train.code {
		switch ins.when {
		case always:
			n += uint64(p.accum) * operations(ins.op)
		case first:
			n += operations(ins.op)
		case later:
			n += uint64(p.accum-1) * operations(ins.op)
		}
	}
	for _, ins := range p.update.code {
		n += operations(ins.op)
	}
	return n
}

func operations(op kernels.Operator) uint64 {
	conv := func(s kernels.ConvShape) uint64 {
		return 2 * uint64(s.N) * uint64(s.O) * uint64(s.OutH()) * uint64(s.OutW()) * uint64(s.C) * uint64(s.KH) * uint64(s.KW)
	}
	attention := func(b, h, t, d int) uint64 { return 2 * uint64(b) * uint64(h) * uint64(t) * uint64(t) * uint64(d) }
	switch o := op.(type) {
	case kernels.Gemm:
		return 2 * uint64(o.M) * uint64(o.N) * uint64(o.K)
	case kernels.Conv2D:
		return conv(o.ConvShape)
	case kernels.Conv2DGradInput:
		return conv(o.ConvShape)
	case kernels.Conv2DGradWeight:
		return conv(o.ConvShape)
	case kernels.Attention: // S and O
		return 2 * attention(o.Batch, o.Heads, o.Seq, o.HeadDim)
	case kernels.AttentionGrad: // S again, dV, dP, dQ and dK
		return 5 * attention(o.Batch, o.Heads, o.Seq, o.HeadDim)
	}
	var n uint64
	for _, operand := range op.Operands() {
		if operand.Access != kernels.In {
			n += uint64(operand.Len)
		}
	}
	return n
}
