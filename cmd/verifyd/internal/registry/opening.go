package registry

import "github.com/verifyd/verifyd/verify/merkle"

// Open returns the one receipt of the opening of a slot's claim, which sign makes if there is none yet. Claim and
// opening are their digests. The first opening counts, ever: for another one it is [Given]. A claim without a
// receipt cannot be opened: that is [NotReceived].
func (r *Registry) Open(s Slot, claim, opened merkle.Hash, sign func() ([]byte, error)) ([]byte, error) {
	first, err := r.lookup(receipts, s.name(0))
	if err != nil {
		return nil, err
	}
	if first == nil {
		return nil, refuse(NotReceived, "%v has no receipt", s)
	}
	if err := first.refuse(record{Kind: receipt, Slot: s, About: claim}); err != nil {
		return nil, err
	}
	return r.give(openings, openingName(claim), record{Kind: opening, Slot: s, About: opened, Previous: claim}, sign)
}

// Opened returns the receipt of a claim's opening; nil if there is none.
func (r *Registry) Opened(claim merkle.Hash) ([]byte, error) {
	rec, err := r.lookup(openings, openingName(claim))
	if err != nil || rec == nil {
		return nil, err
	}
	return rec.Document, nil
}
