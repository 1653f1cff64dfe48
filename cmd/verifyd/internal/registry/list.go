package registry

import (
	"crypto/sha256"

	"github.com/verifyd/verifyd/verify/merkle"
)

// lists holds, for each claim, the list on which it is valued.
const lists = "lists"

// listed is a claim's place on a frozen list.
const listed kind = "listed"

// Claim is a claim with a receipt.
type Claim struct {
	Slot
	Digest merkle.Hash
}

// listedName is the digest that a claim's place on a list is kept under.
func listedName(claim merkle.Hash) merkle.Hash {
	return sha256.Sum256(append([]byte("verifyd/registry/listed/v1\x00"), claim[:]...))
}

// Freeze puts claims on a list for good, all of them, and returns when it was frozen, which is now or, asked again for
// the same list, what was said at first. Digest is the list's if it is frozen at a time, in Unix seconds.
//
// If one of the claims is on another list, it is [Given], and none of them is put on this one: whoever may pick among
// lists picks the randomness of the values. A claim that has no receipt here is [NotReceived]. A crash between two claims
// is made good by asking again for the same list. Of two lists that share a claim and are frozen at the same moment, one
// at most is given, and claims of the other are on no list that anybody has.
func (r *Registry) Freeze(claims []Claim, now int64, digest func(frozen int64) (merkle.Hash, error)) (frozen int64, err error) {
	frozen = now
	var there []*record
	for _, c := range claims {
		received, err := r.lookup(receipts, c.name(0))
		if err == nil && (received == nil || received.Kind != receipt || received.About != c.Digest) {
			err = refuse(NotReceived, "claim %v has no receipt here for %v", c.Digest, c.Slot)
		}
		if err != nil {
			return 0, err
		}
		rec, err := r.lookup(lists, listedName(c.Digest))
		if err != nil {
			return 0, err
		}
		if rec != nil {
			frozen, there = rec.Time, append(there, rec)
		}
	}
	list, err := digest(frozen)
	if err != nil {
		return 0, err
	}
	for _, rec := range there {
		if rec.About != list {
			return 0, refuse(Given, "claim %v is on the list %v, frozen at %s: a claim is on one list, ever", rec.Previous, rec.About, clock(rec.Time))
		}
	}
	for _, c := range claims {
		rec, err := r.settle(lists, listedName(c.Digest), record{Kind: listed, Slot: c.Slot, About: list, Previous: c.Digest, Time: frozen})
		if err == nil && rec.About != list {
			err = refuse(Given, "claim %v is on the list %v", c.Digest, rec.About)
		}
		if err != nil {
			return 0, err
		}
	}
	return frozen, nil
}

func (r *Registry) checkListed(name merkle.Hash, data []byte, report *Report) error {
	rec, err := parse(lists, name, data)
	if err != nil {
		return err
	}
	report.Listed++
	of, err := r.lookup(receipts, rec.Slot.name(0))
	if err != nil {
		return err
	}
	return misplaced(lists, name, rec.Kind == listed && listedName(rec.Previous) == name && of != nil && of.Kind == receipt && of.About == rec.Previous)
}
