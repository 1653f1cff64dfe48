package gate

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/verifyd/verifyd/kernels"
)

// draws are the numbers of one place of one step: words of Philox with a key from the seed, and a counter of
// {number of the block, place, low and high word of the step}.
type draws struct {
	key     [2]uint32
	counter [4]uint32
	words   [4]uint32
	used    int
}

// keyOf is the key of a seed: the first 8 bytes of SHA-256(Version || seed), the low word first.
func keyOf(seed [32]byte) [2]uint32 {
	h := sha256.Sum256(append([]byte(Version), seed[:]...))
	return [2]uint32{binary.LittleEndian.Uint32(h[0:]), binary.LittleEndian.Uint32(h[4:])}
}

// at are the draws of a place.
func (d draws) at(place uint32) *draws {
	d.counter[0], d.counter[1], d.used = 0, place, 4
	return &d
}

func newDraws(seed [32]byte, step uint64) draws {
	return draws{key: keyOf(seed), counter: [4]uint32{0, 0, uint32(step), uint32(step >> 32)}}
}

// word is the next 32 bits.
func (d *draws) word() uint32 {
	if d.used == 4 {
		d.words = kernels.Philox4x32(d.counter, d.key)
		d.counter[0]++
		d.used = 0
	}
	d.used++
	return d.words[d.used-1]
}

// below is a number below n: the high word of n times the next 64 bits, the low word first.
func (d *draws) below(n int) int {
	lo := uint64(d.word())
	hi, _ := bits.Mul64(uint64(d.word())<<32|lo, uint64(n))
	return int(hi)
}

// distinct are k different numbers below n, ascending; all of them if k is not below n. Floyd's algorithm: for j = n-k ..
// n-1 draw v below j+1 and take it, or j if it is taken.
func (d *draws) distinct(k, n int) []int {
	all := make([]int, 0, min(k, n))
	if k >= n {
		for i := range n {
			all = append(all, i)
		}
		return all
	}
	taken := make(map[int]struct{}, k)
	for j := n - k; j < n; j++ {
		v := d.below(j + 1)
		if _, again := taken[v]; again {
			v = j
		}
		taken[v] = struct{}{}
		all = append(all, v)
	}
	slices.Sort(all)
	return all
}
