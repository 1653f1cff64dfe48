package registry

import (
	"context"
	"math/big"

	"github.com/verifyd/verifyd/proofs/policy"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/merkle"
)

// Held counts the claims whose pay is still held at a Unix time in seconds, which a FAIL would void, for whoever decides
// how much of a claim with so much work is sampled: one of less work counts for its share of it. The sum is rounded
// down. A claim is paid once as many behind it were judged as its job holds it for, or when its time is over.
//
// Those that arrived before a FAIL was recorded do not count, those that were not audited were never at stake.
func (h History) Held(work policy.Uint, at int64) uint64 {
	sum, whole := new(big.Int), wide(work)
	if whole.Sign() == 0 {
		return 0
	}
	standing, failed := h.standing(), int64(-1)
	for _, j := range standing {
		if j.Outcome == verify.Fail {
			failed = max(failed, j.Recorded)
		}
	}
	further := uint64(0) // judged behind the one that is looked at
	for i := len(standing) - 1; i >= 0; i-- {
		switch j := standing[i]; j.Outcome {
		case verify.Pass:
			if j.Arrived > failed && further < uint64(j.Hold) && j.Until > at {
				sum.Add(sum, least(wide(j.Work), whole))
			}
			further++
		case verify.Fail:
			further++
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
