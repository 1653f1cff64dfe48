package shapley

import (
	"fmt"
	"slices"
)

// Facts are what is known of a game before it is played. They never come from its utilities: an interval whose range was
// looked up in the sample covers less often than it says.
type Facts struct {
	// Bounds hold every utility; nil for none, as with losses. One outside of them is an error.
	Bounds *Bounds `json:"bounds,omitempty"`
	// Null are the players that change no coalition's utility by construction, ascending, such as the owner of an
	// update of zeros. Their values are 0 without an interval.
	Null []int `json:"null,omitempty"`
}

// Bounds are the least and the largest utility that a game can have, in 1e-9.
type Bounds struct {
	Low  int64 `json:"low"`
	High int64 `json:"high"`
}

// Share are the bounds of a share: 0 to 1.
func Share() *Bounds { return &Bounds{0, Unit} }

// ShareOf is the share that some of all are, in units of 1e-9, rounded half to even: 0 <= some <= all < 2^33.
func ShareOf(some, all int64) int64 {
	q, r := some*Unit/all, some*Unit%all
	if 2*r > all || 2*r == all && q&1 == 1 {
		q++
	}
	return q
}

// Declared is a game with what is known of it.
type Declared struct {
	Game
	Known Facts
}

// Facts are those declared.
func (d Declared) Facts() Facts { return d.Known }

// FactsOf are what a game declares by a method Facts; none if it has no such method.
func FactsOf(g Game) Facts {
	if d, ok := g.(interface{ Facts() Facts }); ok {
		return d.Facts()
	}
	return Facts{}
}

// check refuses facts that no game of n players has.
func (f Facts) check(n int) error {
	if b := f.Bounds; b != nil && (b.Low >= b.High || checkUtility(b.Low) != nil || checkUtility(b.High) != nil) {
		return fmt.Errorf("bounds: %d to %d is no range of utilities", b.Low, b.High)
	}
	for k, i := range f.Null {
		if i < 0 || i >= n || k > 0 && i <= f.Null[k-1] {
			return fmt.Errorf("null: player %d of %d: want players, ascending", i, n)
		}
	}
	return nil
}

// hold refuses a utility outside the bounds.
func (f Facts) hold(u int64) error {
	if b := f.Bounds; b != nil && (u < b.Low || u > b.High) {
		return fmt.Errorf("bounds: utility %d is outside the %d to %d that the game declares", u, b.Low, b.High)
	}
	return nil
}

// null says whether a player changes nothing by construction.
func (f Facts) null(i int) bool {
	_, is := slices.BinarySearch(f.Null, i)
	return is
}

// equal says whether two games are known for the same.
func (f Facts) equal(other Facts) bool {
	a, b := f.Bounds, other.Bounds
	return (a == nil) == (b == nil) && (a == nil || *a == *b) && slices.Equal(f.Null, other.Null)
}
