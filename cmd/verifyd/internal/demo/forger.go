package demo

import (
	"math"

	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/state"
	"github.com/verifyd/verifyd/verify/trace"
)

// forger is a worker that can do a step as the job asks and can write down
// another one. What it commits to always hangs together: each state follows
// the one before it, and each batch root is the one that the job derives. Only
// replay can tell.
type forger struct {
	terms  *verify.Terms
	runner program.Runner
	data   *job.Dataset
	order  *job.Order

	machine *program.Machine // holds the state that the trace has reached
	states  *state.Hasher
	grads   *state.Hasher
	samples *job.SampleHasher
	ids     []int64
	leaves  []merkle.Hash // of the samples of a batch
	record  trace.Step
	writer  *trace.Writer
}

// newForger stands where an honest worker stands before step 0.
func newForger(w verify.Work, runner program.Runner) (*forger, error) {
	t := w.Terms
	f := &forger{
		terms: t, runner: runner, data: w.Data, order: t.Job.OrderFor(w.Worker, w.Slot),
		states: state.NewHasher(t.State(), 1), grads: state.NewHasher(t.Gradient(), 1), samples: job.NewSampleHasher(),
		ids: make([]int64, t.Rows()), leaves: make([]merkle.Hash, t.Rows()),
		record: trace.Step{
			Gradients: make([]merkle.Hash, len(t.Plan.Params())),
			Next:      make([]merkle.Hash, len(t.Plan.Tensors())),
		},
	}
	var err error
	f.machine, err = f.begin(t.Plan, t.Job.Init.Seed)
	return f, err
}

// begin returns a machine in a plan's initial state for a seed.
func (f *forger) begin(plan *program.Plan, seed uint64) (*program.Machine, error) {
	m, err := program.NewMachine(plan, f.runner, f.terms.Job.Seed)
	if err != nil {
		return nil, err
	}
	return m, m.Init(seed)
}

// trace writes a whole trace into dir: honest steps, and the forgery's in the
// segments that forged names.
func (f *forger) trace(dir string, forgery forgery, forged func(segment uint64) bool) (trace.Summary, error) {
	var err error
	if f.writer, err = trace.Create(dir, f.terms.Trace()); err != nil {
		return trace.Summary{}, err
	}
	if err := f.write(forgery, forged); err != nil {
		_, _ = f.writer.Close() // the first error is the one that tells
		return trace.Summary{}, err
	}
	return f.writer.Close()
}

func (f *forger) write(forgery forgery, forged func(segment uint64) bool) error {
	f.record.Leaf.Next = f.states.Root(f.terms.Counters(0), f.machine.Tensors())
	for segment := range f.terms.Job.Segments() {
		first, count := f.terms.Job.Segment(segment)
		if err := f.writer.Snapshot(f.terms.Counters(first), f.machine.Tensors()); err != nil {
			return err
		}
		work := f.honest
		if forged(segment) {
			work = func(first, count uint64) error { return forgery.work(f, first, count) }
		}
		if err := work(first, count); err != nil {
			return err
		}
	}
	return nil
}

// honest does the steps of a segment as the job asks.
func (f *forger) honest(first, count uint64) error {
	for t := first; t < first+count; t++ {
		if err := f.compute(f.machine, t, t); err != nil {
			return err
		}
		if err := f.claim(t); err != nil {
			return err
		}
	}
	return nil
}

// compute does step t on a machine, with the samples that belong to step
// batch, and keeps what is to be said of it.
func (f *forger) compute(m *program.Machine, t, batch uint64) error {
	if err := f.order.Fill(batch, f.ids); err != nil {
		return err
	}
	if err := f.data.Fill(m.X(), m.Y(), f.ids); err != nil {
		return err
	}
	loss, err := m.Gradients(t)
	if err != nil {
		return err
	}
	copy(f.record.Gradients, f.grads.Digests(m.Grads()))
	_, clip, err := m.Update(t)
	if err != nil {
		return err
	}
	f.record.Leaf.Loss, f.record.Leaf.Clip = math.Float32bits(loss), math.Float32bits(clip)
	return nil
}

// claim writes down that step t led to the state in the machine, by the
// gradients last computed and the batch that the job derives.
func (f *forger) claim(t uint64) error {
	leaf := &f.record.Leaf
	leaf.Step, leaf.State = t, leaf.Next
	leaf.Gradient = f.terms.Gradient().Root(f.terms.Counters(t), f.record.Gradients)
	if err := f.order.Fill(t, f.ids); err != nil {
		return err
	}
	if err := f.data.Fill(f.machine.X(), f.machine.Y(), f.ids); err != nil {
		return err
	}
	for i := range f.leaves {
		f.leaves[i] = f.samples.Leaf(f.machine.X(), f.machine.Y(), i, len(f.leaves))
	}
	leaf.Batch = job.BatchRoot(f.leaves)
	copy(f.record.Next, f.states.Digests(f.machine.Tensors()))
	leaf.Next = f.terms.State().Root(f.terms.Counters(t+1), f.record.Next)
	return f.writer.Append(&f.record)
}

// move copies the state of one machine into another.
func move(to, from *program.Machine) {
	for i, x := range from.Tensors() {
		copy(to.Tensors()[i], x)
	}
}
