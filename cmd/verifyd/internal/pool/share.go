package pool

import (
	"context"
	"math/bits"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/registry"
	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/policy"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/odds"
)

// Member is a worker's key in the pool that a job belongs to.
func Member(t *verify.Terms, s registry.Slot) registry.Member {
	return registry.Member{Audience: t.Job.Audience, Pool: t.Job.Pool, Worker: s.Worker}
}

// Work is what a claim of a job asks for, in floating-point operations.
func Work(t *verify.Terms) policy.Uint {
	hi, lo := bits.Mul64(t.Plan.FLOPs(), t.Job.Steps)
	return policy.Uint{Uint128: proofs.Uint128{Hi: hi, Lo: lo}}
}

// share is how many segments are drawn of the claim of a slot: the job's larger number while the worker has nothing to
// lose, and less the more of its pay is held, down to the least. A FAIL voids that, and the number is the larger one
// again.
//
// Pay counts that is held until this claim must be opened, when a lie in it can be known. Each claim that was received
// and not judged yet takes one off: were it not so, many lies told at once would be risking one hold many times. Receipts
// that other processes sign at the same moment are not seen.
func (d *Desk) share(ctx context.Context, slot registry.Slot) (uint32, error) {
	drawn := d.Terms.Job.Sampled
	if drawn.Least == drawn.Most {
		return drawn.Least, nil
	}
	history, err := d.Registry.Judged(Member(d.Terms, slot))
	if err != nil {
		return 0, err
	}
	found := d.Terms.Job.Answers(ceil(d.Clock()))
	held := min(history.Held(Work(d.Terms), found), uint64(d.Terms.Job.Hold))
	if held > 0 {
		pending, err := d.Registry.Pending(ctx, slot.Worker)
		if err != nil {
			return 0, err
		}
		held -= min(held, uint64(pending))
	}
	return uint32(odds.Drawn(uint64(drawn.Least), uint64(drawn.Most), held)), nil
}
