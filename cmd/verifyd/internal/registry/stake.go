package registry

import (
	"cmp"
	"context"
	"math/big"
	"slices"

	"github.com/verifyd/verifyd/proofs/policy"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/merkle"
)

// Held counts the claims whose pay is still held at a Unix time in seconds, which a FAIL would void, for whoever decides
// how much of a claim with so much work is sampled: one of less work counts for its share of it. The sum is rounded
// down. A claim is held until as many that came behind it passed as its job says, or until its time is over.
//
// Those that arrived before a FAIL was recorded do not count, and neither do those that were not audited, or that passed
// with a note: a policy may pay less for them, or nothing, and what is not paid is not at stake.
//
// What is paid is decided by another rule, of package score, which asks in which order claims were judged and which ones
// wait. This one is quicker, and says as much or less of every record:
// score.TestTheDeskCountsNoMoreThanIsHeldOfAnyRecord. To count less costs replays; to count more would let a lie pay.
func (h History) Held(work policy.Uint, at int64) uint64 {
	sum, whole := new(big.Int), wide(work)
	if whole.Sign() == 0 {
		return 0
	}
	var passed History
	failed := int64(-1)
	for _, j := range h.Standing() {
		switch j.Outcome {
		case verify.Fail:
			failed = max(failed, j.Recorded)
		case verify.Pass:
			passed = append(passed, j)
		}
	}
	slices.SortStableFunc(passed, func(a, b Judgement) int { return cmp.Compare(a.Arrived, b.Arrived) })
	for i, j := range passed {
		if further := len(passed) - 1 - i; further < int(j.Hold) && j.Until > at && j.Arrived > failed && j.Note == "" {
			sum.Add(sum, slices.MinFunc([]*big.Int{j.Operations(), whole}, (*big.Int).Cmp))
		}
	}
	return sum.Quo(sum, whole).Uint64()
}

// Pending counts the claims of a worker's key that have a receipt and were not judged, in whatever pool. It reads every
// receipt and every judgement in the registry.
func (r *Registry) Pending(ctx context.Context, worker merkle.Hash) (int, error) {
	open := make(map[Slot]bool)
	err := r.Received(ctx, func(c Received) error {
		if c.Worker == worker {
			open[c.Slot] = true
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	err = r.each(ctx, judgedFolder, func(name merkle.Hash, data []byte) error {
		rec, err := parseJudged(name, data)
		if err == nil {
			delete(open, rec.Slot)
		}
		return err
	})
	return len(open), err
}
