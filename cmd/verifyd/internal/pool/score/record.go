package score

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math/bits"
	"slices"
	"time"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/registry"
	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/policy"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/merkle"
)

// work is the floating-point operations of a claim on a job.
func work(t *verify.Terms) proofs.Uint128 {
	hi, lo := bits.Mul64(t.Plan.FLOPs(), t.Job.Steps)
	return proofs.Uint128{Hi: hi, Lo: lo}
}

// Settle reads what the registry knows of the epoch's workers and adds the epoch's verdicts to it: in the registry, for
// good, or, unless it is to keep them, here alone. Without it no claim is paid that its job holds. Jobs are those whose
// claims a worker may have in hand; now is when verdicts are recorded that were not before.
//
// What is added at once is added in one order, failures first, whatever order the verdicts came in.
func (e *Epoch) Settle(ctx context.Context, r *registry.Registry, jobs Jobs, now time.Time, keep bool) error {
	all := make([]judgement, 0, len(e.Judged))
	for _, j := range e.Judged {
		if err := j.with(e.Judged[0].Terms.Job); err != nil {
			return err
		}
		found, err := judgementOf(r, j, now)
		if err != nil {
			return fmt.Errorf("%s: %w", j.File, err)
		}
		all = append(all, found)
	}
	slices.SortFunc(all, func(a, b judgement) int {
		return cmp.Or(failsFirst(&a.Judgement, &b.Judgement), cmp.Compare(a.Arrived, b.Arrived), bytes.Compare(a.Claim[:], b.Claim[:]))
	})
	if keep {
		of := make(map[registry.Member][]registry.Judgement)
		for _, j := range all {
			of[j.member] = append(of[j.member], j.Judgement)
		}
		for m, own := range of {
			if _, err := r.Judge(m, own...); err != nil {
				return err
			}
		}
	}
	e.Records = make(map[merkle.Hash]*Record)
	for _, j := range all {
		known := e.Records[j.Worker]
		if known == nil {
			h, err := r.Judged(j.member)
			if err != nil {
				return err
			}
			known = &Record{Judged: h}
			e.Records[j.Worker] = known
		}
		known.Judged = known.Judged.With(j.Judgement)
	}
	return e.await(ctx, r, jobs)
}

// await adds to the records the claims on the pool's jobs that wait for a verdict.
func (e *Epoch) await(ctx context.Context, r *registry.Registry, jobs Jobs) error {
	return r.Received(ctx, func(c registry.Received) error {
		known, t := e.Records[c.Worker], jobs[c.Job]
		if known == nil || t == nil || known.Judged.Of(c.Slot) != nil {
			return nil
		}
		if first := e.Judged[0].Terms.Job; t.Job.Pool != first.Pool || t.Job.Audience != first.Audience {
			return nil
		}
		doc, err := t.ReadReceipt(c.Document)
		if err != nil {
			return err
		}
		known.Waiting = append(known.Waiting, Waiting{c.Slot, c.Claim, doc.Arrived})
		return nil
	})
}

// judgement is what a verdict says for the registry's record.
type judgement struct {
	file   string
	member registry.Member
	registry.Judgement
}

// judgementOf refuses a verdict on a claim that the registry did not give a receipt, and one that says of the draw for
// its newest receipt what the beacon did not. A claim that was received again arrived when it first did.
func judgementOf(r *registry.Registry, j Judged, now time.Time) (found judgement, err error) {
	f, of := j.Verdict.Finding, j.Terms.Job
	slot := registry.Slot{Job: f.Job, Worker: f.Worker, Slot: f.Slot}
	given, err := r.Receipts(slot)
	if err != nil {
		return found, err
	}
	if len(given) == 0 {
		return found, &registry.Refusal{Class: registry.NotReceived, Reason: fmt.Sprintf("%v has no receipt", slot)}
	}
	receipt, err := j.Terms.ReadReceipt(given[0])
	if err != nil {
		return found, err
	}
	if receipt.Claim != f.Claim {
		return found, &registry.Refusal{Class: registry.Given, Reason: fmt.Sprintf("%v has its receipt for claim %v", slot, receipt.Claim)}
	}
	newest, err := j.Terms.ReadReceipt(given[len(given)-1])
	if err == nil {
		err = j.Terms.CheckDraw(f, newest)
	}
	if err != nil {
		return found, err
	}
	return judgement{
		j.File, registry.Member{Audience: of.Audience, Pool: of.Pool, Worker: f.Worker},
		registry.Judgement{
			Slot: slot, Claim: f.Claim, Evidence: j.Verdict.Evidence, Outcome: f.Outcome, Reason: f.Reason,
			Work: policy.Uint{Uint128: work(j.Terms)}, Hold: of.Hold, Until: now.Unix() + int64(of.Period), Arrived: receipt.Arrived, Recorded: now.Unix(),
		},
	}, nil
}

// failsFirst puts a FAIL before all else.
func failsFirst(a, b *registry.Judgement) int {
	if fails := a.Outcome == verify.Fail; fails != (b.Outcome == verify.Fail) {
		return map[bool]int{true: -1, false: 1}[fails]
	}
	return 0
}
