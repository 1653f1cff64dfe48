package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/launch"
	"github.com/verifyd/verifyd/verify/internal/little"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
)

// Accelerator is the memory and the processor that an engine runs on.
type Accelerator = launch.Accelerator

// accelerated is an engine on an accelerator. The host keeps the rows of a step, its results and, from the
// first Load, Save or Init on, a copy of the state to pass through: as many bytes as the state has on the
// accelerator. A step allocates nothing.
type accelerated struct {
	spec   *Spec
	tape   *program.Tape
	words  int // of the accelerator
	device Accelerator

	rows             []kernels.Buf
	in, out          []uint32
	step, hash, init int // routines; init is -1 until it is wanted

	grads, state *digester
	fixed        *fixed // nil if nothing is frozen
	watched      watched
	evaluation   evaluation

	staged  []float32   // memory of range State
	tensors [][]float32 // views of it
}

// Opener reserves a memory of so many words, all zero, with a processor beside it.
type Opener func(ctx context.Context, words int) (Accelerator, error)

// NewDevice is the device whose engines run on the accelerators that open makes.
func NewDevice(name, path string, open Opener) Device { return opened{name, path, open} }

type opened struct {
	name, path string
	open       Opener
}

func (d opened) Name() string { return d.name }
func (d opened) Path() string { return d.path }

func (d opened) Start(ctx context.Context, s *Spec) (Engine, error) {
	return NewAccelerated(ctx, s, d.open)
}

func (d opened) Open(ctx context.Context, words int) (Memory, error) {
	return NewMemory(ctx, words, d.open)
}

// NewAccelerated starts an engine on the accelerator that open makes with a memory of so many words, all
// zero. Whatever fails on the accelerator while ctx lasts, and a program that no kernel computes, is of class
// ErrDevice.
func NewAccelerated(ctx context.Context, s *Spec, open Opener) (Engine, error) {
	e := &accelerated{
		spec: s, init: -1, evaluation: evaluation{routine: -1},
		grads: newDigester(s.Gradient), state: newDigester(s.State),
	}
	for _, t := range s.Plan.Rows() {
		e.rows = append(e.rows, t.Buf())
	}
	if s.Frozen != nil {
		e.fixed = &fixed{digester: newDigester(s.Frozen), routine: -1}
	}
	step, err := e.lay()
	if err != nil {
		return nil, err
	}
	if e.device, err = open(ctx, e.words); err != nil {
		return nil, failed(ctx, "start", err)
	}
	if err := e.prepare(ctx, step); err != nil {
		return nil, errors.Join(err, e.Close(context.WithoutCancel(ctx)))
	}
	return e, nil
}

// lay says where everything lies, and returns the routine of a step.
func (e *accelerated) lay() (step launch.Routine, err error) {
	n := e.grads.resultWords()
	digests := n + e.state.resultWords()
	e.tape = e.spec.Plan.Tape(digests + MaxWatched)
	e.words = e.tape.Words
	e.words += e.grads.place(e.tape.Gradients, e.tape.Results.Offset, e.words)
	e.words += e.state.place(e.tape.Tensors, e.tape.Results.Offset+n, e.words)
	l := Layout{e.words}
	if e.fixed != nil {
		e.fixed.reserve(&l, e.tape.Frozen)
	}
	e.watched = watched{routine: -1, at: e.tape.Results.Offset + digests, elements: l.Take(e.spec.Reads), words: l.Take(e.spec.Reads)}
	e.words = (l.Words() + 15) / 16 * 16 // whole cache lines
	e.in, e.out = make([]uint32, e.tape.In.Words), make([]uint32, e.tape.Out.Words)
	return e.routine(nil, nil)
}

// routine is that of a step, which leaves what it is watched in behind its results.
func (e *accelerated) routine(blocks []program.Block, reads []program.Read) (step launch.Routine, err error) {
	l := looker{e.watched, blocks, reads}
	backward := e.tape.Backward()
	all, err := l.calls(backward, 0)
	if err != nil {
		return step, err
	}
	update, err := l.calls(e.tape.Update, len(backward))
	if err != nil {
		return step, err
	}
	all = append(all, e.grads.call(e.words))
	all = append(append(all, update...), e.state.call(e.words))
	return launch.Routine{Calls: all, In: e.tape.In, Out: e.results(blocks)}, nil
}

// prepare writes what the routines read and records them.
func (e *accelerated) prepare(ctx context.Context, step launch.Routine) (err error) {
	for _, l := range []*digester{e.grads, e.state} {
		if err := e.device.Write(ctx, l.table.Offset, launch.DigestTable(l.pieces)); err != nil {
			return failed(ctx, "start", err)
		}
	}
	if e.step, err = e.device.Record(ctx, step); err != nil {
		return failed(ctx, "record a step", err)
	}
	e.hash, err = e.device.Record(ctx, launch.Routine{Calls: []launch.Planned{e.state.call(e.words)}, Out: e.results(nil)})
	return failed(ctx, "record the digests", err)
}

func (e *accelerated) Rows() []kernels.Buf { return e.rows }
func (e *accelerated) X() kernels.Buf      { return e.rows[0] }
func (e *accelerated) Y() kernels.Buf      { return e.rows[len(e.rows)-1] }

// Init draws the parameters on the accelerator.
func (e *accelerated) Init(ctx context.Context, seed uint64) error {
	if e.init < 0 {
		init, err := calls(e.tape.Init)
		if err != nil {
			return err
		}
		routine, err := e.device.Record(ctx, launch.Routine{Calls: init, In: e.tape.In})
		if err != nil {
			return failed(ctx, "record the initial state", err)
		}
		e.init = routine
	}
	if err := e.Load(ctx, func(tensors [][]float32) error { e.spec.Plan.Start(tensors); return nil }); err != nil {
		return err
	}
	if e.fixed != nil {
		if err := e.Freeze(ctx, func(tensors [][]float32) error { e.spec.Plan.StartFrozen(tensors); return nil }); err != nil {
			return err
		}
	}
	e.tape.FillInit(e.in, seed)
	return failed(ctx, "initial state", e.device.Run(ctx, e.init, e.in, nil))
}

func (e *accelerated) Load(ctx context.Context, fill func([][]float32) error) error {
	e.stage()
	if err := fill(e.tensors); err != nil {
		return err
	}
	return failed(ctx, "load a state", e.device.Write(ctx, e.tape.State.Offset, little.Words32(e.staged)))
}

func (e *accelerated) Save(ctx context.Context, use func([][]float32) error) error {
	e.stage()
	if err := e.device.Read(ctx, little.Words32(e.staged), e.tape.State.Offset); err != nil {
		return failed(ctx, "save a state", err)
	}
	return use(e.tensors)
}

// stage allocates the host's copy of the state, with the padding between tensors, on which nothing depends.
func (e *accelerated) stage() {
	if e.staged != nil {
		return
	}
	e.staged = make([]float32, e.tape.State.Words)
	for _, r := range e.tape.Tensors {
		at := r.Offset - e.tape.State.Offset
		e.tensors = append(e.tensors, e.staged[at:at+r.Words:at+r.Words])
	}
}

func (e *accelerated) Digests(ctx context.Context) ([]merkle.Hash, error) {
	if err := e.hashFrozen(ctx); err != nil {
		return nil, err
	}
	if err := e.device.Run(ctx, e.hash, nil, e.out[:e.results(nil).Words]); err != nil {
		return nil, failed(ctx, "hash a state", err)
	}
	digests, _ := e.state.read(e.out, e.tape.Out.Offset)
	return digests, nil
}

func (e *accelerated) Step(ctx context.Context, t uint64) (Step, error) {
	return e.run(ctx, t, e.step, e.out[:e.results(nil).Words])
}

// run runs a step's routine.
func (e *accelerated) run(ctx context.Context, t uint64, routine int, out []uint32) (s Step, err error) {
	if err := e.tape.Fill(e.in, e.rows, e.spec.Seed, t); err != nil {
		return s, err
	}
	if err := e.hashFrozen(ctx); err != nil {
		return s, err
	}
	if err := e.device.Run(ctx, routine, e.in, out); err != nil {
		return s, failed(ctx, fmt.Sprintf("step %d", t), err)
	}
	s.Gradients, _ = e.grads.read(e.out, e.tape.Out.Offset)
	s.Next, s.Finite = e.state.read(e.out, e.tape.Out.Offset)
	s.Loss = canonical(e.out[e.tape.Loss.Offset-e.tape.Out.Offset])
	s.Clip = number(1)
	if e.tape.Clip.Words > 0 {
		s.Clip = canonical(e.out[e.tape.Clip.Offset-e.tape.Out.Offset])
	}
	return s, nil
}

func (e *accelerated) Close(ctx context.Context) error {
	return failed(ctx, "close", e.device.Close(ctx))
}

// failed blames the device for an error, unless the caller has given up.
func failed(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return fmt.Errorf("%w: %s: %w", ErrDevice, what, err)
}

// calls are the launches of a tape's calls.
func calls(tape []kernels.Call) ([]launch.Planned, error) {
	all, err := launch.Calls(tape)
	if err != nil {
		return nil, fmt.Errorf("%w: plan: %w", ErrDevice, err)
	}
	return all, nil
}
