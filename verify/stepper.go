package verify

import (
	"context"
	"fmt"

	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/trace"
)

// stepper runs steps on an engine and records what a leaf and an opening say of them. Once it has run a
// step it allocates nothing for the next.
type stepper struct {
	terms    *Terms
	serves   merkle.Hash // digest of the assignment
	engine   engine.Engine
	hasher   *job.SampleHasher
	unpacker *job.Unpacker
	samples  [][]byte      // of the step, as they are stored
	leaves   []merkle.Hash // leaf hashes of the step's samples
	record   trace.Step    // of the last step; its digests are the engine's
	finite   bool          // whether the state after the last step is

	watching []program.Block // of the next steps
	words    []uint32        // that they held in the last one, until the engine's next call
	reading  []program.Read  // of the next steps
	read     []uint32        // that they gave in the last one, likewise
}

func newStepper(ctx context.Context, t *Terms, a job.Assignment, d engine.Device) (*stepper, error) {
	serves, err := document.Digest(job.AssignmentKind, a)
	if err != nil {
		return nil, err
	}
	e, err := d.Start(ctx, t.spec)
	if err != nil {
		return nil, err
	}
	data := &t.Job.Data
	return &stepper{terms: t, serves: serves, engine: e, hasher: data.Hasher(), unpacker: data.Unpacker(), samples: data.Batch(t.rows), leaves: make([]merkle.Hash, t.rows)}, nil
}

// init sets the engine to the job's initial state.
func (s *stepper) init(ctx context.Context) error {
	if err := s.terms.checkStart(); err != nil {
		return err
	}
	return s.terms.start.begin(ctx, s.engine, s.terms.spec)
}

// freeze gives the engine the tensors that no step moves, which no opening has: the job says what they are. It is needed before
// a state is loaded.
func (s *stepper) freeze(ctx context.Context) error {
	if s.terms.spec.Frozen == nil {
		return nil
	}
	if err := s.terms.checkBase(); err != nil {
		return err
	}
	if b := s.terms.start.Base; b != nil {
		return b.freeze(ctx, s.engine)
	}
	return s.terms.start.draw(ctx, s.engine, s.terms.spec)
}

// close releases the engine, also when ctx has ended.
func (s *stepper) close(ctx context.Context) error { return s.engine.Close(context.WithoutCancel(ctx)) }

// root hashes the state before step t.
func (s *stepper) root(ctx context.Context, t uint64) (merkle.Hash, error) {
	digests, err := s.engine.Digests(ctx)
	if err != nil {
		return merkle.Hash{}, err
	}
	return s.terms.spec.State.Root(s.terms.Counters(t, s.serves), digests), nil
}

// hashSamples fills leaves from the step's samples.
func (s *stepper) hashSamples() {
	for i := range s.leaves {
		s.leaves[i] = s.hasher.Leaf(s.samples, i)
	}
}

// takeSamples puts what the program reads of the step's samples into the engine's buffers.
func (s *stepper) takeSamples() error { return s.unpacker.Unpack(s.engine.Rows(), s.samples) }

// step runs step t on the samples in the engine's buffers, which have been hashed, from the state whose
// root is current.
func (s *stepper) step(ctx context.Context, t uint64, current merkle.Hash) error {
	got, err := s.run(ctx, t)
	if err != nil {
		return fmt.Errorf("step %d: %w", t, err)
	}
	s.record.Gradients, s.record.Next, s.finite = got.Gradients, got.Next, got.Finite
	s.record.Leaf = trace.Leaf{
		Step:     t,
		State:    current,
		Batch:    job.BatchRoot(s.leaves),
		Gradient: s.terms.spec.Gradient.Root(s.terms.Counters(t, s.serves), got.Gradients),
		Next:     s.terms.spec.State.Root(s.terms.Counters(t+1, s.serves), got.Next),
		Clip:     got.Clip,
		Loss:     got.Loss,
	}
	return nil
}

func (s *stepper) run(ctx context.Context, t uint64) (got engine.Step, err error) {
	if len(s.watching) == 0 && len(s.reading) == 0 {
		return s.engine.Step(ctx, t)
	}
	got, s.words, s.read, err = s.engine.Watch(ctx, t, s.watching, s.reading)
	return got, err
}
