package verify

import (
	"context"
	"crypto"
	"fmt"
	"math"
	"os"

	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/state"
	"github.com/verifyd/verifyd/verify/trace"
)

// Work is what a worker brings to a job.
type Work struct {
	Terms  *Terms
	Data   *job.Dataset
	Runner program.Runner
	Worker merkle.Hash // the worker's key id: it decides the order of the data
	Slot   uint32
	// Threads bounds the goroutines that hash states; 0 means 1.
	Threads int
	// MaxMemory refuses a job whose Terms.MemoryBytes are more; 0 means DefaultMaxMemory.
	MaxMemory uint64
	// Progress, if set, is called after each step with the number of steps done and the step's loss.
	Progress func(done uint64, loss float32)
}

// Train does the work of a job from its initial state and writes the trace to dir, which must not exist. If
// it fails it leaves no directory behind.
func Train(ctx context.Context, w Work, dir string) (trace.Summary, error) {
	if err := w.Terms.checkMemory(w.MaxMemory); err != nil {
		return trace.Summary{}, err
	}
	s, err := newStepper(w.Terms, w.Runner, w.Threads)
	if err != nil {
		return trace.Summary{}, err
	}
	if err := w.Data.Fits(w.Terms.Plan); err != nil {
		return trace.Summary{}, err
	}
	if got := uint64(w.Data.Samples()); got != w.Terms.Job.Data.Samples {
		return trace.Summary{}, fmt.Errorf("data: %d samples, the job has %d", got, w.Terms.Job.Data.Samples)
	}
	if got := w.Data.Tree().Root(); got != w.Terms.Job.Data.Root {
		return trace.Summary{}, fmt.Errorf("data: root %v, the job has %v", got, w.Terms.Job.Data.Root)
	}
	if err := s.machine.Init(w.Terms.Job.Init.Seed); err != nil {
		return trace.Summary{}, err
	}
	current := s.states.Root(w.Terms.Counters(0), s.machine.Tensors())
	if current != w.Terms.Job.Init.Root {
		return trace.Summary{}, fmt.Errorf("initial state: root %v, the job has %v", current, w.Terms.Job.Init.Root)
	}
	out, err := trace.Create(dir, w.Terms.Trace())
	if err != nil {
		return trace.Summary{}, err
	}
	err = train(ctx, w, s, out, current)
	summary, closing := out.Close()
	if err == nil {
		err = closing
	}
	if err != nil {
		os.RemoveAll(dir)
		return trace.Summary{}, err
	}
	return summary, nil
}

func train(ctx context.Context, w Work, s *stepper, out *trace.Writer, current merkle.Hash) error {
	order := w.Terms.Job.OrderFor(w.Worker, w.Slot)
	ids := make([]int64, w.Terms.rows)
	for t := range w.Terms.Job.Steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		if t%w.Terms.Job.Stride == 0 {
			if err := out.Snapshot(w.Terms.Counters(t), s.machine.Tensors()); err != nil {
				return err
			}
		}
		if err := order.Fill(t, ids); err != nil {
			return err
		}
		if err := w.Data.Fill(s.machine.X(), s.machine.Y(), ids); err != nil {
			return err
		}
		if err := s.step(t, current); err != nil {
			return err
		}
		if !s.record.Leaf.Finite() || !s.states.Finite() {
			return fmt.Errorf("training diverged: loss, clip coefficient or state after step %d is not finite", t)
		}
		if err := out.Append(&s.record); err != nil {
			return err
		}
		current = s.record.Leaf.Next
		if w.Progress != nil {
			w.Progress(t+1, s.record.Leaf.LossValue())
		}
	}
	return nil
}

// Claim signs a commitment to a trace with the worker's key.
func Claim(t *Terms, s trace.Summary, slot uint32, signer crypto.Signer) ([]byte, error) {
	key, err := document.NewKey(signer.Public())
	if err != nil {
		return nil, err
	}
	return document.Sign(trace.ClaimKind, trace.Claim{
		Version: trace.ClaimVersion,
		Job:     t.Digest,
		Worker:  key,
		Slot:    slot,
		Steps:   s.Steps,
		Root:    s.Root,
		Final:   s.Final,
	}, signer)
}

// stepper runs steps on a machine and records what a leaf and an opening say of them. It allocates
// nothing once it has run a step.
type stepper struct {
	terms   *Terms
	machine *program.Machine
	states  *state.Hasher
	grads   *state.Hasher
	samples *job.SampleHasher
	leaves  []merkle.Hash // leaf hashes of the step's samples
	record  trace.Step    // of the last step; its digests are the hashers'
}

func newStepper(t *Terms, r program.Runner, threads int) (*stepper, error) {
	m, err := program.NewMachine(t.Plan, r, t.Job.Seed)
	if err != nil {
		return nil, err
	}
	return &stepper{
		terms: t, machine: m,
		states:  state.NewHasher(t.state, threads),
		grads:   state.NewHasher(t.grads, threads),
		samples: job.NewSampleHasher(),
		leaves:  make([]merkle.Hash, t.rows),
	}, nil
}

// step runs step t on the batch in the machine's buffers, from the state whose root is current.
func (s *stepper) step(t uint64, current merkle.Hash) error {
	for i := range s.leaves {
		s.leaves[i] = s.samples.Leaf(s.machine.X(), s.machine.Y(), i, s.terms.rows)
	}
	before := s.terms.Counters(t)
	loss, err := s.machine.Gradients(t)
	if err != nil {
		return fmt.Errorf("step %d: %w", t, err)
	}
	s.record.Gradients = s.grads.Digests(s.machine.Grads())
	_, coef, err := s.machine.Update(t)
	if err != nil {
		return fmt.Errorf("step %d: %w", t, err)
	}
	s.record.Next = s.states.Digests(s.machine.Tensors())
	s.record.Leaf = trace.Leaf{
		Step:     t,
		State:    current,
		Batch:    job.BatchRoot(s.leaves),
		Gradient: s.terms.grads.Root(before, s.record.Gradients),
		Next:     s.terms.state.Root(s.terms.Counters(t+1), s.record.Next),
		Clip:     math.Float32bits(coef),
		Loss:     math.Float32bits(loss),
	}
	return nil
}
