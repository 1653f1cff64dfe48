// Package contribution turns a verdict into the contribution proof that a
// ledger acts on. It decides nothing: the verdict is package verify's, and what
// the work is worth is the caller's.
package contribution

import (
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/job"
)

// Credit is what the ledger's side adds to a verdict.
type Credit struct {
	Epoch      uint64
	Account    proofs.Hash
	Units      proofs.Uint128 // for an accepted claim; any other earns nothing
	Cumulative proofs.Uint128 // the account's total before this contribution
}

// State says what a verdict on a claim for a job means to a ledger.
func State(v *verify.Verdict, j *job.Job, c Credit, issued time.Time) (proofs.Contribution, error) {
	f := v.Finding
	engine, err := engineHash(v)
	if err != nil {
		return proofs.Contribution{}, err
	}
	p := proofs.Contribution{
		Audience:        proofs.Hash(j.Audience),
		PoolID:          proofs.Hash(j.Pool),
		Epoch:           c.Epoch,
		TaskID:          proofs.Hash(f.Job),
		WorkerID:        proofs.Hash(f.Worker),
		Account:         c.Account,
		CumulativeUnits: c.Cumulative,
		Verdict:         decision(f),
		StepsClaimed:    f.Steps,
		StepsReplayed:   f.Replayed,
		PolicyHash:      proofs.Hash(j.Policy),
		EvidenceRoot:    proofs.Hash(v.Evidence),
		EngineHash:      engine,
		SampleSeed:      proofs.Hash(f.Randomness),
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
		return proofs.Verdict{Kind: proofs.Accepted}
	case verify.Inconclusive:
		return proofs.Verdict{Kind: proofs.Inconclusive, Reason: proofs.Mismatch}
	}
	reason := proofs.Mismatch
	switch f.Reason {
	case verify.Unopened:
		reason = proofs.NotOpened
	case verify.WrongState, verify.WrongDigests, verify.WrongSample:
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
