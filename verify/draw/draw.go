// Package draw turns a seed into numbers that everybody draws alike: uniform words, numbers below a bound and
// samples without replacement. SPEC.md, Challenge, has it byte by byte.
//
// It knows nothing of what is drawn, and takes no randomness of its own.
package draw

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/verifyd/verifyd/verify/merkle"
)

// Stream is the sequence of 64-bit words SHA-256(seed || counter), four from each hash, big-endian.
type Stream struct {
	seed    merkle.Hash
	counter uint64
	left    []byte
}

// New begins the sequence of a seed.
func New(seed merkle.Hash) *Stream { return &Stream{seed: seed} }

// Word returns the next 64 uniform bits.
func (s *Stream) Word() uint64 {
	if len(s.left) == 0 {
		sum := sha256.Sum256(binary.BigEndian.AppendUint64(s.seed[:merkle.Size:merkle.Size], s.counter))
		s.counter++
		s.left = sum[:]
	}
	v := binary.BigEndian.Uint64(s.left)
	s.left = s.left[8:]
	return v
}

// Below returns a uniform number below n, which must not be 0: it takes the low bits of words until they are small
// enough.
func (s *Stream) Below(n uint64) uint64 {
	mask := uint64(1)<<bits.Len64(n-1) - 1
	for {
		if v := s.Word() & mask; v < n {
			return v
		}
	}
}

// Sample draws k of the n numbers from 0, uniformly without replacement, in ascending order; k is at most n. It is
// Floyd's algorithm (Bentley and Floyd, CACM 30(9), 1987).
func (s *Stream) Sample(n, k uint64) []uint64 {
	drawn := make(map[uint64]bool, k)
	for j := n - k; j < n; j++ {
		if v := s.Below(j + 1); !drawn[v] {
			drawn[v] = true
		} else {
			drawn[j] = true
		}
	}
	list := make([]uint64, 0, k+1)
	for v := range drawn {
		list = append(list, v)
	}
	slices.Sort(list)
	return list
}
