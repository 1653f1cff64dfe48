package score

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/registry"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/merkle"
)

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
	of := make(map[registry.Member][]registry.Judgement)
	for _, j := range all {
		of[j.member] = append(of[j.member], j.Judgement)
	}
	e.Records = make(map[merkle.Hash]*Record, len(of))
	for m, own := range of {
		record := r.Judged
		if keep {
			record = func(m registry.Member) (registry.History, error) { return r.Judge(m, own...) }
		}
		known, err := record(m)
		if err != nil {
			return err
		}
		for _, j := range own {
			known = known.With(j)
		}
		e.Records[m.Worker] = &Record{Judged: known}
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
		if pool.Member(t, c.Slot) != pool.Member(e.Judged[0].Terms, c.Slot) {
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
		pool.Member(j.Terms, slot),
		registry.Judgement{
			Slot: slot, Claim: f.Claim, Evidence: j.Verdict.Evidence, Outcome: f.Outcome, Reason: f.Reason, Note: f.Note,
			Work: pool.Work(j.Terms), Hold: of.Hold, Until: now.Unix() + int64(of.Period), Arrived: receipt.Arrived, Recorded: now.Unix(),
		},
	}, nil
}

// failsFirst puts a FAIL before all else.
func failsFirst(a, b *registry.Judgement) int {
	switch fails := a.Outcome == verify.Fail; {
	case fails == (b.Outcome == verify.Fail):
		return 0
	case fails:
		return -1
	}
	return 1
}
