package verify

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/draw"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/trace"
)

// Challenge is what a beacon asks a worker to open.
type Challenge struct {
	Round      uint64      // of the beacon
	Randomness merkle.Hash // of that round
	Seed       merkle.Hash // what the segments of the newest receipt were drawn with
	Audited    bool        // else nobody is asked, and there are no segments
	Segments   []uint64    // ascending: those drawn, for this receipt and for each that came too late before it, and the last one
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
	ch := &Challenge{Randomness: randomness, Segments: []uint64{}}
	n := t.Job.Segments()
	k := min(uint64(r.Sampled), n)
	segments := []uint64{n - 1}
	each := func(receipt, randomness merkle.Hash) error {
		if ch.Seed, err = seedOf(c, receipt, randomness); err != nil {
			return err
		}
		segments = append(segments, draw.New(ch.Seed).Sample(n, k)...)
		drawn, err := audited(t.Job, c.Root, receipt, randomness)
		ch.Audited = ch.Audited || drawn
		return err
	}
	for _, late := range r.Renews { // what was drawn stays drawn
		old, err := t.lateRandomness(late, randomness)
		if err != nil {
			return nil, fault.In(ReceiptFile, err)
		}
		if err := each(late.Receipt, old); err != nil {
			return nil, err
		}
	}
	if err := each(receipt, randomness); err != nil {
		return nil, err
	}
	if ch.Audited {
		slices.Sort(segments)
		ch.Segments = slices.Compact(segments)
	}
	return ch, nil
}

// seedOf is what the segments of a receipt are drawn with.
func seedOf(c trace.Claim, receipt, randomness merkle.Hash) (merkle.Hash, error) {
	info := append([]byte("verifyd-challenge/1"), receipt[:]...)
	seed, err := hkdf.Key(sha256.New, randomness[:], c.Root[:], string(info), merkle.Size)
	if err != nil {
		return merkle.Hash{}, fmt.Errorf("challenge: %w", err)
	}
	return merkle.Hash(seed), nil
}
