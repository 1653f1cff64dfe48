package verify

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"

	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/trace"
)

// Challenge is what a beacon asks a worker to open.
type Challenge struct {
	Round      uint64      // of the beacon
	Randomness merkle.Hash // of that round
	Seed       merkle.Hash // what the segments were drawn with
	Audited    bool        // else nobody is asked, and there are no segments
	Segments   []uint64    // ascending: those drawn, and the last one
}

// Draw derives the challenge to a claim. The beacon must be of the first round at or after the receipt's
// time plus the job's delay.
func (t *Terms) Draw(c trace.Claim, r Receipt, b beacon.Beacon) (*Challenge, error) {
	round, _ := t.Job.Round(r.Arrived)
	randomness, err := t.Job.Beacon.Randomness(b, round)
	if err != nil {
		return nil, fault.In(BeaconFile, err)
	}
	ch, err := t.DrawWith(c, r, randomness)
	if err != nil {
		return nil, err
	}
	ch.Round = round
	return ch, nil
}

// DrawWith derives the challenge that a beacon of that randomness would make, for asking how often a
// forgery is caught.
func (t *Terms) DrawWith(c trace.Claim, r Receipt, randomness merkle.Hash) (*Challenge, error) {
	receipt, err := document.Digest(receiptKind, r)
	if err != nil {
		return nil, err
	}
	info := append([]byte("verifyd-challenge/1"), receipt[:]...)
	seed, err := hkdf.Key(sha256.New, randomness[:], c.Root[:], string(info), merkle.Size)
	if err != nil {
		return nil, fmt.Errorf("challenge: %w", err)
	}
	n := t.Job.Segments()
	ch := &Challenge{Randomness: randomness, Seed: merkle.Hash(seed), Segments: []uint64{}}
	if ch.Audited, err = audited(t.Job, c.Root, receipt, randomness); err != nil || !ch.Audited {
		return ch, err
	}
	ch.Segments = sample(ch.Seed, n, min(uint64(r.Sampled), n))
	if last := n - 1; !slices.Contains(ch.Segments, last) {
		ch.Segments = append(ch.Segments, last)
	}
	return ch, nil
}

// sample draws k of n numbers, uniformly without replacement, in ascending order. It is Floyd's
// algorithm (Bentley and Floyd, CACM 30(9), 1987).
func sample(seed merkle.Hash, n, k uint64) []uint64 {
	words := stream{seed: seed}
	drawn := make(map[uint64]bool, k)
	for j := n - k; j < n; j++ {
		if v := words.below(j + 1); !drawn[v] {
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

// stream is the sequence of 64-bit words SHA-256(seed || counter), four from each hash, big-endian.
type stream struct {
	seed    merkle.Hash
	counter uint64
	left    []byte
}

func (s *stream) next() uint64 {
	if len(s.left) == 0 {
		sum := sha256.Sum256(binary.BigEndian.AppendUint64(s.seed[:merkle.Size:merkle.Size], s.counter))
		s.counter++
		s.left = sum[:]
	}
	v := binary.BigEndian.Uint64(s.left)
	s.left = s.left[8:]
	return v
}

// below returns a uniform number below n: it takes the low bits of words until they are small enough.
func (s *stream) below(n uint64) uint64 {
	mask := uint64(1)<<bits.Len64(n-1) - 1
	for {
		if v := s.next() & mask; v < n {
			return v
		}
	}
}
