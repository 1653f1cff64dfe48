package pool

import (
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/policy"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
)

// Credit is what the ledger's side adds to a verdict.
type Credit struct {
	Epoch      uint64
	Account    proofs.Hash    // zero for the worker's key id
	Units      proofs.Uint128 // for an accepted claim; any other earns nothing
	Cumulative proofs.Uint128 // the account's total before this contribution
}

// State says what the verdict on a bundle means to a ledger. It rests on what was read when the bundle was judged.
func (f *Judged) State(c Credit, issued time.Time) (proofs.Contribution, error) {
	if f.Err != nil {
		return proofs.Contribution{}, f.Err
	}
	if err := f.Case.Check(f.Verdict); err != nil {
		return proofs.Contribution{}, fmt.Errorf("%s: %w", f.Bundle, err)
	}
	return State(f.Verdict, f.Case.Terms, c, issued)
}

// State says what a verdict means to a ledger, under the terms of its job. It refuses those of another job, those that say
// of a claim's audit what the beacon did not, and units for a claim that the job holds: those package score pays.
func State(v *verify.Verdict, t *verify.Terms, c Credit, issued time.Time) (proofs.Contribution, error) {
	if v.Finding.Job != t.Digest {
		return proofs.Contribution{}, fmt.Errorf("verdict: on job %s, the terms are of %s", v.Finding.Job, t.Digest)
	}
	f := v.Finding
	if f.Worker == t.Job.Operator.ID() {
		return proofs.Contribution{}, fault.New(fault.OwnWork, "verdict", "worker", "%v is the key of the job's operator", f.Worker)
	}
	if err := t.CheckAudit(f); err != nil {
		return proofs.Contribution{}, err
	}
	if t.Job.Hold > 0 && f.Outcome == verify.Pass && c.Units != (proofs.Uint128{}) {
		return proofs.Contribution{}, fmt.Errorf("units: the job pays a claim once %d further ones are judged; a score of the epoch does", t.Job.Hold)
	}
	engine, err := engineHash(v)
	if err != nil {
		return proofs.Contribution{}, err
	}
	if c.Account == (proofs.Hash{}) {
		c.Account = proofs.Hash(f.Worker)
	}
	p := proofs.Contribution{
		Audience:        proofs.Hash(t.Job.Audience),
		PoolID:          proofs.Hash(t.Job.Pool),
		Epoch:           c.Epoch,
		TaskID:          proofs.Hash(f.Job),
		WorkerID:        proofs.Hash(f.Worker),
		Slot:            f.Slot,
		Account:         c.Account,
		CumulativeUnits: c.Cumulative,
		Verdict:         decision(f),
		StepsClaimed:    f.Steps,
		StepsReplayed:   f.Replayed,
		PolicyHash:      proofs.Hash(t.Job.Policy),
		EvidenceRoot:    proofs.Hash(v.Evidence),
		EngineHash:      engine,
		SampleSeed:      proofs.Hash(f.Randomness),
		Beacon:          proofs.Hash(t.Job.Beacon.Hash()),
		IssuedAt:        uint64(issued.Unix()),
	}
	switch p.Verdict.Kind {
	case proofs.Accepted:
		p.Units = c.Units
		total, ok := c.Cumulative.Add(c.Units)
		if !ok {
			return proofs.Contribution{}, fmt.Errorf("cumulative units: %s and %s are more than 2^128-1", c.Cumulative, c.Units)
		}
		p.CumulativeUnits = total
	case proofs.Rejected:
		if replayed(f.Reason) {
			// The finding counts the steps that agreed; replay stopped at the
			// next one.
			p.StepsReplayed++
			p.StepsFailed = 1
		}
	}
	return p, nil
}

// decision maps an outcome to the kinds and reasons that a proof knows.
func decision(f verify.Finding) proofs.Verdict {
	switch f.Outcome {
	case verify.Pass:
		if f.Note == verify.NoteOutside {
			return proofs.Verdict{Kind: proofs.Accepted, Reason: policy.Outside}
		}
		return proofs.Verdict{Kind: proofs.Accepted}
	case verify.Inconclusive:
		return proofs.Verdict{Kind: proofs.Inconclusive, Reason: proofs.Mismatch}
	case verify.Unaudited:
		return proofs.Verdict{Kind: proofs.Partial, Reason: policy.Unaudited}
	}
	reason := proofs.Mismatch
	switch f.Reason {
	case verify.Unopened, verify.Late:
		reason = proofs.NotOpened
	case verify.Malformed, verify.WrongState, verify.WrongDigests, verify.WrongSample:
		reason = proofs.BadOpening
	}
	return proofs.Verdict{Kind: proofs.Rejected, Reason: reason}
}

// replayed says that a reason was found by running a step again.
func replayed(r verify.Reason) bool {
	switch r {
	case verify.WrongBatch, verify.WrongLoss, verify.WrongGradient, verify.WrongClip, verify.WrongUpdate, verify.NotFinite:
		return true
	}
	return false
}

// engineHash names what reached the verdict: the SHA-256 of the canonical JSON
// of the numeric profile and the build.
func engineHash(v *verify.Verdict) (proofs.Hash, error) {
	data, err := document.Encode(struct {
		Profile kernels.Profile `json:"profile"`
		Build   verify.Build    `json:"build"`
	}{v.Finding.Profile, v.Build})
	if err != nil {
		return proofs.Hash{}, err
	}
	return sha256.Sum256(data), nil
}
