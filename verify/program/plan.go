package program

import (
	"slices"

	"github.com/verifyd/verifyd/kernels"
)

// Plan is a compiled program: lists of operators on buffers with assigned places, from which Tape makes a
// step. It is read-only and may be shared by machines.
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
	classes   int    // label limit; 0 if labels are f32
	ignored   *int32 // a label that may be beyond it; nil for none

	train, eval, update routine
}

// idLimit is an embedding that reads the inputs: ids must be below its vocabulary.
type idLimit struct {
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
	if y.Kind == kernels.I32 {
		_, plan.classes = last(walked[len(walked)-1].Output.Shape)
	}
	if p.Labels != nil {
		plan.ignored = &p.Labels.Ignore
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

// Moves says whether the rate of step t is at least a hundredth of the schedule's highest.
func (p *Plan) Moves(t uint64) bool {
	return float64(float64(p.schedule.At(t))*100) >= float64(float32(p.schedule.Rate))
}

// draw is the operator that draws parameter k from the counter's numbers.
func (p *Plan) draw(k int) kernels.Operator {
	bound := p.initial[k].bound
	return kernels.Uniform{N: p.params[k].Len(), Lo: -bound, Hi: bound, OpID: 1<<31 + uint32(k)}
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

// MemoryBytes is the size of a machine's tape. A runner's scratch comes on top.
func (p *Plan) MemoryBytes() uint64 {
	t, _ := p.lay(0, p.arenas())
	return 4 * uint64(t.Words)
}
