package registry

import (
	"math/big"

	"github.com/verifyd/verifyd/proofs/policy"
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

// With is the history once a judgement is recorded: itself, where what it holds of the claim is as strong.
func (h History) With(j Judgement) History {
	if before := h.Of(j.Slot); before != nil && before.rank() >= j.rank() {
		return h
	}
	return append(h[:len(h):len(h)], j)
}

// Standing are the judgements that no stronger one of their claim follows.
func (h History) Standing() (all History) {
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

// Operations is the claim's work, without a bound.
func (j *Judgement) Operations() *big.Int { return wide(j.Work) }

func wide(u policy.Uint) *big.Int {
	b := new(big.Int).SetUint64(u.Hi)
	return b.Lsh(b, 64).Or(b, new(big.Int).SetUint64(u.Lo))
}
