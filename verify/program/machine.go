package program

import (
	"fmt"

	"github.com/verifyd/verifyd/kernels"
)

// Runner computes operators: the CPU of package kernels, or another device with the same bits.
type Runner interface {
	Run(op kernels.Operator, bufs []kernels.Buf) error
}

// Machine is a plan with memory. Its methods allocate nothing but the results of errors, except Init.
// A machine serves one goroutine at a time.
type Machine struct {
	plan    *Plan
	runner  Runner
	seed    uint64
	f       [spaces][]float32
	i       [spaces][]int32
	train   [2]list // for the first micro-batch and for the others
	eval    [2]list
	update  list
	clipAt  int // index in update of the clipping; -1 if the program does not clip
	tensors [][]float32
	grads   [][]float32
	logits  []float32
}

// list is a routine bound to memory.
type list struct {
	calls   []call
	windows []window
}

// call is an instruction bound to memory.
type call struct {
	op   kernels.Operator
	bufs []kernels.Buf
}

// window is an operand that moves with the micro-batch.
type window struct {
	operand *kernels.Buf
	buffer  buffer
}

// NewMachine allocates the plan's buffers, all zero. The seed is that of dropout.
func NewMachine(plan *Plan, r Runner, seed uint64) (*Machine, error) {
	m := &Machine{plan: plan, runner: r, seed: seed, clipAt: -1}
	nf, ni := plan.spaceSizes()
	for s := range nf {
		m.f[s], m.i[s] = make([]float32, nf[s]), make([]int32, ni[s])
	}
	for i, w := range []when{first, later} {
		m.train[i], m.eval[i] = m.bind(plan.train, w), m.bind(plan.eval, w)
	}
	m.update = m.bind(plan.update, first)
	for i, c := range m.update.calls {
		if _, ok := c.op.(kernels.ScaleBy); ok {
			m.clipAt = i
		}
	}
	for _, l := range []list{m.train[0], m.train[1], m.eval[0], m.eval[1], m.update} {
		for _, c := range l.calls {
			if err := kernels.Check(c.op, c.bufs); err != nil {
				return nil, fmt.Errorf("program: plan: %w", err)
			}
		}
	}
	for s := parameter; s <= slot1; s++ {
		if s == gradient || len(m.f[s]) == 0 {
			continue
		}
		for k := range plan.params {
			m.tensors = append(m.tensors, m.tensor(s, k))
		}
	}
	for k := range plan.params {
		m.grads = append(m.grads, m.tensor(gradient, k))
	}
	b := plan.eval.buffers[plan.eval.logits]
	m.logits = m.f[arena][b.offset : b.offset+plan.accum*b.n]
	return m, nil
}

// tensor is parameter k's part of a space.
func (m *Machine) tensor(s space, k int) []float32 {
	lo := m.plan.offsets[k]
	hi := lo + m.plan.params[k].Len()
	return m.f[s][lo:hi:hi]
}

// bind resolves the instructions of a routine that the first micro-batch or the later ones run.
func (m *Machine) bind(r routine, w when) list {
	var l list
	for _, ins := range r.code {
		if ins.when != always && ins.when != w {
			continue
		}
		c := call{op: ins.op, bufs: make([]kernels.Buf, len(ins.bufs))}
		for k, v := range ins.bufs {
			c.bufs[k] = m.view(r.buffers[v], 0)
			if r.buffers[v].stride != 0 {
				l.windows = append(l.windows, window{&c.bufs[k], r.buffers[v]})
			}
		}
		l.calls = append(l.calls, c)
	}
	return l
}

// view is a buffer's memory in micro-batch i.
func (m *Machine) view(b buffer, i int) kernels.Buf {
	lo := b.offset + i*b.stride
	hi := lo + b.n
	if b.kind == kernels.I32 {
		return kernels.Buf{I: m.i[b.space][lo:hi:hi]}
	}
	return kernels.Buf{F: m.f[b.space][lo:hi:hi]}
}

// Tensors returns live views of the state in the order of Plan.Tensors.
func (m *Machine) Tensors() [][]float32 { return m.tensors }

// Grads returns live views of the gradients in the order of Plan.Params: after Gradients those of the
// step before clipping, after Update those that the optimizer saw.
func (m *Machine) Grads() [][]float32 { return m.grads }

// X is the buffer of the step's inputs.
func (m *Machine) X() kernels.Buf { return kernels.Buf{F: m.f[inputs], I: m.i[inputs]} }

// Y is the buffer of the step's labels.
func (m *Machine) Y() kernels.Buf { return kernels.Buf{F: m.f[labels], I: m.i[labels]} }

// Gradients computes loss and gradients of step t from X, Y and the parameters. Dropout draws with the
// counter t*accumulation + i in micro-batch i.
func (m *Machine) Gradients(t uint64) (loss float32, err error) {
	if err := m.plan.checkStep(t); err != nil {
		return 0, err
	}
	if err := m.plan.checkBatch(m.X(), m.Y()); err != nil {
		return 0, err
	}
	for i := range m.plan.accum {
		m.setCounter(m.seed, uint32(t*uint64(m.plan.accum)+uint64(i)))
		if err := m.microBatch(&m.train, i); err != nil {
			return 0, err
		}
	}
	return m.f[scalars][lossAt], nil
}

// Update applies the optimizer of step t to the gradients of the last call of Gradients. It returns
// the global norm before clipping and the clip coefficient; 0 and 1 if the program does not clip.
func (m *Machine) Update(t uint64) (norm, coef float32, err error) {
	if t >= MaxSteps {
		return 0, 0, fmt.Errorf("program: step: %d is not below %d", t, uint64(MaxSteps))
	}
	m.plan.optimizer.setScalars(m.f[scalars][stepAt:], m.plan.LearningRate(t), t)
	if m.clipAt < 0 {
		return 0, 1, m.run(m.update.calls)
	}
	if err := m.run(m.update.calls[:m.clipAt]); err != nil {
		return 0, 0, err
	}
	norm, coef = m.f[scalars][normAt], m.f[scalars][coefAt]
	rest := m.update.calls[m.clipAt:]
	if coef == 1 { // x*1 = x
		rest = rest[1:]
	}
	return norm, coef, m.run(rest)
}

// Evaluate computes the loss and the outputs for X and Y without dropout. The outputs are valid until
// the next call of a method.
func (m *Machine) Evaluate() (loss float32, logits []float32, err error) {
	if err := m.plan.checkBatch(m.X(), m.Y()); err != nil {
		return 0, nil, err
	}
	for i := range m.plan.accum {
		if err := m.microBatch(&m.eval, i); err != nil {
			return 0, nil, err
		}
	}
	return m.f[scalars][lossAt], m.logits, nil
}

// Init sets the parameters by the rules of their nodes from a seed, and every slot to zero. Parameter k
// in state order draws its numbers as operator 2^31 + k, counter 0.
func (m *Machine) Init(seed uint64) error {
	m.setCounter(seed, 0)
	rng := kernels.Buf{I: m.i[counters]}
	m.plan.Start(m.tensors)
	for k, rule := range m.plan.initial {
		if rule.bound == 0 {
			continue
		}
		if err := m.runner.Run(m.plan.draw(k), []kernels.Buf{rng, {F: m.tensor(parameter, k)}}); err != nil {
			return fmt.Errorf("program: init of %s: %w", m.plan.params[k].Name, err)
		}
	}
	return nil
}

func (m *Machine) setCounter(seed uint64, counter uint32) {
	c := m.i[counters]
	c[0], c[1], c[2], c[3] = int32(uint32(seed)), int32(uint32(seed>>32)), int32(counter), 0
}

// microBatch runs the list of micro-batch i with its windows in place.
func (m *Machine) microBatch(lists *[2]list, i int) error {
	l := &lists[min(i, 1)]
	for _, w := range l.windows {
		*w.operand = m.view(w.buffer, i)
	}
	return m.run(l.calls)
}

func (m *Machine) run(calls []call) error {
	for i := range calls {
		if err := m.runner.Run(calls[i].op, calls[i].bufs); err != nil {
			return fmt.Errorf("program: instruction %d: %w", i, err)
		}
	}
	return nil
}
