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
	// Resumed, if set, is called with what is kept of a trace that was there.
	Resumed func(trace.Kept)
}

// Train does the work of a job from its initial state and leaves the trace in dir; or it goes on with the one that is there, as
// Begin does. If it fails, what was done stays there.
func Train(ctx context.Context, w Work, dir string) (trace.Summary, error) {
	t, err := Begin(ctx, w, dir)
	if err != nil {
		return trace.Summary{}, err
	}
	for !t.Done() {
		loss, err := t.Step(ctx)
		if err != nil {
			return trace.Summary{}, errors.Join(err, t.Close(ctx))
		}
		if w.Progress != nil {
			w.Progress(t.Steps(), loss)
		}
	}
	return t.Finish(ctx)
}

// CheckData refuses a data set that the program cannot read, or that is not the one to train on for an assignment: the job's, or
// the worker's own that it committed to.
func (t *Terms) CheckData(a *job.Assignment, d *job.Dataset) error {
	if err := d.Fits(t.Plan); err != nil {
		return err
	}
	want, whose := t.Job.DataFor(a), "job"
	if t.Job.Data.Own != nil {
		whose = "assignment"
	}
	if !d.Layout().Equal(&t.Job.Data.Layout) {
		return fault.New(fault.WrongType, "data", "", "stored in another layout than the job's")
	}
	if got := uint64(d.Samples()); got != want.Samples {
		return fault.New(fault.WrongDigest, "data", "", "%d samples, the %s has %d", got, whose, want.Samples)
	}
	if got := d.Root(); got != want.Root {
		return fault.New(fault.WrongDigest, "data", "", "root %v, the %s has %v", got, whose, want.Root)
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
