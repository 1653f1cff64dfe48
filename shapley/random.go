package shapley

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/verifyd/verifyd/kernels"
)

// Seed is where all random choices of a run come from. Nobody may choose it freely: it is derived from a
// beacon and from the game's root, both fixed before anyone knows what a seed would draw.
type Seed [32]byte

// DeriveSeed is SHA-256 of a domain tag, the randomness of a beacon and the root of a game.
func DeriveSeed(beacon, game [32]byte) Seed {
	h := sha256.New()
	h.Write([]byte("verifyd-shapley-seed/1\n"))
	h.Write(beacon[:])
	h.Write(game[:])
	return Seed(h.Sum(nil))
}

// MarshalText is the seed in hexadecimal.
func (s Seed) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, s[:]), nil }

// UnmarshalText reads 64 hexadecimal digits.
func (s *Seed) UnmarshalText(text []byte) error {
	if len(text) != 64 {
		return fmt.Errorf("seed: %d characters, 64 hexadecimal digits needed", len(text))
	}
	_, err := hex.Decode(s[:], text)
	if err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	return nil
}

// purpose separates the draws of one seed.
type purpose uint32

const (
	forPermutation purpose = iota + 1
	forSubset
	forSize
	forAudit
	forDraws
)

// Stream is the sequence of random words that belongs to one sample: Philox4x32-10 with the first eight
// bytes of the seed as key and the counter (block, index low, index high, purpose). Any sample can be
// drawn again from (seed, index).
type stream struct {
	key   [2]uint32
	ctr   [4]uint32
	words [4]uint32
	used  int
}

func (s Seed) stream(p purpose, index uint64) *stream {
	return &stream{
		key:  [2]uint32{binary.LittleEndian.Uint32(s[0:]), binary.LittleEndian.Uint32(s[4:])},
		ctr:  [4]uint32{0, uint32(index), uint32(index >> 32), uint32(p)},
		used: 4,
	}
}

// word is the next of 2^34 words.
func (s *stream) word() uint32 {
	if s.used == 4 {
		s.words = kernels.Philox4x32(s.ctr, s.key)
		s.ctr[0]++
		s.used = 0
	}
	s.used++
	return s.words[s.used-1]
}

// long is two words, the low one first.
func (s *stream) long() uint64 { return uint64(s.word()) | uint64(s.word())<<32 }

// below is uniform on 0 to n-1, 0 < n <= 2^32: the high half of word*n, drawn again while the low half is
// below 2^32 mod n (Lemire, "Fast random integer generation in an interval", 2019).
func (s *stream) below(n uint64) uint64 {
	m := uint64(s.word()) * n
	for t := (1 << 32) % n; m&(1<<32-1) < t; {
		m = uint64(s.word()) * n
	}
	return m >> 32
}

// below64 is uniform on 0 to n-1: 64 bits, drawn again while they are at or above the largest multiple of n.
func (s *stream) below64(n uint64) uint64 {
	limit := -n % n // 2^64 mod n
	for {
		if x := s.long(); x >= limit {
			return x % n
		}
	}
}

// permutation fills order with a permutation of its indices: Fisher and Yates from the last place down.
func (s Seed) permutation(index uint64, order []int) {
	r := s.stream(forPermutation, index)
	for i := range order {
		order[i] = i
	}
	for i := len(order) - 1; i > 0; i-- {
		j := r.below(uint64(i + 1))
		order[i], order[j] = order[j], order[i]
	}
}

// half is a coalition that each player joins with probability 1/2.
func (s Seed) half(index uint64, n int) Coalition {
	r, c := s.stream(forSubset, index), NewCoalition(n)
	for k := range c {
		c[k] = r.long()
	}
	if n%64 != 0 {
		c[len(c)-1] &= 1<<(n%64) - 1
	}
	return c
}

// ofSize is a coalition of k of the n players, each such coalition as likely as any other.
func (s Seed) ofSize(index uint64, n, k int) Coalition {
	order := make([]int, n)
	s.permutation(index, order)
	c := NewCoalition(n)
	for _, i := range order[:k] {
		c.Add(i)
	}
	return c
}

// Draws fills to with numbers below n, 0 < n <= 2^32, each as likely as any other: a sample with repetition
// that belongs to an index, as a bootstrap needs it.
func (s Seed) Draws(index uint64, n uint64, to []uint32) {
	r := s.stream(forDraws, index)
	for i := range to {
		to[i] = uint32(r.below(n))
	}
}

// Permutation is the order of n players that belongs to an index: permutation number index of permutation
// sampling, and the first half of pair number index of antithetic sampling.
func (s Seed) Permutation(index uint64, n int) []int {
	order := make([]int, n)
	s.permutation(index, order)
	return order
}
