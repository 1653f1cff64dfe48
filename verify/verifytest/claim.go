package verifytest

import (
	"context"

	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/trace"
)

// Work is what the worker brings to the job.
func (p *Pool) Work(d engine.Device) (verify.Work, error) {
	worker, err := KeyOf(p.Worker)
	return verify.Work{Terms: p.Terms, Data: p.Data, Device: d, Worker: worker.ID(), Slot: p.Slot}, err
}

// Train does the work honestly and leaves its trace in dir, which must not exist.
func (p *Pool) Train(ctx context.Context, d engine.Device, dir string) (trace.Summary, error) {
	w, err := p.Work(d)
	if err != nil {
		return trace.Summary{}, err
	}
	return verify.Train(ctx, w, dir)
}

// Claim signs a claim of a trace and the operator's receipt for it, whatever became of earlier ones.
func (p *Pool) Claim(s trace.Summary) (err error) {
	if p.Documents.Claim, err = verify.Claim(p.Terms, s, p.Slot, p.Worker); err != nil {
		return err
	}
	p.Documents.Receipt, err = verify.Receive(p.Terms, p.Documents.Claim, p.Arrived, p.Operator)
	return err
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

// Answer answers the challenge to the claim of a trace into dir, which must not exist.
func (p *Pool) Answer(ctx context.Context, t *trace.Reader, dir string) error {
	return verify.Answer(ctx, verify.Response{
		Terms: p.Terms, Documents: p.Documents, Trace: t, Data: p.Data, Signer: p.Worker,
	}, dir)
}
