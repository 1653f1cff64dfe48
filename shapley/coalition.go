package shapley

import "math/bits"

// Coalition is a set of players as a bit set: player i is bit i%64 of word i/64. Every coalition of a
// game has Words(n) words, and no bit at or above the number n of players.
type Coalition []uint64

// Words is how many words hold a bit for each of n players.
func Words(n int) int { return (n + 63) / 64 }

// NewCoalition is the empty coalition of n players.
func NewCoalition(n int) Coalition { return make(Coalition, Words(n)) }

// Everyone is the coalition of all n players.
func Everyone(n int) Coalition {
	c := NewCoalition(n)
	for i := range n {
		c.Add(i)
	}
	return c
}

// Has says whether player i is a member.
func (c Coalition) Has(i int) bool { return c[i/64]>>(i%64)&1 != 0 }

// Add makes player i a member.
func (c Coalition) Add(i int) { c[i/64] |= 1 << (i % 64) }

// Remove ends player i's membership.
func (c Coalition) Remove(i int) { c[i/64] &^= 1 << (i % 64) }

// Size is the number of members.
func (c Coalition) Size() int {
	n := 0
	for _, w := range c {
		n += bits.OnesCount64(w)
	}
	return n
}

// Members appends the members, ascending, to to.
func (c Coalition) Members(to []int) []int {
	for k, w := range c {
		for ; w != 0; w &= w - 1 {
			to = append(to, 64*k+bits.TrailingZeros64(w))
		}
	}
	return to
}

// Clone is a copy.
func (c Coalition) Clone() Coalition { return append(Coalition(nil), c...) }
