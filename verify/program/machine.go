package program

import (
	"fmt"

	"github.com/verifyd/verifyd/kernels"
)

// Runner computes operators: the CPU of package kernels, or another device with the same bits.
type Runner interface {
	Run(op kernels.Operator, bufs []kernels.Buf) error
}

// Machine is a tape in host memory, for steps and for evaluations. Its methods allocate nothing but the
// results of errors. A machine serves one goroutine at a time.
type Machine struct {
	tape   *Tape
	block  block
	runner Runner
	seed   uint64

	training, evaluation [2]bound
	update, init         bound
	rows                 []kernels.Buf
	tensors, grads       [][]float32
	frozen               [][]float32
	logits               []float32

	rest  Look // of the update's calls, by Watch
	begun int  // calls before them
}

// NewMachine allocates the plan's buffers, all zero. The seed is that of dropout.
func NewMachine(plan *Plan, r Runner, seed uint64) (*Machine, error) {
	t := plan.Tape(0)
	m := &Machine{tape: t, block: newBlock(t.Words), runner: r, seed: seed}
	for i := range m.training {
		m.training[i], m.evaluation[i] = m.block.bind(t.training[i]), m.block.bind(t.evaluation[i])
	}
	m.update, m.init = m.block.bind(pass{list: t.Update}), m.block.bind(pass{list: t.Init})
	for _, b := range []bound{m.training[0], m.training[1], m.evaluation[0], m.evaluation[1], m.update, m.init} {
		for _, c := range b.calls {
			if err := kernels.Check(c.op, c.bufs); err != nil {
				return nil, fmt.Errorf("program: plan: %w", err)
			}
		}
	}
	for k, r := range t.rows {
		m.rows = append(m.rows, m.block.view(plan.rows[k].Kind, r))
	}
	for _, r := range t.Tensors {
		m.tensors = append(m.tensors, m.block.view(kernels.F32, r).F)
	}
	for _, r := range t.Frozen {
		m.frozen = append(m.frozen, m.block.view(kernels.F32, r).F)
	}
	for _, r := range t.Gradients {
		m.grads = append(m.grads, m.block.view(kernels.F32, r).F)
	}
	m.logits = m.block.view(kernels.F32, t.logits).F
	return m, nil
}

// Tensors returns live views of the state in the order of Plan.Tensors.
func (m *Machine) Tensors() [][]float32 { return m.tensors }

// Frozen returns live views of the frozen tensors in the order of Plan.Frozen.
func (m *Machine) Frozen() [][]float32 { return m.frozen }

// Grads returns live views of the gradients in the order of Plan.Params: after Gradients those of the
// step before clipping, after Update those that the optimizer saw.
func (m *Machine) Grads() [][]float32 { return m.grads }

// Rows are the buffers of the step's rows, in the order of Plan.Rows. The caller must not change the list.
func (m *Machine) Rows() []kernels.Buf { return m.rows }

// X is the first of them: the inputs, where the graph has one.
func (m *Machine) X() kernels.Buf { return m.rows[0] }

// Y is the last of them, the labels.
func (m *Machine) Y() kernels.Buf { return m.rows[len(m.rows)-1] }

// Gradients computes loss and gradients of step t from X, Y and the parameters. Dropout draws with the
// counter t*accumulation + i in micro-batch i, after those that Plan.From says.
func (m *Machine) Gradients(t uint64) (loss float32, err error) {
	if err := m.prepare(t); err != nil {
		return 0, err
	}
	m.rest = Look{}
	for i := range m.tape.plan.accum {
		if err := m.run(m.training[min(i, 1)].at(i)); err != nil {
			return 0, err
		}
	}
	return m.word(m.tape.Loss), nil
}

// Update applies the optimizer of step t to the gradients of the last call of Gradients. It returns
// the global norm before clipping and the clip coefficient; 0 and 1 if the program does not clip.
func (m *Machine) Update(t uint64) (norm, coef float32, err error) {
	if limit := MaxSteps - m.tape.plan.first; t >= limit {
		return 0, 0, fmt.Errorf("program: step: %d is not below %d", t, limit)
	}
	m.tape.fillScalars(m.block.words, t)
	err = m.look(m.update.calls, m.begun, &m.rest)
	m.rest = Look{}
	if err != nil {
		return 0, 0, err
	}
	if m.tape.Clip.Words == 0 {
		return 0, 1, nil
	}
	return m.word(m.tape.norm), m.word(m.tape.Clip), nil
}

// Evaluate computes the loss and the outputs for X and Y without dropout. The outputs are valid until
// the next call of a method.
func (m *Machine) Evaluate() (loss float32, logits []float32, err error) {
	if err := m.tape.plan.checkBatch(m.rows); err != nil {
		return 0, nil, err
	}
	for i := range m.tape.plan.accum {
		if err := m.run(m.evaluation[min(i, 1)].at(i)); err != nil {
			return 0, nil, err
		}
	}
	return m.word(m.tape.Loss), m.logits, nil
}

// Init sets the parameters, frozen or not, and the buffers by the rules of their nodes from a seed, and every slot to zero.
// Parameter k in graph order draws its numbers as operator 2^31 + k, counter 0: freezing one changes no number of another.
func (m *Machine) Init(seed uint64) error {
	m.tape.plan.Start(m.tensors)
	m.tape.plan.StartFrozen(m.frozen)
	m.tape.FillInit(m.block.words, seed)
	return m.run(m.init.calls)
}

// prepare readies the host's part of step t, whose rows are in place.
func (m *Machine) prepare(t uint64) error {
	if err := m.tape.plan.checkStep(t); err != nil {
		return err
	}
	if err := m.tape.plan.checkBatch(m.rows); err != nil {
		return err
	}
	m.tape.fillCounters(m.block.words, m.seed, t)
	return nil
}

func (m *Machine) run(calls []call) error {
	for i := range calls {
		if err := m.runner.Run(calls[i].op, calls[i].bufs); err != nil {
			return fmt.Errorf("program: %s: %w", calls[i].op.Name(), err)
		}
	}
	return nil
}

// word is a result of one word.
func (m *Machine) word(r kernels.Range) float32 { return m.block.floats[r.Offset] }
