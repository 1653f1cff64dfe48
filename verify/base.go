package verify

import (
	"context"
	"io"

	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/safetensors"
	"github.com/verifyd/verifyd/verify/state"
)

// BaseFile holds what a program's parameters and buffers start as, frozen ones too, where the job does not have them drawn. A
// bundle has it once, whatever the number of its segments, and none if nothing is frozen.
const BaseFile = "base.safetensors"

// Base is what a program's parameters and buffers start as. It is read-only.
type Base struct {
	Root    merkle.Hash // of its tensors: what a job names
	plan    *program.Plan
	tensors [][]float32 // in the order of Plan.Base
}

// NewBase takes tensors in the order of a plan's Base.
func NewBase(plan *program.Plan, tensors [][]float32, threads int) (*Base, error) {
	l, err := state.NewLayout(state.Base, plan.Base())
	if err != nil {
		return nil, err
	}
	for i, spec := range l.Tensors() {
		if i >= len(tensors) || len(tensors) != len(l.Tensors()) || len(tensors[i]) != spec.Len() {
			return nil, fault.New(fault.WrongType, "", "", "not the tensors of the program")
		}
	}
	if err := l.CheckFinite(tensors); err != nil {
		return nil, err
	}
	return &Base{state.NewHasher(l, threads).Root(state.Counters{}, tensors), plan, tensors}, nil
}

// ReadBase reads a safetensors file of a plan's Base: these tensors in this order, f32, and no others. Errors begin with file.
func ReadBase(r io.Reader, file string, plan *program.Plan, threads int) (*Base, error) {
	specs := plan.Base()
	var size int64
	tensors := make([][]float32, len(specs))
	for i, spec := range specs {
		size += 4 * int64(spec.Len())
		tensors[i] = make([]float32, spec.Len())
	}
	in, err := safetensors.NewReader(r, file, size)
	if err != nil {
		return nil, err
	}
	if err := in.Expect(state.Infos("", specs)); err != nil {
		return nil, err
	}
	for _, x := range tensors {
		if err := in.F32(x); err != nil {
			return nil, err
		}
	}
	if err := in.Close(); err != nil {
		return nil, err
	}
	b, err := NewBase(plan, tensors, threads)
	return b, fault.In(file, err)
}

// Write writes the file that ReadBase reads.
func (b *Base) Write(w io.Writer) error {
	s, err := safetensors.NewWriter(w, nil, state.Infos("", b.plan.Base()))
	if err != nil {
		return err
	}
	for _, x := range b.tensors {
		if err := s.F32(x); err != nil {
			return err
		}
	}
	return s.Close()
}

// Tensors are in the order of Plan.Base. The caller must not change them.
func (b *Base) Tensors() [][]float32 { return b.tensors }

// Bytes is the size of the tensors.
func (b *Base) Bytes() (n uint64) {
	for _, x := range b.tensors {
		n += 4 * uint64(len(x))
	}
	return n
}

// Start sets a state and frozen tensors, each in a plan's order, to what they are before step 0.
func (b *Base) Start(tensors, frozen [][]float32) {
	b.plan.Start(tensors)
	b.plan.StartFrozen(frozen)
	b.plan.StartFrom(b.tensors, tensors, frozen)
}

// begin sets an engine to the state that begins with the base.
func (b *Base) begin(ctx context.Context, e engine.Engine, spec *engine.Spec) error {
	err := e.Load(ctx, func(tensors [][]float32) error {
		b.plan.Start(tensors)
		b.plan.StartFrom(b.tensors, tensors, nil)
		return nil
	})
	if err != nil || spec.Frozen == nil {
		return err
	}
	return b.freeze(ctx, e)
}

func (b *Base) freeze(ctx context.Context, e engine.Engine) error {
	return e.Freeze(ctx, func(frozen [][]float32) error {
		b.plan.StartFrozen(frozen)
		b.plan.StartFrom(b.tensors, nil, frozen)
		return nil
	})
}

// TakeBase gives the terms what the job's training starts from. It refuses another base than the job's.
func (t *Terms) TakeBase(b *Base) error {
	switch want := t.Job.Init.Base; {
	case want == nil:
		return fault.New(fault.WrongType, BaseFile, "", "the job draws what the program starts from")
	case b.Root != want.Root:
		return fault.New(fault.WrongDigest, BaseFile, "", "root %v, the job has %v", b.Root, want.Root)
	}
	t.start.Base = b
	return nil
}

// Base is what was taken, nil if nothing was.
func (t *Terms) Base() *Base { return t.start.Base }

// NeedsBase says whether the job starts from a base that was not taken yet.
func (t *Terms) NeedsBase() bool { return t.Job.Init.Base != nil && t.start.Base == nil }

// checkBase refuses to go on without it.
func (t *Terms) checkBase() error {
	if t.NeedsBase() {
		return fault.New(fault.Missing, BaseFile, "", "the job starts from it")
	}
	return nil
}

// readBase reads the base of a bundle, once. It is needed for replays alone.
func (c *Case) readBase(ctx context.Context) error {
	c.reading.Lock()
	defer c.reading.Unlock()
	if !c.Terms.NeedsBase() || c.Terms.spec.Frozen == nil { // what moves is in the openings
		return nil
	}
	bytes, err := c.Terms.baseBytes()
	if err != nil {
		return err
	}
	file, err := openLimited(ctx, c.source, BaseFile, unpackedLimit(bytes))
	if err != nil {
		return err
	}
	defer file.Close()
	b, err := ReadBase(content(file), BaseFile, c.Terms.Plan, 1)
	if err != nil {
		return err
	}
	return c.Terms.TakeBase(b)
}

// baseBytes is the size of a base's tensors; none is 0.
func (t *Terms) baseBytes() (n int64, err error) {
	if t.Job.Init.Base == nil {
		return 0, nil
	}
	return segmentBytes(state.Infos("", t.Plan.Base()))
}
