package program

import (
	"fmt"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/fault"
)

// value is a tensor of the plan under construction: an index into compiler.buffers.
type value int

// space says where a buffer lives.
type space uint8

const (
	arena     space = iota // reused during a step; offsets by liveness
	inputs                 // the step's inputs, one window a micro-batch
	labels                 // the step's labels, likewise
	counters               // random-number counters, likewise
	scalars                // each group's step-dependent constants
	outcome                // loss, norm and clip coefficient
	sums                   // of the squares of each gradient
	parameter              // parameters, one after another, group by group in state order
	gradient               // their gradients, likewise
	slot0                  // the optimizer's first slot, likewise
	slot1                  // its second
	buffers                // tensors that a forward pass moves
	fixed                  // tensors that nothing moves
	spaces                 // how many there are
)

// buffer is one tensor of a plan: n elements at offset of a space, moved by stride for each
// micro-batch.
type buffer struct {
	kind           kernels.Kind
	space          space
	offset, stride int
	n              int
}

// when says for which micro-batches of a step an instruction runs.
type when uint8

const (
	always when = iota
	first       // the first micro-batch, which writes a sum
	later       // the others, which add to it
)

// instruction is one operator on buffers, in the order of its operands.
type instruction struct {
	op   kernels.Operator
	bufs []value
	when when
}

// node is a graph node while it is compiled.
type node struct {
	Walked
	shapes  []TensorSpec // of the inputs, one sample
	in      []value      // inputs
	out     value        // what forward returned
	dy      value        // gradient of the output, during backward
	params  []value
	grads   []value // gradients of the parameters; of a frozen one, memory that nobody reads
	buffers []value // tensors of the state that forward may move, unless it only evaluates
	saved   []value // what forward keeps for backward
}

// compiler turns a walked graph into instructions.
type compiler struct {
	batch        int  // rows of a micro-batch
	accumulation int  // micro-batches of a step
	eval         bool // forward only, dropout off
	profile      kernels.Profile

	buffers []buffer
	code    []instruction

	inputs           map[int]value // by node
	y, loss, counter value
	nodes            []*node
	needs            map[value]bool  // values whose gradient leads to a parameter
	dvalues          map[value]value // gradients so far
	grads            map[*tensor]value
	uses             map[value]*use // of each gradient
	tables           map[kernels.RopeTable][]value
}

// add registers a buffer.
func (c *compiler) add(b buffer) value {
	c.buffers = append(c.buffers, b)
	return value(len(c.buffers) - 1)
}

// temp is a new f32 buffer of n elements whose place is found by liveness.
func (c *compiler) temp(n int) value { return c.add(buffer{kind: kernels.F32, n: n}) }

// tempI32 is a new i32 buffer of n elements whose place is found by liveness.
func (c *compiler) tempI32(n int) value { return c.add(buffer{kind: kernels.I32, n: n}) }

// emit appends an operator on values, in the order of its operands.
func (c *compiler) emit(op kernels.Operator, v ...value) { c.emitWhen(always, op, v...) }

func (c *compiler) emitWhen(w when, op kernels.Operator, v ...value) {
	c.code = append(c.code, instruction{op: op, bufs: v, when: w})
}

// wants says whether the gradient of a value is needed.
func (c *compiler) wants(v value) bool { return c.needs[v] }

// contribute adds dv to the gradient of v. The terms of a value with several uses are added as they
// come: the last use in graph order first.
func (c *compiler) contribute(v, dv value) {
	if !c.needs[v] {
		return
	}
	sum, ok := c.dvalues[v]
	if !ok {
		c.dvalues[v] = dv
		return
	}
	n := c.buffers[v].n
	both := c.temp(n)
	c.emit(kernels.Add{N: n}, sum, dv, both)
	c.dvalues[v] = both
}

// Compile checks the program and turns it into a plan: forward, loss, backward and update as flat
// lists of operators on buffers with assigned places, the products in a numeric profile. It allocates none of
// those buffers. A profile that is none is an error of class kernels.ErrProfile.
func Compile(p *Program, profile kernels.Profile) (*Plan, error) {
	if err := profile.Check(); err != nil {
		return nil, err
	}
	walked, err := p.check()
	if err != nil {
		return nil, err
	}
	for i, w := range walked {
		if o, ok := w.Op.(interface {
			fits(batch int, out TensorSpec) error
		}); ok {
			if err := o.fits(p.BatchSize, w.Output); err != nil {
				return nil, fault.In(what, fault.Under(fmt.Sprintf("nodes[%d] %.128q", i, w.Name), err))
			}
		}
	}
	y, err := p.Loss.labels(walked[len(walked)-1].Output)
	if err != nil {
		return nil, err
	}
	plan := newPlan(p, walked, y)
	if n := len(plan.Tensors()) + len(plan.Frozen()); len(plan.trained.tensors) < 1 || n > MaxTensors {
		return nil, fault.New(fault.TooLarge, what, "", "%d tensors in its state: outside 1 to %d", n, MaxTensors)
	}
	plan.train = plan.compile(p, profile, walked, false)
	if err := plan.reached(); err != nil {
		return nil, fault.In(what, fault.Under("graph", err))
	}
	plan.eval = plan.compile(p, profile, walked, true)
	plan.update = plan.compileUpdate(p)
	if plan.MemoryBytes() > MaxMemory {
		return nil, fault.New(fault.TooLarge, what, "", "its buffers need %d bytes, above the limit %d", plan.MemoryBytes(), uint64(MaxMemory))
	}
	return plan, nil
}

// compile emits one pass over a micro-batch: forward and loss, then backward unless only evaluating.
func (plan *Plan) compile(p *Program, profile kernels.Profile, walked []Walked, eval bool) routine {
	c := &compiler{batch: p.BatchSize, accumulation: p.Accumulation, eval: eval, profile: profile,
		needs: map[value]bool{}, dvalues: map[value]value{}, inputs: map[int]value{}, grads: map[*tensor]value{}, uses: map[value]*use{}}
	window := func(t TensorSpec, s space, offset int) value {
		n := t.Len() / p.Accumulation
		return c.add(buffer{kind: t.Kind, space: s, offset: offset, stride: n, n: n})
	}
	for k, r := range plan.Inputs() {
		c.inputs[plan.inputs[k].Index] = window(plan.rows[k], inputs, r.Offset)
	}
	c.y = window(plan.Y(), labels, 0)
	c.loss = c.add(buffer{space: outcome, offset: lossAt, n: 1})
	c.counter = c.add(buffer{kind: kernels.I32, space: counters, stride: counterWords, n: counterWords})

	for i := range walked {
		n := &node{Walked: walked[i]}
		requires := c.bind(n)
		for _, j := range n.In {
			n.in = append(n.in, c.nodes[j].out)
			n.shapes = append(n.shapes, walked[j].Output)
			requires = requires || c.needs[c.nodes[j].out]
		}
		n.out = n.Op.forward(c, n)
		c.needs[n.out] = requires
		c.nodes = append(c.nodes, n)
	}

	out := c.nodes[len(c.nodes)-1]
	dout := p.emitLoss(c, out.out, out.Output.Shape)
	r := routine{logits: -1}
	if eval {
		r.logits = c.add(buffer{stride: c.buffers[out.out].n, n: c.buffers[out.out].n})
		c.emit(kernels.Copy{N: c.buffers[out.out].n}, out.out, r.logits)
	} else {
		c.contribute(out.out, dout)
		for i := len(c.nodes) - 1; i >= 0; i-- {
			n := c.nodes[i]
			dy, reached := c.dvalues[n.out]
			if n.dy = dy; reached && c.needs[n.out] {
				n.Op.backward(c, n)
			}
		}
		c.leaveOut()
	}
	r.code, r.buffers = c.code, c.buffers
	r.assign(p.Accumulation)
	return r
}
