package registry

import (
	"crypto/sha256"

	"github.com/verifyd/verifyd/verify/merkle"
)

// Open returns the one receipt of the opening that answers a receipt of a slot, which sign makes if there is none yet.
// Received is that receipt's file, and opened the opening's digest. The first opening counts, ever: for another one it
// is [Given]. What has no receipt cannot be opened: that is [NotReceived], and so is a first opening to a receipt that
// another one followed, because it came too late.
func (r *Registry) Open(s Slot, received []byte, opened merkle.Hash, sign func() ([]byte, error)) ([]byte, error) {
	all, err := r.chain(s)
	if err != nil {
		return nil, err
	}
	for i, rec := range all {
		if rec.Kind != receipt || string(rec.Document) != string(received) {
			continue
		}
		want := record{Kind: opening, Slot: s, About: opened, Number: uint32(i), Previous: sha256.Sum256(received)}
		return r.give(openings, openingName(want.Previous), want, func() ([]byte, error) {
			if i < len(all)-1 {
				return nil, refuse(NotReceived, "the receipt of %v came too late, and was renewed: it is not opened any more", s)
			}
			return sign()
		})
	}
	return nil, refuse(NotReceived, "the receipt that is to be opened was never given for %v", s)
}
