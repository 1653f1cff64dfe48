package walk

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/verifyd/verifyd/verify/merkle"
)

// How many segments are walked besides those that were drawn.
const (
	Directed = 3 // that moved most
	Launch   = 3 // before the end of the first path that moved most
	Further  = 4 // times k, drawn after both paths, and at most
	// MaxFurther, so that what is opened can be listed in one document.
	MaxFurther = 1 << 11
)

// label separates the seed of the walk from that of the challenge.
const label = "verifyd-search/1"

// Standing is what is known of a segment.
type Standing uint8

// The standings.
const (
	Unknown Standing = iota // it was not replayed yet
	Inside                  // replayed and true; the state that it begins with is inside the gate
	Outside                 // replayed and true; that state is outside
	End                     // the walk ends here: it is false, or cannot be replayed
)

// Walk is the walk over one claim.
type Walk struct {
	seed   merkle.Hash
	n, k   uint64
	first  []uint64 // the segments of every walk, ascending
	far    []uint64 // of these, those that only the ranking asks for, ascending
	ranked []uint64 // all segments, those that moved most first
}

// New returns the walk over n segments of which k are drawn with a challenge's seed. Drawn are these and the last one,
// ascending. Ranked are all segments, the one that moved most first; it may be nil, and then nothing is directed.
func New(challenge merkle.Hash, n, k uint64, drawn, ranked []uint64) (*Walk, error) {
	seed, err := hkdf.Key(sha256.New, challenge[:], nil, label, merkle.Size)
	if err != nil {
		return nil, fmt.Errorf("walk: %w", err)
	}
	w := &Walk{seed: merkle.Hash(seed), n: n, k: k, ranked: ranked}
	w.far = w.highest(Directed, n, func(s uint64) bool { return slices.Contains(drawn, s) })
	w.first = slices.Sorted(slices.Values(slices.Concat(drawn, w.far)))
	return w, nil
}

// First are the segments that every walk begins with, ascending: those drawn, the last one, and those that moved most.
func (w *Walk) First() []uint64 { return w.first }

// Directed are the segments of First that were not drawn, ascending.
func (w *Walk) Directed() []uint64 { return w.far }

// highest are the count highest ranked segments below limit that are not among some, ascending.
func (w *Walk) highest(count int, limit uint64, among func(uint64) bool) (list []uint64) {
	for _, s := range w.ranked {
		if len(list) < count && s < limit && !among(s) {
			list = append(list, s)
		}
	}
	slices.Sort(list)
	return list
}

// Most is how many segments a walk over n has at most, whatever the gate says: what a worker can make a verifier replay.
// Drawn is how many the challenge has, the last one and those of late receipts counted in, and k how many one receipt asks for.
func Most(n, k, drawn uint64) uint64 {
	return min(n, drawn+Directed+2*(depth(n)+1)+Launch+further(k))
}

// further is how many segments are drawn after both paths.
func further(k uint64) uint64 { return min(Further*k, MaxFurther) }

// depth is how many pivots a path over n segments has at most. Each leaves three quarters of what was left, rounded down.
func depth(n uint64) (pivots uint64) {
	for gap := n - 1; gap > 1; gap -= quarter(gap) {
		pivots++
	}
	return pivots
}

// quarter of a gap, rounded up: how far a pivot lies from both ends at least.
func quarter(gap uint64) uint64 { return (gap + 3) / 4 }
