package verify

import (
	"context"
	"crypto"
	"errors"
	"os"

	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/trace"
)

// Work is what a worker brings to a job.
type Work struct {
	Terms      *Terms
	Data       *job.Dataset
	Device     engine.Device
	Assignment job.Assignment // of one of the worker's slots: it decides the order of the data, and stands in every state
	// MaxMemory refuses a job whose Terms.MemoryBytes are more; 0 means DefaultMaxMemory.
	MaxMemory uint64
	// Progress, if set, is called after each step with the number of steps done and the step's loss.
	Progress func(done uint64, loss float32)
}

// Train does the work of a job from its initial state and writes the trace to dir, which must not exist. If
// it fails it leaves no directory behind.
func Train(ctx context.Context, w Work, dir string) (summary trace.Summary, err error) {
	if err := w.Terms.CheckMemory(w.MaxMemory); err != nil {
		return trace.Summary{}, err
	}
	if err := w.Terms.CheckData(w.Data); err != nil {
		return trace.Summary{}, err
	}
	s, err := newStepper(ctx, w.Terms, w.Assignment, w.Device)
	if err != nil {
		return trace.Summary{}, err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	if err := s.init(ctx); err != nil {
		return trace.Summary{}, err
	}
	current, err := s.root(ctx, 0)
	if err != nil {
		return trace.Summary{}, err
	}
	if current != w.Terms.Job.Init.Root {
		return trace.Summary{}, fault.New(fault.BadTerms, "", "initial state", "root %v, the job has %v", current, w.Terms.Job.Init.Root)
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

// CheckData refuses a data set that the program cannot read or that is not the job's.
func (t *Terms) CheckData(d *job.Dataset) error {
	if err := d.Fits(t.Plan); err != nil {
		return err
	}
	if got := uint64(d.Samples()); got != t.Job.Data.Samples {
		return fault.New(fault.WrongDigest, "data", "", "%d samples, the job has %d", got, t.Job.Data.Samples)
	}
	if got := d.Tree().Root(); got != t.Job.Data.Root {
		return fault.New(fault.WrongDigest, "data", "", "root %v, the job has %v", got, t.Job.Data.Root)
	}
	return nil
}

func train(ctx context.Context, w Work, s *stepper, out *trace.Writer, current merkle.Hash) error {
	order := w.Terms.Job.OrderFor(w.Assignment)
	ids := make([]int64, w.Terms.rows)
	for t := range w.Terms.Job.Steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		if t%w.Terms.Job.Stride == 0 {
			snapshot := func(tensors [][]float32) error { return out.Snapshot(w.Terms.Counters(t, s.serves), tensors) }
			if err := s.engine.Save(ctx, snapshot); err != nil {
				return err
			}
		}
		if err := order.Fill(t, ids); err != nil {
			return err
		}
		if err := w.Data.Fill(s.engine.Rows(), ids); err != nil {
			return err
		}
		s.hashSamples()
		if err := s.step(ctx, t, current); err != nil {
			return err
		}
		if !s.record.Leaf.Finite() || !s.finite {
			return fault.New(fault.NotFinite, "", "", "training diverged: loss, clip coefficient or state after step %d is not finite", t)
		}
		if err := out.Append(&s.record); err != nil {
			return err
		}
		current = s.record.Leaf.Next
		if w.Progress != nil {
			w.Progress(t+1, s.record.Leaf.LossValue())
		}
	}
	return s.engine.Save(ctx, func(tensors [][]float32) error {
		return out.Final(w.Terms.Counters(w.Terms.Job.Steps, s.serves), tensors)
	})
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
