package program

import (
	"slices"

	"github.com/verifyd/verifyd/kernels"
)

// Plan is a compiled program: lists of operators on buffers with assigned places, from which Tape makes a
// step. It is read-only and may be shared by machines.
type Plan struct {
	rows     []TensorSpec // inputs, and labels last
	output   TensorSpec   // of all rows
	inputs   []Walked
	trained  region // its gradients and slots lie as it does
	kept     region // buffers
	frozen   region
	groups   []group // of what is trained, in which order it lies
	clip     bool
	accum    int
	first    uint64 // step of schedules and optimizers that step 0 is
	drawn    uint64 // random-number counter of its first micro-batch
	idLimits []idLimit
	classes  int    // label limit; 0 if labels are f32
	ignored  *int32 // a label that may be beyond it; nil for none

	train, eval, update routine
}

// idLimit is an embedding that reads the inputs: ids must be below its vocabulary.
type idLimit struct {
	input int // among the rows' tensors
	node  string
	vocab int
}

// Places in the space "outcome", and sizes of it and of a counter.
const (
	lossAt       = 0
	normAt       = 1
	coefAt       = 2
	outcomeWords = 3
	counterWords = 4
)

// newPlan lays out what outlives a step.
func newPlan(p *Program, walked []Walked, y TensorSpec) *Plan {
	rows := p.Accumulation * p.BatchSize
	plan := &Plan{clip: p.ClipNorm > 0, accum: p.Accumulation}
	plan.inputs = inputsOf(walked)
	for _, w := range plan.inputs {
		t := w.Output
		if t.Name = "x/" + w.Name; len(plan.inputs) == 1 {
			t.Name = "x"
		}
		plan.rows = append(plan.rows, t)
	}
	plan.rows = append(plan.rows, y)
	for i := range plan.rows {
		plan.rows[i].Shape = append([]int{rows}, plan.rows[i].Shape...)
	}
	plan.output = walked[len(walked)-1].Output
	plan.output.Name, plan.output.Shape = "output", append([]int{rows}, plan.output.Shape...)
	laid := make(map[*tensor]bool)
	for _, w := range walked {
		for _, t := range w.tensors {
			if laid[t] {
				continue
			}
			laid[t] = true
			switch t.class {
			case trained:
				plan.trained.add(t)
			case kept:
				plan.kept.add(t)
			case frozen:
				plan.frozen.add(t)
			}
		}
		if e, ok := w.Op.(Embedding); ok {
			if k := slices.IndexFunc(plan.inputs, func(in Walked) bool { return in.Index == w.In[0] }); k >= 0 {
				plan.idLimits = append(plan.idLimits, idLimit{input: k, node: w.Name, vocab: e.Vocab})
			}
		}
	}
	plan.gather(p)
	if y.Kind == kernels.I32 {
		_, plan.classes = last(walked[len(walked)-1].Output.Shape)
	}
	if p.Labels != nil {
		plan.ignored = &p.Labels.Ignore
	}
	return plan
}

// Params lists the parameters that are trained in state order, under their PyTorch names.
func (p *Plan) Params() []TensorSpec { return p.trained.specs("") }

// Tensors lists the tensors of a state that steps move in canonical order: "param/NAME" for every parameter that is
// trained in graph order, "opt/SLOT/NAME" for every slot of the optimizer and each of these for which it has any, "buffer/NAME" for
// every buffer.
func (p *Plan) Tensors() []TensorSpec {
	all := p.trained.specs("param/")
	for _, s := range p.slots() {
		all = append(all, p.remembered().specs("opt/"+s+"/")...)
	}
	return append(all, p.kept.specs("buffer/")...)
}

// Base lists what a state starts as where it is not drawn, in graph order under PyTorch names: the parameters that are trained,
// the buffers, and then the frozen ones that are no constants.
func (p *Plan) Base() (all []TensorSpec) {
	for _, t := range p.base() {
		all = append(all, t.spec)
	}
	return all
}

// DrawBase sets x to what tensor i of Base starts as where it is drawn from a seed.
func (p *Plan) DrawBase(r Runner, i int, seed uint64, x []float32) error {
	t := p.base()[i]
	(&region{tensors: []*tensor{t}}).start([][]float32{x})
	if t.init.bound == 0 {
		return nil
	}
	counter := []int32{int32(uint32(seed)), int32(uint32(seed >> 32)), 0, 0}
	return r.Run(t.draw(), []kernels.Buf{{I: counter}, {F: x}})
}

// base lists the tensors of Base.
func (p *Plan) base() []*tensor {
	all := slices.Concat(p.trained.tensors, p.kept.tensors)
	for _, t := range p.frozen.tensors {
		if t.init.values == nil {
			all = append(all, t)
		}
	}
	return all
}

// StartFrom copies a base to the tensors of a state and the frozen ones, either of which may be left out.
func (p *Plan) StartFrom(base, tensors, frozen [][]float32) {
	trained, kept := len(p.trained.tensors), len(p.kept.tensors)
	for i, x := range base[:trained+kept] {
		switch {
		case len(tensors) == 0:
		case i < trained:
			copy(tensors[i], x)
		default:
			copy(tensors[len(tensors)-kept+i-trained], x)
		}
	}
	base = base[trained+kept:]
	for i := range frozen {
		if p.frozen.tensors[i].init.values == nil {
			copy(frozen[i], base[0])
			base = base[1:]
		}
	}
}

// Plain says that the parameters are all there is to the model: each is one node's and trained, the state has neither
// frozen tensors nor buffers, and rows have one input.
func (p *Plan) Plain() bool {
	tied := func(t *tensor) bool { return t.uses > 1 }
	return len(p.inputs) == 1 && len(p.kept.tensors)+len(p.frozen.tensors) == 0 && !slices.ContainsFunc(p.trained.tensors, tied)
}

// Frozen lists the tensors that no step moves in graph order: "frozen/NAME".
func (p *Plan) Frozen() []TensorSpec { return p.frozen.specs("frozen/") }

// Rows describes what a whole step reads, accumulation*batch rows of each: "x", or "x/NODE" of each input in ascending order
// where a graph has several, and then the labels, "y".
func (p *Plan) Rows() []TensorSpec { return slices.Clone(p.rows) }

// X describes the first of them: the inputs, where a graph has one.
func (p *Plan) X() TensorSpec { return p.rows[0] }

// Y describes the last of them.
func (p *Plan) Y() TensorSpec { return p.rows[len(p.rows)-1] }

// From is the plan of a training that goes on: to schedule and optimizer its step t is step first + t, and dropout draws with
// counters from drawn on.
func (p *Plan) From(first, drawn uint64) *Plan {
	later := *p
	later.first, later.drawn = first, drawn
	return &later
}

// Output describes what an evaluation makes of all rows: what the last node of the graph has.
func (p *Plan) Output() TensorSpec { return p.output }

// draw is the operator that draws a parameter from the counter's numbers.
func (t *tensor) draw() kernels.Operator {
	return kernels.Uniform{N: t.spec.Len(), Lo: -t.init.bound, Hi: t.init.bound, OpID: 1<<31 + uint32(t.number)}
}

// Accumulation is the number of micro-batches of a step.
func (p *Plan) Accumulation() int { return p.accum }

// arenas is the number of elements of each kind that steps and evaluations need in the arena.
func (p *Plan) arenas() (size [2]int) {
	for k := range size {
		size[k] = max(p.train.size[k], p.eval.size[k])
	}
	return size
}

// FrozenBytes is the size of the frozen tensors with their padding, which MemoryBytes has, too.
func (p *Plan) FrozenBytes() uint64 { return 4 * uint64(p.frozen.words) }

// MemoryBytes is the size of a machine's tape. A runner's scratch comes on top.
func (p *Plan) MemoryBytes() uint64 {
	t, _ := p.lay(0)
	return 4 * uint64(t.Words)
}
