package verifytest

import (
	"context"
	"math"
	"os"

	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/state"
	"github.com/verifyd/verifyd/verify/trace"
)

// Forger is a worker that can do a step as the job asks and can write down another one. What it commits to hangs
// together unless its cheat says otherwise: each state follows the one before it, and each batch root is that of the
// samples it claims. Only replay can tell.
type Forger struct {
	Terms   *verify.Terms
	Machine *program.Machine // holds the state that the trace has reached

	cheat   Cheat
	runner  program.Runner
	data    *job.Dataset
	order   *job.Order
	serves  merkle.Hash // digest of the assignment
	states  *state.Hasher
	frozen  *state.Hasher // nil if nothing is
	grads   *state.Hasher
	hasher  *job.SampleHasher
	samples [][]byte // of a batch, as they are stored
	ids     []int64
	leaves  []merkle.Hash // of the samples of a batch
	current merkle.Hash   // root of the state that the trace has reached
	record  trace.Step
	writer  *trace.Writer
}

// Forge leaves the trace of a cheat in dir, which must not exist.
func (p *Pool) Forge(ctx context.Context, r program.Runner, c Cheat, dir string) (trace.Summary, error) {
	w, err := p.Work(nil)
	if err != nil {
		return trace.Summary{}, err
	}
	f, err := newForger(w, r, c)
	if err != nil {
		return trace.Summary{}, err
	}
	if f.writer, err = trace.Create(dir, p.Terms.Trace(), trace.Bound{Job: p.Terms.Digest, Assignment: f.serves}); err != nil {
		return trace.Summary{}, err
	}
	err = f.write(ctx)
	s, closing := f.writer.Close()
	if err == nil {
		err = closing
	}
	if err != nil {
		os.RemoveAll(dir)
	}
	return s, err
}

// newForger stands where an honest worker stands before step 0.
func newForger(w verify.Work, r program.Runner, c Cheat) (f *Forger, err error) {
	t := w.Terms
	serves, err := document.Digest(job.AssignmentKind, w.Assignment)
	if err != nil {
		return nil, err
	}
	f = &Forger{
		Terms: t, cheat: c, runner: r, data: w.Data, order: t.Job.OrderFor(w.Assignment),
		serves: serves, states: state.NewHasher(t.State(), 1), grads: state.NewHasher(t.Gradient(), 1), hasher: w.Data.Layout().Hasher(), samples: w.Data.Layout().Batch(t.Rows()),
		ids: make([]int64, t.Rows()), leaves: make([]merkle.Hash, t.Rows()),
		record: trace.Step{
			Gradients: make([]merkle.Hash, len(t.Plan.Params())),
			Next:      make([]merkle.Hash, t.State().Digests()),
		},
	}
	if spec := t.Spec(); spec.Frozen != nil {
		f.frozen = state.NewHasher(spec.Frozen, 1)
	}
	f.Machine, err = f.Begin(t.Plan, t.Job.Init.Seed)
	return f, err
}

// digests hashes the machine's state, with whatever it holds as frozen tensors.
func (f *Forger) digests() []merkle.Hash {
	if f.frozen != nil {
		f.states.Freeze(f.frozen.Root(state.Counters{}, f.Machine.Frozen()))
	}
	return f.states.Digests(f.Machine.Tensors())
}

// GradientRoot is the root of step t's gradients with some digests.
func (f *Forger) GradientRoot(t uint64, digests []merkle.Hash) merkle.Hash {
	return f.Terms.Gradient().Root(f.Terms.Counters(t, f.serves), digests)
}

// Begin returns a machine in a plan's initial state for a seed.
func (f *Forger) Begin(plan *program.Plan, seed uint64) (*program.Machine, error) {
	m, err := program.NewMachine(plan, f.runner, f.Terms.Job.Seed)
	if err != nil {
		return nil, err
	}
	if b := f.Terms.Base(); b != nil {
		b.Start(m.Tensors(), m.Frozen())
	} else if err := m.Init(seed); err != nil {
		return nil, err
	}
	if last := f.Terms.Final(); last != nil {
		last.Start(m.Tensors())
	}
	return m, nil
}

// write writes the whole trace, one segment after another.
func (f *Forger) write(ctx context.Context) error {
	if f.cheat.Init != nil {
		f.cheat.Init(f.Machine)
	}
	f.current = f.Terms.State().Root(f.Terms.Counters(0, f.serves), f.digests())
	for segment := range f.Terms.Job.Segments() {
		if err := ctx.Err(); err != nil {
			return err
		}
		first, count := f.Terms.Job.Segment(segment)
		if err := f.writer.Snapshot(f.Terms.Counters(first, f.serves), f.Machine.Tensors()); err != nil {
			return err
		}
		work := f.Honest
		if f.cheat.Work != nil && (f.cheat.Segments == nil || f.cheat.Segments(segment)) {
			work = func(first, count uint64) error { return f.cheat.Work(f, first, count) }
		}
		if err := work(first, count); err != nil {
			return err
		}
	}
	return f.writer.Final(f.Terms.Counters(f.Terms.Job.Steps, f.serves), f.Machine.Tensors())
}

// Honest does steps as the job asks, but for what the cheat alters in single ones.
func (f *Forger) Honest(first, count uint64) error {
	for t := first; t < first+count; t++ {
		if err := f.Compute(f.Machine, t, t); err != nil {
			return err
		}
		if err := f.Claim(t); err != nil {
			return err
		}
	}
	return nil
}

// Compute does step t on a machine, with the samples that belong to step batch, and keeps what is to be said of it.
func (f *Forger) Compute(m *program.Machine, t, batch uint64) error {
	if err := f.fill(m, batch); err != nil {
		return err
	}
	loss, err := m.Gradients(t)
	if err != nil {
		return err
	}
	copy(f.record.Gradients, f.grads.Digests(m.Grads()))
	var before [][]float32
	if f.cheat.Skip != nil && f.cheat.Skip(t) {
		before = clones(m.Tensors())
	}
	_, clip, err := m.Update(t)
	if err != nil {
		return err
	}
	for i, x := range before {
		copy(m.Tensors()[i], x)
	}
	if f.cheat.State != nil {
		f.cheat.State(t, m)
	}
	f.record.Leaf.Loss, f.record.Leaf.Clip = math.Float32bits(loss), math.Float32bits(clip)
	return nil
}

// fill puts the samples of a step into a machine.
func (f *Forger) fill(m *program.Machine, step uint64) error {
	if err := f.order.Fill(step, f.ids); err != nil {
		return err
	}
	if f.cheat.Batch != nil {
		f.cheat.Batch(step, f.ids)
	}
	if err := f.data.Read(f.samples, f.ids); err != nil {
		return err
	}
	return f.data.Layout().Unpacker().Unpack(m.Rows(), f.samples)
}

// Claim writes down that step t led to the state in the machine, by the gradients last computed and the samples of
// step t.
func (f *Forger) Claim(t uint64) error {
	if err := f.fill(f.Machine, t); err != nil {
		return err
	}
	for i := range f.leaves {
		f.leaves[i] = f.hasher.Leaf(f.samples, i)
	}
	copy(f.record.Next, f.digests())
	leaf := &f.record.Leaf
	leaf.Step, leaf.State, leaf.Batch = t, f.current, job.BatchRoot(f.leaves)
	leaf.Gradient = f.Terms.Gradient().Root(f.Terms.Counters(t, f.serves), f.record.Gradients)
	leaf.Next = f.Terms.State().Root(f.Terms.Counters(t+1, f.serves), f.record.Next)
	f.current = leaf.Next
	if f.cheat.Record != nil {
		f.cheat.Record(t, &f.record, f)
	}
	return f.writer.Append(&f.record)
}
