package score

import (
	"bytes"
	"cmp"
	"math/big"
	"slices"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/registry"
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
	at      int // place in the record of the judgement that decided it; unjudged for one that waits
	refuted int // place of the FAIL that took its PASS back; unjudged for none
}

const unjudged = int(^uint(0) >> 1)

// arrivals are all of a worker's claims in the order in which they came, whatever order they were judged in.
func (r *Record) arrivals() (all []arrival) {
	place := make(map[registry.Slot]int, len(r.Judged)) // in all
	for i, j := range r.Judged {
		a := arrival{j.Slot, j.Claim, j.Arrived, j.Operations(), j.Outcome == verify.Pass, i, unjudged}
		before, known := place[j.Slot]
		switch {
		case !known:
			place[j.Slot] = len(all)
			all = append(all, a)
		case all[before].passed:
			all[before].refuted = i
		default: // silence, or replays that disagreed, decided nothing
			all[before] = a
		}
	}
	for _, w := range r.Waiting {
		if _, judged := place[w.Slot]; !judged {
			all = append(all, arrival{w.Slot, w.Claim, w.Arrived, new(big.Int), false, unjudged, unjudged})
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
// A further claim is one that arrived in a later second and passed. It counts in full if it is at least as much work as
// this one, and else for its share of it, so that many small claims free no large one. It counts as soon as every claim
// that arrived before it is judged, so that none waits for its verdict until what a FAIL would void is paid.
//
// A FAIL voids every claim that had arrived when it was recorded and was not free before: what is judged at once with it
// comes too late. What was free before stays so, also where the FAIL takes back a PASS that freed it.
func (r *Record) standing(slot registry.Slot, hold, period uint32, now int64) standing {
	own := r.Judged.Of(slot)
	all := r.arrivals()
	i := slices.IndexFunc(all, func(a arrival) bool { return a.Slot == slot })
	s := standing{until: own.Recorded + int64(period)}
	free := s.further(all, i, hold, func(*arrival) bool { return true })
	if slices.ContainsFunc(all, func(a arrival) bool { return a.refuted <= free && a.refuted != unjudged }) {
		free = s.further(all, i, hold, func(a *arrival) bool { return a.refuted == unjudged })
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

// further adds up what counts for the claim at a place of those that arrived, and returns the place in the record from which
// on the claim is free; unjudged if it is not yet.
func (s *standing) further(all []arrival, own int, hold uint32, counts func(*arrival) bool) (free int) {
	work := all[own].work
	sum, need := new(big.Int), new(big.Int).Mul(work, big.NewInt(int64(hold)))
	s.waits, free = nil, unjudged
	latest := -1
	for k := range all {
		a := &all[k]
		if latest = max(latest, a.at); latest == unjudged {
			s.waits = &a.Slot
			break
		}
		if a.arrived > all[own].arrived && a.passed && counts(a) {
			sum.Add(sum, slices.MinFunc([]*big.Int{a.work, work}, (*big.Int).Cmp))
		}
		if k >= own && sum.Cmp(need) >= 0 {
			free = latest
			break
		}
	}
	if s.count = uint64(hold); work.Sign() > 0 {
		s.count = min(s.count, new(big.Int).Quo(sum, work).Uint64())
	}
	return free
}
