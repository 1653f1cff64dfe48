package verifytest

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/trace"
	"github.com/verifyd/verifyd/verify/walk"
)

// Work is what the worker brings to the job.
func (p *Pool) Work(d engine.Device) (verify.Work, error) {
	a, _, err := p.Terms.ReadAssignment(p.Documents.Assignment)
	return verify.Work{Terms: p.Terms, Data: p.Data, Device: d, Assignment: a}, err
}

// Train does the work honestly and leaves its trace in dir, which must not exist.
func (p *Pool) Train(ctx context.Context, d engine.Device, dir string) (trace.Summary, error) {
	w, err := p.Work(d)
	if err != nil {
		return trace.Summary{}, err
	}
	return verify.Train(ctx, w, dir)
}

// Finite says whether the losses, clip coefficients and the final state of a trace are.
func (p *Pool) Finite(dir string) (bool, error) {
	t, err := trace.Read(dir, p.Terms.Trace())
	if err != nil {
		return false, err
	}
	defer t.Close()
	leaves, err := trace.NewLeaves(t.Leaves(), dir, p.Terms.Job.Steps)
	if err != nil {
		return false, err
	}
	for range p.Terms.Job.Steps {
		l, err := leaves.Next()
		if err != nil || !l.Finite() {
			return false, err
		}
	}
	var final [][]float32
	for _, spec := range p.Terms.State().Tensors() {
		final = append(final, make([]float32, spec.Len()))
	}
	if _, err := t.Final(final); err != nil {
		return false, err
	}
	return p.Terms.State().CheckFinite(final) == nil, nil
}

// Claim signs a claim of a trace and the operator's receipt for it, whatever became of earlier ones, and without a look
// at the leaves.
func (p *Pool) Claim(s trace.Summary) (err error) {
	if p.Documents.Claim, err = verify.Claim(p.Terms, s, p.Slot, p.Worker); err != nil {
		return err
	}
	r, err := p.Receipt(s)
	if err != nil {
		return err
	}
	p.Documents.Receipt, err = document.Sign("receipt", r, p.Operator)
	return err
}

// Receipt is what the operator signs for the claim of a trace.
func (p *Pool) Receipt(s trace.Summary) (verify.Receipt, error) {
	a, assigned, err := p.Terms.ReadAssignment(p.Documents.Assignment)
	if err != nil {
		return verify.Receipt{}, err
	}
	worker, err := KeyOf(p.Worker)
	if err != nil {
		return verify.Receipt{}, err
	}
	claim, err := document.Digest(trace.ClaimKind, trace.Claim{
		Version: trace.ClaimVersion, Job: p.Terms.Digest, Worker: worker, Slot: p.Slot, Steps: s.Steps, Root: s.Root, Final: s.Final,
	})
	return verify.Receipt{
		Version: verify.ReceiptVersion, Job: p.Terms.Digest, Assignment: assigned, Worker: a.Worker, Slot: p.Slot,
		Claim: claim, Root: s.Root, Sampled: p.Terms.Job.Sampled.Least, Arrived: p.Arrived.Unix(),
	}, err
}

// Bundle claims the trace in traceDir and answers the challenge into dir, which must not exist.
func (p *Pool) Bundle(ctx context.Context, traceDir, dir string) error {
	t, err := trace.Read(traceDir, p.Terms.Trace())
	if err != nil {
		return err
	}
	defer t.Close()
	if err := p.Claim(t.Summary()); err != nil {
		return err
	}
	return p.Answer(ctx, t, dir)
}

// Answer answers the challenge to the claim of a trace into dir, which must not exist, and the operator receives the
// answer a delay after the claim.
func (p *Pool) Answer(ctx context.Context, t *trace.Reader, dir string) error {
	err := p.on(func(d engine.Device) error {
		return verify.Answer(ctx, verify.Response{
			Terms: p.Terms, Documents: p.Documents, Trace: t, Data: p.Data, Signer: p.Worker, Device: d, AsStored: true,
			Walked: func(w walk.Trail) { p.Walk = w },
		}, dir)
	})
	if err != nil {
		return err
	}
	return p.Open(ctx, dir, p.Arrived.Add(time.Duration(p.Terms.Job.Delay)*time.Second))
}

// Open puts the operator's receipt for the opening in dir beside it.
func (p *Pool) Open(ctx context.Context, dir string, at time.Time) error {
	bundle, err := verify.OpenFolder(dir)
	if err != nil {
		return err
	}
	defer bundle.Close()
	opened, err := verify.ReceiveOpening(ctx, bundle, at, p.Operator)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, verify.OpenedFile), opened, 0o644)
}
