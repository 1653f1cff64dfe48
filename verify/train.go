package verify

import (
	"context"
	"crypto"
	"errors"

	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
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
func Train(ctx context.Context, w Work, dir string) (trace.Summary, error) {
	t, err := Begin(ctx, w, dir)
	if err != nil {
		return trace.Summary{}, err
	}
	for !t.Done() {
		loss, err := t.Step(ctx)
		if err != nil {
			return trace.Summary{}, errors.Join(err, t.Abort(ctx))
		}
		if w.Progress != nil {
			w.Progress(t.Steps(), loss)
		}
	}
	return t.Finish(ctx)
}

// CheckData refuses a data set that the program cannot read or that is not the job's.
func (t *Terms) CheckData(d *job.Dataset) error {
	if err := d.Fits(t.Plan); err != nil {
		return err
	}
	if got := uint64(d.Samples()); got != t.Job.Data.Samples {
		return fault.New(fault.WrongDigest, "data", "", "%d samples, the job has %d", got, t.Job.Data.Samples)
	}
	if !d.Layout().Equal(&t.Job.Data.Layout) {
		return fault.New(fault.WrongType, "data", "", "stored in another layout than the job's")
	}
	if got := d.Root(); got != t.Job.Data.Root {
		return fault.New(fault.WrongDigest, "data", "", "root %v, the job has %v", got, t.Job.Data.Root)
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
