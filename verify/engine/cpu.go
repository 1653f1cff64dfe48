package engine

import (
	"context"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/state"
)

// CPU is a device whose memory is this process'.
type CPU struct {
	name    string
	runner  program.Runner
	threads int
}

// NewCPU returns a device that runs operators on runner and hashes with up to threads goroutines.
func NewCPU(name string, runner program.Runner, threads int) *CPU {
	return &CPU{name, runner, threads}
}

// Name is the name given to NewCPU.
func (c *CPU) Name() string { return c.name }

// Path is the runner's code path, such as "cpu avx2", and the name where it does not say.
func (c *CPU) Path() string {
	if r, ok := c.runner.(interface{ ISA() kernels.ISA }); ok {
		return "cpu " + r.ISA().String()
	}
	return c.name
}

// Start allocates the plan's buffers.
func (c *CPU) Start(_ context.Context, s *Spec) (Engine, error) {
	m, err := program.NewMachine(s.Plan, c.runner, s.Seed)
	if err != nil {
		return nil, err
	}
	l := &local{
		machine: m, reads: s.Reads,
		state: state.NewHasher(s.State, c.threads),
		grads: state.NewHasher(s.Gradient, c.threads),
	}
	if s.Frozen != nil {
		l.frozen = state.NewHasher(s.Frozen, c.threads)
	}
	return l, nil
}

// local is an engine on a machine. A step allocates nothing once one has run.
type local struct {
	machine      *program.Machine
	state, grads *state.Hasher
	frozen       *state.Hasher // nil if nothing is frozen
	hashed       bool          // whether the frozen tensors are
	watched      []uint32
	read         []uint32
	reads        int // words of read, once there is a need
}

func (l *local) Rows() []kernels.Buf { return l.machine.Rows() }
func (l *local) X() kernels.Buf      { return l.machine.X() }
func (l *local) Y() kernels.Buf      { return l.machine.Y() }

func (l *local) Init(_ context.Context, seed uint64) error {
	l.hashed = false
	return l.machine.Init(seed)
}

func (l *local) Freeze(_ context.Context, fill func([][]float32) error) error {
	l.hashed = false
	return fill(l.machine.Frozen())
}

func (l *local) Load(_ context.Context, fill func([][]float32) error) error {
	return fill(l.machine.Tensors())
}

func (l *local) Save(_ context.Context, use func([][]float32) error) error {
	return use(l.machine.Tensors())
}

func (l *local) Digests(context.Context) ([]merkle.Hash, error) {
	return l.digests(), nil
}

// digests hashes what steps move.
func (l *local) digests() []merkle.Hash {
	if l.frozen != nil && !l.hashed {
		l.state.Freeze(l.frozen.Root(state.Counters{}, l.machine.Frozen()))
		l.hashed = true
	}
	return l.state.Digests(l.machine.Tensors())
}

func (l *local) Step(_ context.Context, t uint64) (s Step, err error) {
	loss, err := l.machine.Gradients(t)
	if err != nil {
		return s, err
	}
	return l.finish(t, loss)
}

func (l *local) Watch(_ context.Context, t uint64, blocks []program.Block, reads []program.Read) (s Step, watched, read []uint32, err error) {
	if l.watched == nil {
		l.watched = make([]uint32, MaxWatched)
	}
	if watched, err = room(l.watched, size(blocks), "watch"); err != nil {
		return s, nil, nil, err
	}
	n := program.ReadWords(reads)
	if len(l.read) == 0 && n > 0 {
		l.read = make([]uint32, l.reads)
	}
	if read, err = room(l.read, n, "read"); err != nil {
		return s, nil, nil, err
	}
	loss, err := l.machine.Watch(t, program.Look{Blocks: blocks, Watched: watched, Reads: reads, Words: read})
	if err != nil {
		return s, nil, nil, err
	}
	s, err = l.finish(t, loss)
	canonicalize(watched)
	canonicalize(read)
	return s, watched, read, err
}

func (l *local) Evaluate(context.Context) ([]float32, error) {
	_, outputs, err := l.machine.Evaluate()
	return outputs, err
}

// finish hashes the gradients of step t and updates the state with them.
func (l *local) finish(t uint64, loss float32) (s Step, err error) {
	s.Gradients = l.grads.Digests(l.machine.Grads())
	_, clip, err := l.machine.Update(t)
	if err != nil {
		return s, err
	}
	s.Next = l.digests()
	s.Finite = l.state.Finite()
	s.Loss, s.Clip = number(loss), number(clip)
	return s, nil
}

func (l *local) Close(context.Context) error { return nil }
