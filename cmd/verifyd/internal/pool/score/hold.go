package score

import (
	"bytes"
	"cmp"
	"math/big"
	"slices"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/registry"
	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/merkle"
)

// Record is what an operator's registry knows of one worker in the pool of the epoch.
type Record struct {
	Judged  registry.History
	Waiting []Waiting // claims on the pool's jobs that have a receipt and no verdict yet
}

// Waiting is a claim that was received.
type Waiting struct {
	registry.Slot
	Claim   merkle.Hash
	Arrived int64
}

// standing is what a record says of the pay of a claim that passed.
type standing struct {
	void  *registry.Judgement // the FAIL that voids it; nil for none
	paid  bool                // it may be, if it is not void
	count uint64              // further claims that are judged and count, at most those that the job asks for
	until int64               // it is paid then whatever was judged, unless it is void by then
	waits *registry.Slot      // the first claim without a verdict that keeps others from counting; nil for none
}

// arrival is a claim in the order in which a worker's claims came.
type arrival struct {
	registry.Slot
	claim   merkle.Hash
	arrived int64
	work    *big.Int
	passed  bool
	at      int // place of its first judgement in the record; unjudged for one that waits
}

const unjudged = int(^uint(0) >> 1)

// arrivals are all of a worker's claims in the order in which they came, whatever order they were judged in.
func (r *Record) arrivals() (all []arrival) {
	place := make(map[registry.Slot]int, len(r.Judged))
	for i, j := range r.Judged {
		if _, ok := place[j.Slot]; !ok {
			place[j.Slot] = i
		}
	}
	for _, j := range r.Judged.Standing() {
		all = append(all, arrival{j.Slot, j.Claim, j.Arrived, wide(j.Work.Uint128), j.Outcome == verify.Pass, place[j.Slot]})
	}
	for _, w := range r.Waiting {
		if _, judged := place[w.Slot]; !judged {
			all = append(all, arrival{w.Slot, w.Claim, w.Arrived, new(big.Int), false, unjudged})
		}
	}
	slices.SortFunc(all, func(a, b arrival) int {
		return cmp.Or(cmp.Compare(a.arrived, b.arrived), bytes.Compare(a.claim[:], b.claim[:]))
	})
	return all
}

// standing says whether the claim of a slot, which is in the record, may be paid at a time, under a job that holds pay
// until so many further claims are judged, or for a period.
//
// A further claim is one that arrived in a later second and passed. It counts in full if it is at least as much work as this one, and
// else for its share of it, so that many small claims free no large one. It counts as soon as every claim that arrived
// before it is judged, so that none waits for its verdict until what a FAIL would void is paid.
//
// A FAIL voids every claim that had arrived when it was recorded and was not free before: what is judged at once with it
// comes too late.
func (r *Record) standing(slot registry.Slot, hold, period uint32, now int64) standing {
	all := r.arrivals()
	i := slices.IndexFunc(all, func(a arrival) bool { return a.Slot == slot })
	own := r.Judged[all[i].at]
	s := standing{until: own.Recorded + int64(period)}
	// The place in the record from which on the claim is free; unjudged if it is not yet.
	free, latest := unjudged, -1
	sum, need := new(big.Int), new(big.Int).Mul(all[i].work, big.NewInt(int64(hold)))
	for k, a := range all {
		if latest = max(latest, a.at); latest == unjudged {
			s.waits = &a.Slot
			break
		}
		if a.arrived > all[i].arrived && a.passed && sum.Cmp(need) < 0 {
			sum.Add(sum, least(a.work, all[i].work))
		}
		if k >= i && sum.Cmp(need) >= 0 {
			free = latest
			break
		}
	}
	if s.count = uint64(hold); all[i].work.Sign() > 0 {
		s.count = min(s.count, new(big.Int).Quo(sum, all[i].work).Uint64())
	}
	for place, f := range r.Judged {
		fails := f.Outcome == verify.Fail && *r.Judged.Of(f.Slot) == f
		if fails && own.Arrived <= f.Recorded && free >= place && s.until > f.Recorded {
			s.void = &f
			return s
		}
	}
	s.paid = free != unjudged || s.until <= now
	return s
}

func wide(u proofs.Uint128) *big.Int {
	b := new(big.Int).SetUint64(u.Hi)
	return b.Lsh(b, 64).Or(b, new(big.Int).SetUint64(u.Lo))
}

func least(a, b *big.Int) *big.Int {
	if a.Cmp(b) < 0 {
		return a
	}
	return b
}
