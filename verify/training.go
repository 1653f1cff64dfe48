package verify

import (
	"context"
	"errors"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/state"
	"github.com/verifyd/verifyd/verify/trace"
)

// Training is the work of a job, a step at a time. It serves one goroutine at a time, and ends with Finish or with
// Close.
type Training struct {
	work    Work
	stepper *stepper
	samples *fetcher
	out     *trace.Writer
	ids     []int64     // of the next step's samples
	current merkle.Hash // root of the state before it
	steps   uint64      // done
	filled  bool        // whether the engine's buffers hold the next step's samples
}

// Begin starts the work of a job at its initial state, with a trace in dir, which is made; or it goes on with the one that is
// there, at its last state before which all is sound. What fails before the trace is begun leaves no directory behind.
func Begin(ctx context.Context, w Work, dir string) (*Training, error) {
	if err := w.Terms.CheckMemory(w.MaxMemory); err != nil {
		return nil, err
	}
	if err := w.Terms.CheckData(&w.Assignment, w.Data); err != nil {
		return nil, err
	}
	s, err := newStepper(ctx, w.Terms, w.Assignment, w.Device)
	if err != nil {
		return nil, err
	}
	t := &Training{work: w, stepper: s, samples: newFetcher(w.Data, w.Terms.Job.OrderFor(w.Assignment), w.Terms.Job.Steps, w.Terms.rows)}
	if err := t.begin(ctx, dir); err != nil {
		return nil, errors.Join(err, t.Close(ctx))
	}
	return t, nil
}

func (t *Training) begin(ctx context.Context, dir string) (err error) {
	if err := t.start(ctx); err != nil {
		return err
	}
	terms := t.work.Terms
	if t.out, err = trace.Open(dir, terms.Trace(), trace.Bound{Job: terms.Digest, Assignment: t.stepper.serves}); err != nil {
		return err
	}
	kept, err := t.resume(ctx)
	if err != nil || kept.Loaded {
		return err
	}
	if kept.Lost {
		if err := t.start(ctx); err != nil {
			return err
		}
	}
	return t.boundary(ctx)
}

// start sets the engine to the job's initial state.
func (t *Training) start(ctx context.Context) error {
	if err := t.stepper.init(ctx); err != nil {
		return err
	}
	digests, err := t.stepper.engine.Digests(ctx)
	if err != nil {
		return err
	}
	t.current = t.work.Terms.Job.Init.Root
	return t.work.Terms.isStart(digests)
}

// resume keeps what is sound in the trace's directory, from where the training is on.
func (t *Training) resume(ctx context.Context) (trace.Kept, error) {
	s := t.stepper
	kept, err := t.out.Resume(trace.Source{
		Counters: func(step uint64) state.Counters { return t.work.Terms.Counters(step, s.serves) },
		Load: func(fill func(tensors [][]float32) error) ([]merkle.Hash, error) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if err := s.engine.Load(ctx, fill); err != nil {
				return nil, err
			}
			return s.engine.Digests(ctx)
		},
		Start: t.work.Terms.Job.Init.Root,
	})
	if err != nil {
		return kept, err
	}
	if t.work.Resumed != nil && (kept.Loaded || kept.Damage != nil || kept.Repeated > 0) {
		t.work.Resumed(kept)
	}
	if kept.Loaded {
		t.steps, t.current, t.filled = kept.Steps, kept.Root, false
	}
	return kept, nil
}

// boundary stores the state, if a segment begins or the last one has ended.
func (t *Training) boundary(ctx context.Context) error {
	store := t.out.Snapshot
	switch {
	case t.Done():
		store = t.out.Final
	case t.steps%t.work.Terms.Job.Stride != 0:
		return nil
	}
	if err := t.State(ctx, func(tensors [][]float32) error {
		return store(t.work.Terms.Counters(t.steps, t.stepper.serves), tensors)
	}); err != nil {
		return err
	}
	if !t.out.Ahead() {
		return nil
	}
	_, err := t.resume(ctx)
	return err
}

// Steps is the number of steps done.
func (t *Training) Steps() uint64 { return t.steps }

// Done says whether all steps of the job are.
func (t *Training) Done() bool { return t.steps == t.work.Terms.Job.Steps }

// Batch is what the next step will read: the samples' numbers, and tensors as Plan.Rows has them, valid until the next call of
// a method.
func (t *Training) Batch() (ids []int64, rows []kernels.Buf, err error) {
	if err := t.fill(); err != nil {
		return nil, nil, err
	}
	return t.ids, t.stepper.engine.Rows(), nil
}

func (t *Training) fill() error {
	if t.Done() {
		return fault.New(fault.OutOfRange, "", "step", "all %d steps of the job are done", t.steps)
	}
	if t.filled {
		return nil
	}
	got, err := t.samples.take(t.steps)
	if err != nil {
		return err
	}
	copy(t.stepper.leaves, got.leaves)
	if err := t.stepper.unpacker.Unpack(t.stepper.engine.Rows(), got.samples); err != nil {
		return err
	}
	t.ids = got.ids
	t.filled = true
	return nil
}

// Step trains one step and returns its loss. After an error the training can only be closed, and Begin goes on with it.
//
// Where a state that was damaged was made anew, what was done behind it counts as done: Steps may be more than one step on.
func (t *Training) Step(ctx context.Context) (loss float32, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if err := t.fill(); err != nil {
		return 0, err
	}
	s := t.stepper
	if err := s.step(ctx, t.steps, t.current); err != nil {
		return 0, err
	}
	if !s.record.Leaf.Finite() || !s.finite {
		return 0, fault.New(fault.NotFinite, "", "", "training diverged: loss, clip coefficient or state after step %d is not finite", t.steps)
	}
	if err := t.out.Append(&s.record); err != nil {
		return 0, err
	}
	loss = s.record.Leaf.LossValue()
	t.current, t.filled = s.record.Leaf.Next, false
	t.steps++
	return loss, t.boundary(ctx)
}

// State shows the state as it is to use, tensors in the order of Plan.Tensors. use must neither change nor keep it.
func (t *Training) State(ctx context.Context, use func(tensors [][]float32) error) error {
	return t.stepper.engine.Save(ctx, use)
}

// Evaluate shows to use what the model, as it is, makes of inputs that fill writes, in the order of Plan.Rows and without the
// labels: rows as Plan.Output describes them, without dropout and by the running statistics. use must not keep them. It is no
// part of the work, which goes on to the same bytes. Inputs out of their range are of class fault.OutOfRange and end nothing.
func (t *Training) Evaluate(ctx context.Context, fill func(inputs []kernels.Buf), use func(outputs []float32)) error {
	rows := t.stepper.engine.Rows()
	t.filled = false
	last := rows[len(rows)-1]
	clear(last.F)
	clear(last.I)
	fill(rows[:len(rows)-1])
	outputs, err := t.stepper.engine.Evaluate(ctx)
	if err != nil {
		return err
	}
	use(outputs)
	return nil
}

// Finish closes the trace. All steps must be done.
func (t *Training) Finish(ctx context.Context) (trace.Summary, error) {
	if !t.Done() {
		err := fault.New(fault.OutOfRange, "", "steps", "%d of %d are done", t.steps, t.work.Terms.Job.Steps)
		return trace.Summary{}, errors.Join(err, t.Close(ctx))
	}
	t.samples.land()
	summary, err := t.out.Close()
	if err = errors.Join(err, t.stepper.close(ctx)); err != nil {
		return trace.Summary{}, err
	}
	return summary, nil
}

// Close leaves the work as it is, and Begin goes on with it. Where no step was done, nothing is left.
func (t *Training) Close(ctx context.Context) error {
	t.samples.land()
	var leaving error
	if t.out != nil {
		leaving = t.out.Leave()
	}
	return errors.Join(leaving, t.stepper.close(ctx))
}
