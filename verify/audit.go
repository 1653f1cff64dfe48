package verify

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"

	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/trace"
)

const auditLabel = "verifyd-audit/1"

// audited says whether the beacon draws a claim for audit: if the first word of
// HKDF-SHA256(secret = randomness, salt = claim root, info = label || receipt digest) is below the job's share of 2^64.
// Nobody knows before the beacon, and nobody chooses: it follows from what was signed before.
func audited(j *job.Job, root, receipt, randomness merkle.Hash) (bool, error) {
	info := append([]byte(auditLabel), receipt[:]...)
	word, err := hkdf.Key(sha256.New, randomness[:], root[:], string(info), 8)
	if err != nil {
		return false, fmt.Errorf("audit: %w", err)
	}
	// w < share * 2^64 / 10^6, without a rounding: the upper half of w * 10^6 is below the share.
	hi, _ := bits.Mul64(binary.BigEndian.Uint64(word), job.Millionths)
	return hi < uint64(j.Audit), nil
}

// CheckAudit refuses a finding that calls a claim unaudited which the beacon drew, or that replays one, or misses the
// opening of one, which it did not draw. It needs no bundle: what decides stands in job and finding, unless the claim's
// receipt may renew another one, whose draw counts as well: then [Terms.CheckDraw] says.
func (t *Terms) CheckAudit(f Finding) error {
	drawn, err := audited(t.Job, f.Root, f.Receipt, f.Randomness)
	if err != nil {
		return err
	}
	renews := t.log != nil && t.log.Dates()
	if f.Outcome == Unaudited || !drawn && !renews {
		return f.fits(drawn)
	}
	return nil
}

// CheckDraw refuses a finding on a claim with a receipt unless it says of the draw what the beacon did, by its own
// randomness: whether the claim is audited, with which seed, and by which segments. Whether the randomness is the
// beacon's, only a bundle shows.
func (t *Terms) CheckDraw(f Finding, r Receipt) error {
	receipt, err := document.Digest(receiptKind, r)
	if err != nil {
		return err
	}
	if f.Receipt != receipt {
		return fault.New(fault.WrongClaim, "verdict", "receipt", "%v, the claim's is %v", f.Receipt, receipt)
	}
	ch, err := t.DrawWith(trace.Claim{Root: f.Root}, r, f.Randomness)
	if err != nil {
		return err
	}
	if err := f.fits(ch.Audited); err != nil {
		return err
	}
	if f.Seed != ch.Seed || !slices.Equal(f.Challenged, ch.Segments) {
		return fault.New(fault.WrongChallenge, "verdict", "challenged", "segments %d by seed %v, the beacon drew %d by %v", f.Challenged, f.Seed, ch.Segments, ch.Seed)
	}
	return nil
}

// fits refuses a finding on a claim that the beacon drew for audit, or did not.
func (f *Finding) fits(drawn bool) error {
	switch {
	case drawn && f.Outcome == Unaudited:
		return fault.New(fault.WrongChallenge, "verdict", "outcome", "%s, the beacon drew the claim for audit", f.Outcome)
	case drawn:
		return nil
	case f.Outcome != Unaudited && !f.shown() || f.Replayed > 0 || len(f.Challenged) > 0:
		return fault.New(fault.WrongChallenge, "verdict", "outcome", "%s for %s, the beacon did not draw the claim for audit", f.Outcome, f.Reason)
	case f.Outcome == Unaudited && (f.Reason != Honest || f.First != nil || f.Sampled > 0):
		return fault.New(fault.WrongChallenge, "verdict", "reason", "%s for %s: nothing was looked for", f.Outcome, f.Reason)
	}
	return nil
}

// shown says that the claim's leaves alone show a FAIL: nobody needs to draw it.
func (f *Finding) shown() bool {
	switch f.Reason {
	case Malformed, WrongInit, BrokenChain, WrongFinal:
		return f.Outcome == Fail && f.First != nil
	}
	return false
}
