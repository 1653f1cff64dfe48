package verify

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
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
// opening of one, which it did not draw. It needs no bundle: what decides stands in job and finding.
func (t *Terms) CheckAudit(f Finding) error {
	drawn, err := audited(t.Job, f.Root, f.Receipt, f.Randomness)
	if err != nil {
		return err
	}
	switch {
	case drawn && f.Outcome == Unaudited:
		return fault.New(fault.WrongChallenge, "verdict", "outcome", "%s, the beacon drew the claim for audit", f.Outcome)
	case !drawn && (f.Outcome != Unaudited && !f.shown() || f.Replayed > 0 || len(f.Challenged) > 0):
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
