package engine

import (
	"context"
	"math"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/state"
)

// ErrDevice is the class of errors that blame the device and say nothing about the work: no memory left, a
// hang, a lost GPU. The same work may succeed elsewhere.
var ErrDevice = fault.New(fault.DeviceFailed, "", "", "device failed")

// Spec is what an engine runs. It is read-only.
type Spec struct {
	Program  *program.Program
	Plan     *program.Plan // of the program
	State    *state.Layout // of Plan.Tensors, with Frozen if there is that
	Gradient *state.Layout // of Plan.Params
	Frozen   *state.Layout // of Plan.Frozen; nil if nothing is frozen
	Profile  kernels.Profile
	Seed     uint64 // of dropout
	Reads    int    // words of the largest list of reads that a step is watched in
}

// NewSpec compiles p in a numeric profile.
func NewSpec(p *program.Program, profile kernels.Profile, seed uint64) (*Spec, error) {
	plan, err := program.Compile(p, profile)
	if err != nil {
		return nil, err
	}
	s := &Spec{Program: p, Plan: plan, Profile: profile, Seed: seed}
	if s.State, err = state.NewLayout(state.State, plan.Tensors()); err != nil {
		return nil, err
	}
	if s.Gradient, err = state.NewLayout(state.Gradient, plan.Params()); err != nil {
		return nil, err
	}
	if frozen := plan.Frozen(); len(frozen) > 0 {
		s.State = s.State.WithFrozen()
		if s.Frozen, err = state.NewLayout(state.Frozen, frozen); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Device starts engines. Its methods may be called from any goroutine.
type Device interface {
	// Name identifies the device in verdicts, such as "cpu avx2, 2 threads".
	Name() string
	// Path names what computes, such as "cpu avx2" or a GPU's identity: a fault that devices of one
	// path share shows on none of them.
	Path() string
	// Start makes an engine whose state is zero. The caller closes it.
	Start(ctx context.Context, s *Spec) (Engine, error)
	// Open makes a memory of so many words, all zero. The caller closes it.
	Open(ctx context.Context, words int) (Memory, error)
}

// Engine holds the state of a program and runs its steps. It serves one goroutine at a time. After an
// error its state is undefined until the next Init or Load.
type Engine interface {
	// Rows are host memory for the rows of the next step, in the order of Plan.Rows. They stay the same, and so does the list.
	Rows() []kernels.Buf
	// X and Y are the first and the last of them: inputs, where the program has one, and labels.
	X() kernels.Buf
	Y() kernels.Buf
	// Init sets the state to the program's initial one, drawn from a seed, and the frozen tensors likewise.
	Init(ctx context.Context, seed uint64) error
	// Freeze sets the frozen tensors to what fill writes into host memory, in the order of Plan.Frozen, each whole. They
	// stay what they are until the next call of Freeze or Init, and are hashed once.
	Freeze(ctx context.Context, fill func(frozen [][]float32) error) error
	// Load sets the state to what fill writes into host memory, tensors in the order of Plan.Tensors, each
	// whole: what they hold before is undefined. If fill fails, so does Load.
	Load(ctx context.Context, fill func(tensors [][]float32) error) error
	// Save shows the state to use, which must neither change nor keep it.
	Save(ctx context.Context, use func(tensors [][]float32) error) error
	// Digests are those of the layout Spec.State. The result is valid until the next call.
	Digests(ctx context.Context) ([]merkle.Hash, error)
	// Step runs step t on Rows. The digests in the result are valid until the next call.
	Step(ctx context.Context, t uint64) (Step, error)
	// Watch is Step, and shows what blocks of Plan.Outputs, in the order of calls and of no more than MaxWatched words,
	// hold as soon as their calls have run, and what reads, in the order of program.CompareReads and of no more than
	// Spec.Reads words, give: the bits of their numbers, a NaN as 0x7fc00000, valid until the next call. Other blocks than
	// the last time, and reads of other operands or lengths, cost an accelerator a recording; other elements do not.
	Watch(ctx context.Context, t uint64, blocks []program.Block, reads []program.Read) (s Step, watched, read []uint32, err error)
	// Evaluate computes the outputs of Rows from the state, as Plan.Output describes them, without dropout and by the running
	// statistics. Labels in Rows must be in their range and do not matter. It is no step: the state is what it was. Rows out of
	// range are refused before anything runs. The outputs are valid until the next call.
	Evaluate(ctx context.Context) (outputs []float32, err error)
	// Close releases what the engine holds.
	Close(ctx context.Context) error
}

// MaxWatched bounds the words of the blocks that a step can be watched in.
const MaxWatched = 1024

// Step is what one step computed.
type Step struct {
	Loss, Clip uint32        // bits of binary32; a NaN is 0x7fc00000
	Gradients  []merkle.Hash // of the gradients before clipping, in the order of Plan.Params
	Next       []merkle.Hash // of the state after the update, as Digests has them
	Finite     bool          // whether the state after the update has neither NaN nor infinity
}

// number is the bits of v as a Step has them.
func number(v float32) uint32 { return canonical(math.Float32bits(v)) }

// canonical is bits with any NaN as 0x7fc00000: which one an operation gives depends on the machine.
func canonical(bits uint32) uint32 {
	if bits&0x7fffffff > 0x7f800000 {
		return 0x7fc00000
	}
	return bits
}
