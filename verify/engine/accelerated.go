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

// Accelerator is a block of memory with a processor beside it. Its methods run one after another, each
// seeing all that the former wrote. It serves one goroutine at a time.
type Accelerator interface {
	// Write copies words to word offset and what follows.
	Write(ctx context.Context, offset int, words []uint32) error
	// Read copies words from word offset and what follows.
	Read(ctx context.Context, words []uint32, offset int) error
	// Record prepares a routine, and returns its number for Run.
	Record(ctx context.Context, r launch.Routine) (routine int, err error)
	// Run copies in to the routine's range In, runs the routine, and copies its range Out to out.
	Run(ctx context.Context, routine int, in, out []uint32) error
	// Close releases the memory.
	Close(ctx context.Context) error
}

// accelerated is an engine on an accelerator. The host keeps the rows of a step, its results and, from the
// first Load, Save or Init on, a copy of the state to pass through.
type accelerated struct {
	spec   *Spec
	tape   *program.Tape
	device Accelerator

	x, y       kernels.Buf
	in, out    []uint32
	step, hash int // routines

	grads, state *digester

	staged  []float32   // memory of range State
	tensors [][]float32 // views of it
}

// NewAccelerated starts an engine on the accelerator that open makes with a memory of so many words, all
// zero. Whatever fails on the accelerator is of class ErrDevice.
func NewAccelerated(ctx context.Context, s *Spec, open func(ctx context.Context, words int) (Accelerator, error)) (Engine, error) {
	e := &accelerated{spec: s, x: rows(s.Plan.X()), y: rows(s.Plan.Y())}
	if err := e.start(ctx, open); err != nil {
		return nil, errors.Join(err, e.Close(ctx))
	}
	return e, nil
}

func (e *accelerated) start(ctx context.Context, open func(context.Context, int) (Accelerator, error)) error {
	layout := e.spec.Plan.Tape(0) // where the tensors lie does not change their pieces
	grads, state := launch.Pieces(ranges(layout.Gradients)), launch.Pieces(ranges(layout.Tensors))
	e.tape = e.spec.Plan.Tape((len(grads) + len(state)) * resultWords)
	grads, state = launch.Pieces(ranges(e.tape.Gradients)), launch.Pieces(ranges(e.tape.Tensors))
	e.grads = newDigester(grads, e.spec.Gradient, e.tape.Results.Offset)
	e.state = newDigester(state, e.spec.State, e.tape.Results.Offset+len(grads)*resultWords)
	e.in, e.out = make([]uint32, e.tape.In.Len), make([]uint32, e.tape.Out.Len)

	tables := [][]uint32{launch.DigestTable(grads), launch.DigestTable(state)}
	words := e.tape.Words
	e.grads.table = launch.Range{Offset: words, Words: len(tables[0])}
	e.state.table = launch.Range{Offset: words + len(tables[0]), Words: len(tables[1])}
	words += len(tables[0]) + len(tables[1])

	device, err := open(ctx, words)
	if err != nil {
		return failed("start", err)
	}
	e.device = device
	for i, l := range []*digester{e.grads, e.state} {
		if err := device.Write(ctx, l.table.Offset, tables[i]); err != nil {
			return failed("start", err)
		}
	}
	backward, err := calls(e.tape.Backward)
	if err != nil {
		return err
	}
	update, err := calls(e.tape.Update)
	if err != nil {
		return err
	}
	step := append(backward, e.grads.call(words))
	step = append(append(step, update...), e.state.call(words))
	if e.step, err = device.Record(ctx, launch.Routine{Calls: step, In: one(e.tape.In), Out: one(e.tape.Out)}); err != nil {
		return failed("record a step", err)
	}
	e.hash, err = device.Record(ctx, launch.Routine{Calls: []launch.Call{e.state.call(words)}, Out: one(e.tape.Out)})
	return failed("record the digests", err)
}

func (e *accelerated) X() kernels.Buf { return e.x }
func (e *accelerated) Y() kernels.Buf { return e.y }

// Init draws the parameters on the accelerator.
func (e *accelerated) Init(ctx context.Context, seed uint64) error {
	if err := e.Load(ctx, func(tensors [][]float32) error { e.spec.Plan.Start(tensors); return nil }); err != nil {
		return err
	}
	init, err := calls(e.tape.Init)
	if err != nil {
		return err
	}
	routine, err := e.device.Record(ctx, launch.Routine{Calls: init, In: one(e.tape.In)})
	if err != nil {
		return failed("record the initial state", err)
	}
	e.tape.FillInit(e.in, seed)
	return failed("initial state", e.device.Run(ctx, routine, e.in, nil))
}

func (e *accelerated) Load(ctx context.Context, fill func([][]float32) error) error {
	e.stage()
	if err := fill(e.tensors); err != nil {
		return err
	}
	return failed("load a state", e.device.Write(ctx, e.tape.State.Offset, little.Words32(e.staged)))
}

func (e *accelerated) Save(ctx context.Context, use func([][]float32) error) error {
	e.stage()
	if err := e.device.Read(ctx, little.Words32(e.staged), e.tape.State.Offset); err != nil {
		return failed("save a state", err)
	}
	return use(e.tensors)
}

// stage allocates the host's copy of the state. The padding between tensors is zero and stays so.
func (e *accelerated) stage() {
	if e.staged != nil {
		return
	}
	e.staged = make([]float32, e.tape.State.Len)
	for _, r := range e.tape.Tensors {
		at := r.Offset - e.tape.State.Offset
		e.tensors = append(e.tensors, e.staged[at:at+r.Len:at+r.Len])
	}
}

func (e *accelerated) Digests(ctx context.Context) ([]merkle.Hash, error) {
	if err := e.device.Run(ctx, e.hash, nil, e.out); err != nil {
		return nil, failed("hash a state", err)
	}
	digests, _ := e.state.read(e.out, e.tape.Out.Offset)
	return digests, nil
}

func (e *accelerated) Step(ctx context.Context, t uint64) (s Step, err error) {
	if err := e.tape.Fill(e.in, e.x, e.y, e.spec.Seed, t); err != nil {
		return s, err
	}
	if err := e.device.Run(ctx, e.step, e.in, e.out); err != nil {
		return s, failed(fmt.Sprintf("step %d", t), err)
	}
	s.Gradients, _ = e.grads.read(e.out, e.tape.Out.Offset)
	s.Next, s.Finite = e.state.read(e.out, e.tape.Out.Offset)
	s.Loss = canonical(e.out[e.tape.Loss.Offset-e.tape.Out.Offset])
	s.Clip = number(1)
	if e.tape.Clip.Len > 0 {
		s.Clip = canonical(e.out[e.tape.Clip.Offset-e.tape.Out.Offset])
	}
	return s, nil
}

func (e *accelerated) Close(ctx context.Context) error {
	if e.device == nil {
		return nil
	}
	return failed("close", e.device.Close(ctx))
}

// failed blames the device for an error.
func failed(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %s: %w", ErrDevice, what, err)
}

// calls are the launches of a tape's calls.
func calls(tape []program.Call) ([]launch.Call, error) {
	all := make([]launch.Call, 0, len(tape))
	for _, c := range tape {
		plan, err := launch.For(c.Op)
		if err != nil {
			return nil, failed("plan", err)
		}
		all = append(all, launch.Call{Plan: plan, Operands: ranges(c.Operands)})
	}
	return all, nil
}

func ranges(tape []program.Range) []launch.Range {
	all := make([]launch.Range, len(tape))
	for i, r := range tape {
		all[i] = one(r)
	}
	return all
}

func one(r program.Range) launch.Range { return launch.Range{Offset: r.Offset, Words: r.Len} }

// rows allocates host memory for rows.
func rows(spec program.TensorSpec) kernels.Buf {
	if spec.Kind == kernels.I32 {
		return kernels.Buf{I: make([]int32, spec.Len())}
	}
	return kernels.Buf{F: make([]float32, spec.Len())}
}

// canonical is the bits of a number as a Step has them.
func canonical(bits uint32) uint32 {
	if bits&0x7fffffff > 0x7f800000 {
		return 0x7fc00000
	}
	return bits
}
