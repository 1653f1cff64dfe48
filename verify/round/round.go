package round

import (
	"crypto"

	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
)

// Version is the only version of rounds that this version of verifyd knows.
const Version = "verifyd-round/1"

// Kind is the kind of a signed round.
const Kind = document.Kind("round")

// The limits of a round.
const (
	MaxJobs      = 1 << 10
	MaxVerifiers = 1 << 6
	MaxFinals    = 1 << 10
	MaxIndex     = 1 << 32
	Millionths   = 1_000_000
)

// Round states what a round is, before anybody trains for it.
type Round struct {
	Version    string         `json:"version"`
	Index      uint64         `json:"index"`             // from 0
	Previous   merkle.Hash    `json:"previous,omitzero"` // digest of the aggregate that made the base; zero for the first round
	Operator   document.Key   `json:"operator"`
	Verifiers  []document.Key `json:"verifiers"`         // whose verdicts count
	Program    merkle.Hash    `json:"program"`           // digest
	Base       merkle.Hash    `json:"base"`              // root of the tensors that all jobs start from
	Momentum   merkle.Hash    `json:"momentum,omitzero"` // root of the outer momentum so far; zero for none
	Validation merkle.Hash    `json:"validation"`        // root of the rows that the round is valued on
	Jobs       []Offered      `json:"jobs"`              // ascending
	Rule       Rule           `json:"rule"`
}

// Offered is a job of a round.
type Offered struct {
	Job   merkle.Hash `json:"job"`   // digest
	Slots uint32      `json:"slots"` // those from 0 count, of each worker
}

// The kinds of rules, and what finals weigh.
const (
	Mean     = "mean"     // the next base is the weighted mean of the finals
	Nesterov = "nesterov" // an outer SGD with Nesterov momentum, on the way from the base to that mean

	ByRows  = "rows"  // as many as the different rows that its steps may have read
	Equally = "equal" // one each
)

// Rule says how the next base is made.
type Rule struct {
	Kind     string `json:"kind"`
	Weights  string `json:"weights"`
	Rate     uint32 `json:"rate,omitempty"`     // of the outer SGD, in millionths
	Momentum uint32 `json:"momentum,omitempty"` // of it, in millionths
}

// Check returns an error that names the field unless the round is one that can be kept.
func (r *Round) Check() error {
	if r.Version != Version {
		return fault.New(fault.UnknownVersion, "", "version", "%.60q, %q is needed", r.Version, Version)
	}
	for _, f := range []struct {
		field string
		got   merkle.Hash
	}{{"program", r.Program}, {"base", r.Base}, {"validation", r.Validation}} {
		if f.got == (merkle.Hash{}) {
			return bad(f.field, "zero")
		}
	}
	switch {
	case r.Index >= MaxIndex:
		return bad("index", "%d is outside 0 to %d", r.Index, uint64(MaxIndex-1))
	case (r.Index == 0) != (r.Previous == merkle.Hash{}):
		return bad("previous", "%v in round %d: the first one has none, and any other has", r.Previous, r.Index)
	case len(r.Jobs) < 1 || len(r.Jobs) > MaxJobs:
		return bad("jobs", "%d, 1 to %d are needed", len(r.Jobs), MaxJobs)
	case len(r.Verifiers) < 1 || len(r.Verifiers) > MaxVerifiers:
		return bad("verifiers", "%d, 1 to %d are needed", len(r.Verifiers), MaxVerifiers)
	}
	for i, o := range r.Jobs {
		switch {
		case i > 0 && r.Jobs[i-1].Job.String() >= o.Job.String():
			return bad("jobs", "%v is not behind the one before it", o.Job)
		case o.Slots < 1 || o.Slots > MaxFinals:
			return bad("jobs", "%d slots of %v are outside 1 to %d", o.Slots, o.Job, MaxFinals)
		}
	}
	for _, k := range append([]document.Key{r.Operator}, r.Verifiers...) {
		if _, err := k.Public(); err != nil {
			return fault.Under("operator, verifiers", err)
		}
	}
	return r.Rule.check(r.Momentum != merkle.Hash{})
}

func (r *Rule) check(moved bool) error {
	switch {
	case r.Weights != ByRows && r.Weights != Equally:
		return bad("rule.weights", "%.40q, %q or %q is needed", r.Weights, ByRows, Equally)
	case r.Kind == Mean && (r.Rate != 0 || r.Momentum != 0 || moved):
		return bad("rule", "a mean has neither rate nor momentum")
	case r.Kind == Mean:
		return nil
	case r.Kind != Nesterov:
		return bad("rule.kind", "%.40q, %q or %q is needed", r.Kind, Mean, Nesterov)
	case r.Rate < 1 || r.Rate > 10*Millionths:
		return bad("rule.rate", "%d is outside 1 to %d", r.Rate, 10*Millionths)
	case r.Momentum >= Millionths:
		return bad("rule.momentum", "%d is outside 0 to %d", r.Momentum, Millionths-1)
	}
	return nil
}

func bad(field, format string, args ...any) error {
	return fault.New(fault.BadTerms, "", field, format, args...)
}

// Sign checks the round and returns its envelope. The signer must hold the operator's key.
func (r *Round) Sign(operator crypto.Signer) ([]byte, error) {
	if err := r.Check(); err != nil {
		return nil, fault.In(File, err)
	}
	key, err := document.NewKey(operator.Public())
	if err != nil {
		return nil, err
	}
	if key != r.Operator {
		return nil, fault.New(fault.BadTerms, File, "operator", "the round names another key than the signer's")
	}
	return document.Sign(Kind, r, operator)
}

// Read reads a round that operator signed, and returns it with its digest. Errors begin with file.
func Read(file string, data []byte, operator document.Key) (*Round, merkle.Hash, error) {
	r, digest, err := document.Read[Round](file, data, Kind, operator)
	if err != nil {
		return nil, merkle.Hash{}, err
	}
	if err := r.Check(); err != nil {
		return nil, merkle.Hash{}, fault.In(file, err)
	}
	if r.Operator != operator {
		return nil, merkle.Hash{}, fault.New(fault.BadTerms, file, "operator", "names another key than the one that signed")
	}
	return &r, digest, nil
}

// fits refuses a job that is not for this round's base and program, or another operator's.
func (r *Round) fits(j *job.Job, slots uint32) error {
	switch {
	case j.Program != r.Program:
		return fault.New(fault.WrongDigest, "", "program", "%v, the round's is %v", j.Program, r.Program)
	case j.Init.Base == nil:
		return fault.New(fault.BadTerms, "", "init.base", "none: the job draws what it starts from, the round's base is %v", r.Base)
	case j.Init.Base.Root != r.Base:
		return fault.New(fault.BadTerms, "", "init.base", "%v, the round's is %v", j.Init.Base.Root, r.Base)
	case j.Init.Final != nil:
		return fault.New(fault.BadTerms, "", "init.final", "the job goes on from a claim, and not from the round's base alone")
	case slots > j.Slots:
		return fault.New(fault.BadTerms, "", "slots", "%d, the round counts %d", j.Slots, slots)
	}
	return nil
}
