package registry

import (
	"math/big"

	"github.com/verifyd/verifyd/proofs/policy"
	"github.com/verifyd/verifyd/verify"
)

// History is what is recorded of a member: judgements in the order in which they were recorded. Of one claim there may
// be several, the later the stronger.
type History []Judgement

// Of is what stands of a slot's claim; nil if it was not judged.
func (h History) Of(s Slot) *Judgement {
	for i := len(h) - 1; i >= 0; i-- {
		if h[i].Slot == s {
			return &h[i]
		}
	}
	return nil
}

// Clean counts the claims that passed since the last one that failed, or ever, for whoever decides how much of a claim
// with so much work is sampled: those that arrived when the FAIL was recorded already do not count, and one of less work
// counts for its share of it. The sum is rounded down.
//
// Claims that were not audited, and those whose replays disagreed, say nothing.
func (h History) Clean(work policy.Uint) uint64 {
	failed := int64(-1)
	for _, j := range h.standing() {
		if j.Outcome == verify.Fail {
			failed = max(failed, j.Recorded)
		}
	}
	sum, whole := new(big.Int), wide(work)
	for _, j := range h.standing() {
		if j.Outcome == verify.Pass && j.Arrived > failed {
			sum.Add(sum, least(wide(j.Work), whole))
		}
	}
	if whole.Sign() == 0 {
		return 0
	}
	return sum.Quo(sum, whole).Uint64()
}

// standing are the judgements that no stronger one of their claim follows.
func (h History) standing() (all History) {
	last := make(map[Slot]int, len(h))
	for i, j := range h {
		last[j.Slot] = i
	}
	for i, j := range h {
		if last[j.Slot] == i {
			all = append(all, j)
		}
	}
	return all
}

func wide(u policy.Uint) *big.Int {
	b := new(big.Int).SetUint64(u.Hi)
	return b.Lsh(b, 64).Or(b, new(big.Int).SetUint64(u.Lo))
}

func least(a, b *big.Int) *big.Int {
	if a.Cmp(b) < 0 {
		return a
	}
	return b
}
