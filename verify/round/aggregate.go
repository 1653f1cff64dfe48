package round

import (
	"bytes"
	"cmp"
	"crypto"
	"slices"

	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
)

// AggregateVersion is the only version of aggregates that this version of verifyd knows.
const AggregateVersion = "verifyd-aggregate/1"

// AggregateKind is the kind of a signed aggregate.
const AggregateKind = document.Kind("aggregate")

// Aggregate says what the next base was made from, and what it is.
type Aggregate struct {
	Version  string      `json:"version"`
	Round    merkle.Hash `json:"round"`             // digest
	Finals   []Final     `json:"finals"`            // ascending by job, worker and slot
	Base     merkle.Hash `json:"base"`              // root of the next base
	Momentum merkle.Hash `json:"momentum,omitzero"` // root of the next outer momentum; zero where the rule has none
}

// Final is a state that a claim with a PASS came to.
type Final struct {
	Job      merkle.Hash `json:"job"`    // digest
	Worker   merkle.Hash `json:"worker"` // key id
	Slot     uint32      `json:"slot"`
	Claim    merkle.Hash `json:"claim"`    // digest
	Final    merkle.Hash `json:"final"`    // root of the state
	Evidence merkle.Hash `json:"evidence"` // of the verdict
	Verifier merkle.Hash `json:"verifier"` // key id of whoever signed it
	Data     *job.Set    `json:"data,omitempty"`
	Weight   uint64      `json:"weight"`
}

func (f *Final) compare(g *Final) int {
	return cmp.Or(bytes.Compare(f.Job[:], g.Job[:]), bytes.Compare(f.Worker[:], g.Worker[:]), cmp.Compare(f.Slot, g.Slot))
}

// Sign returns the envelope of a, signed by the operator.
func (a *Aggregate) Sign(operator crypto.Signer) ([]byte, error) {
	return document.Sign(AggregateKind, a, operator)
}

// ReadAggregate reads an aggregate that the round's operator signed, and returns it with its digest. Errors begin with file.
func (r *Round) ReadAggregate(file string, data []byte, round merkle.Hash) (*Aggregate, merkle.Hash, error) {
	a, digest, err := document.Read[Aggregate](file, data, AggregateKind, r.Operator)
	if err != nil {
		return nil, merkle.Hash{}, err
	}
	switch {
	case a.Version != AggregateVersion:
		err = fault.New(fault.UnknownVersion, file, "version", "%.60q, %q is needed", a.Version, AggregateVersion)
	case a.Round != round:
		err = fault.New(fault.WrongDigest, file, "round", "%v, the round is %v", a.Round, round)
	}
	return &a, digest, err
}

// maxWeight bounds the sum of weights: each of them and the sum are exact in binary64.
const maxWeight = 1 << 53

// final is what a verdict adds to a round, or why it adds nothing.
func (r *Round) final(v *verify.Verdict, verifier document.Key, j *job.Job, rows uint64) (Final, error) {
	f := &v.Finding
	if f.Outcome != verify.Pass {
		return Final{}, fault.New(fault.OutOfRange, "", "finding.outcome", "%s of worker %v: a round takes finals with a PASS alone", f.Outcome, f.Worker)
	}
	i := slices.IndexFunc(r.Jobs, func(o Offered) bool { return o.Job == f.Job })
	if f.Slot >= r.Jobs[i].Slots {
		return Final{}, fault.New(fault.OutOfRange, "", "finding.slot", "%d of worker %v, the round counts %d", f.Slot, f.Worker, r.Jobs[i].Slots)
	}
	made := Final{
		Job: f.Job, Worker: f.Worker, Slot: f.Slot, Claim: f.Claim, Final: f.Final,
		Evidence: v.Evidence, Verifier: verifier.ID(), Data: f.Data, Weight: 1,
	}
	if r.Rule.Weights == ByRows {
		samples := j.Data.Samples
		if f.Data != nil {
			samples = f.Data.Samples
		}
		made.Weight = min(samples, f.Steps*rows)
	}
	if made.Weight < 1 {
		return Final{}, fault.New(fault.OutOfRange, "", "finding", "worker %v has no rows", f.Worker)
	}
	return made, nil
}

// gather orders finals, and refuses two of a slot, none at all, and weights whose sum is too large.
func gather(finals []Final) (total uint64, err error) {
	if len(finals) == 0 {
		return 0, fault.New(fault.Incomplete, VerdictsDir, "", "no verdict: a round is aggregated from finals with a PASS")
	}
	slices.SortFunc(finals, func(a, b Final) int { return a.compare(&b) })
	for i := range finals {
		f := &finals[i]
		if i > 0 && finals[i-1].compare(f) == 0 {
			return 0, fault.New(fault.OutOfRange, VerdictsDir, "", "two finals of job %v, worker %v, slot %d", f.Job, f.Worker, f.Slot)
		}
		if f.Weight > maxWeight-total {
			return 0, fault.New(fault.TooLarge, VerdictsDir, "weight", "%d of worker %v: the sum is above the limit 2^53", f.Weight, f.Worker)
		}
		total += f.Weight
	}
	return total, nil
}
