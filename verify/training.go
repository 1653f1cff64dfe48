package verify

import (
	"context"
	"errors"
	"os"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/trace"
)

// Training is the work of a job, a step at a time. It serves one goroutine at a time, and ends with Finish or with
// Abort.
type Training struct {
	work    Work
	dir     string
	stepper *stepper
	samples *fetcher
	out     *trace.Writer
	ids     []int64     // of the next step's samples
	current merkle.Hash // root of the state before it
	steps   uint64      // done
	filled  bool        // whether the engine's buffers hold the next step's samples
}

// Begin starts the work of a job at its initial state, with a trace in dir, which must not exist. If it fails it
// leaves no directory behind.
func Begin(ctx context.Context, w Work, dir string) (t *Training, err error) {
	if err := w.Terms.CheckMemory(w.MaxMemory); err != nil {
		return nil, err
	}
	if err := w.Terms.CheckData(w.Data); err != nil {
		return nil, err
	}
	s, err := newStepper(ctx, w.Terms, w.Assignment, w.Device)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close(ctx))
		}
	}()
	if err := s.init(ctx); err != nil {
		return nil, err
	}
	current, err := s.root(ctx, 0)
	if err != nil {
		return nil, err
	}
	if current != w.Terms.Job.Init.Root {
		return nil, fault.New(fault.BadTerms, "", "initial state", "root %v, the job has %v", current, w.Terms.Job.Init.Root)
	}
	out, err := trace.Create(dir, w.Terms.Trace())
	if err != nil {
		return nil, err
	}
	return &Training{work: w, dir: dir, stepper: s, out: out, current: current,
		samples: newFetcher(w.Data, w.Terms.Job.OrderFor(w.Assignment), w.Terms.Job.Steps, w.Terms.rows)}, nil
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
	if err := t.work.Terms.Job.Data.Unpack(t.stepper.engine.Rows(), got.samples); err != nil {
		return err
	}
	t.ids = got.ids
	t.filled = true
	return nil
}

// Step trains one step and returns its loss. After an error the work can only be given up.
func (t *Training) Step(ctx context.Context) (loss float32, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if err := t.fill(); err != nil {
		return 0, err
	}
	s := t.stepper
	if t.steps%t.work.Terms.Job.Stride == 0 {
		snapshot := func(tensors [][]float32) error {
			return t.out.Snapshot(t.work.Terms.Counters(t.steps, s.serves), tensors)
		}
		if err := s.engine.Save(ctx, snapshot); err != nil {
			return 0, err
		}
	}
	if err := s.step(ctx, t.steps, t.current); err != nil {
		return 0, err
	}
	if !s.record.Leaf.Finite() || !s.finite {
		return 0, fault.New(fault.NotFinite, "", "", "training diverged: loss, clip coefficient or state after step %d is not finite", t.steps)
	}
	if err := t.out.Append(&s.record); err != nil {
		return 0, err
	}
	t.current, t.filled = s.record.Leaf.Next, false
	t.steps++
	return s.record.Leaf.LossValue(), nil
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

// Finish writes the final state and closes the trace. All steps must be done. If it fails it leaves no directory behind.
func (t *Training) Finish(ctx context.Context) (trace.Summary, error) {
	if !t.Done() {
		err := fault.New(fault.OutOfRange, "", "steps", "%d of %d are done", t.steps, t.work.Terms.Job.Steps)
		return trace.Summary{}, errors.Join(err, t.Abort(ctx))
	}
	err := t.State(ctx, func(tensors [][]float32) error {
		return t.out.Final(t.work.Terms.Counters(t.steps, t.stepper.serves), tensors)
	})
	if err != nil {
		return trace.Summary{}, errors.Join(err, t.Abort(ctx))
	}
	t.samples.land()
	summary, err := t.out.Close()
	if err = errors.Join(err, t.stepper.close(ctx)); err != nil {
		return trace.Summary{}, errors.Join(err, os.RemoveAll(t.dir))
	}
	return summary, nil
}

// Abort gives the work up and removes its directory.
func (t *Training) Abort(ctx context.Context) error {
	t.samples.land()
	_, _ = t.out.Close() // it fails on a trace that is not whole
	return errors.Join(t.stepper.close(ctx), os.RemoveAll(t.dir))
}
