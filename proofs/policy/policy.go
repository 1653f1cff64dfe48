package policy

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"

	"github.com/verifyd/verifyd/proofs"
)

// Version is the only version of policies that this package knows.
const Version = "verifyd-policy/1"

// Mode says how an epoch's units come about.
type Mode string

// The modes.
const (
	Pot   Mode = "pot"   // a fixed pot, shared in proportion to points
	Price Mode = "price" // so many units for so many points, until the budget is reached
)

// A Policy is the document. Its fields are declared in the order of their JSON
// names, which makes its encoding that of RFC 8785.
type Policy struct {
	// Beacon is the chain that a claim's sample must come from to earn, by the
	// hash that contributions have. Without it any will do, a fixed value
	// included, which whoever made it knew.
	Beacon *Hash `json:"beacon,omitempty"`
	// Budget is the most units that one epoch may emit; in Pot mode, the pot.
	Budget Uint `json:"budget"`
	// Caps bound what one identity earns in an epoch. Each may be absent.
	Caps Caps `json:"caps"`
	// Decimals is the number of decimal places of a token that one unit is, for
	// display: 0 to 18.
	Decimals uint8 `json:"decimals"`
	// Dust is the ledger account that receives what rounding leaves.
	Dust Hash `json:"dust"`
	// Metrics weigh what was measured of a claim.
	Metrics Metrics `json:"metrics"`
	// Mode is how units come about.
	Mode Mode `json:"mode"`
	// Name is for people: 1 to 64 characters of a-z, 0-9, dot, hyphen, underscore.
	Name string `json:"name"`
	// Outside is what part of its points a claim counts for, in millionths, that was
	// accepted with the reason [Outside]. Without it, for all of them.
	Outside *uint32 `json:"outside,omitempty"`
	// Price is the rate of Price mode, and absent in Pot mode.
	Price *Rate `json:"price,omitempty"`
	// Reasons names the policy's own reason codes, [FirstOwnReason] and up, for
	// which a valuer may withhold the units of an accepted claim. In order of
	// code.
	Reasons []OwnReason `json:"reasons,omitempty"`
	// Unaudited is what a claim earns that the beacon did not draw for audit, so
	// that nobody replayed any of it: millionths of its points. Zero, which is
	// absent, for nothing.
	Unaudited uint32 `json:"unaudited,omitempty"`
	// Validation commits to the validation set that improvement is measured on:
	// the root of its samples. Zero only if improvement has no weight and nothing
	// is demanded of it.
	Validation Hash `json:"validation"`
	// Version is [Version].
	Version string `json:"version"`
}

// Caps bound what one identity earns. An identity is a worker or, with a cap
// for owners, all workers of one owner.
type Caps struct {
	// Owner is a flat cap in units for each owner. Identities must then come
	// from a roster, and a worker that is not on it earns nothing: a flat cap on
	// identities that cost nothing would only make people split theirs.
	Owner *Uint `json:"owner,omitempty"`
	// Work caps units in proportion to verified work, Per in floating-point
	// operations. Splitting an identity splits this cap with it.
	Work *Rate `json:"work,omitempty"`
}

// Rate is Units for each Per. Neither is zero.
type Rate struct {
	Per   Uint `json:"per"`
	Units Uint `json:"units"`
}

// Metrics are the weights and clip ranges of what is measured of one claim. All
// are in units of 1e-9.
type Metrics struct {
	// Improvement of the validation loss (nats) or accuracy (1 is all), in 1e-9.
	Improvement Improvement `json:"improvement"`
	// Quality of the data: verified work times a quality from 0 to 1, in
	// operations. Work on data of quality 0 adds nothing.
	Quality Metric `json:"quality"`
	// Value is the data-utility (Shapley) value in 1e-9.
	Value Value `json:"value"`
	// Work is the number of floating-point operations, counted from the program.
	Work Metric `json:"work"`
}

// A Metric is weighed after it is clipped to Lo..Hi, claim by claim. Lo is not
// positive and Hi not negative, so that nothing measured is nothing earned.
type Metric struct {
	Hi     Int  `json:"hi"`
	Lo     Int  `json:"lo"`
	Weight Uint `json:"weight"` // points for each 1e9 of the metric
}

// Improvement is the metric of the validation set.
type Improvement struct {
	Hi Int `json:"hi"`
	// Least is the improvement below which a claim's operations count for nothing,
	// in work and in quality. It is positive: a claim of which nothing was measured
	// has none. Absent, operations count whatever they led to.
	Least  *Int    `json:"least,omitempty"`
	Lo     Int     `json:"lo"`
	Of     Measure `json:"of"`
	Weight Uint    `json:"weight"`
}

// Measure is what is improved.
type Measure string

// The measures.
const (
	Loss     Measure = "loss"     // before minus after
	Accuracy Measure = "accuracy" // after minus before
)

// Value is the metric of the data-utility value. What counts is the lower
// confidence bound: the estimate less Margin thousandths of its standard error.
// Paying the estimate itself would pay for noise.
type Value struct {
	// By is how values must come about. Without it, whoever freezes the list of
	// claims decides, before the beacon that the estimate's choices follow from.
	By     *Estimate `json:"by,omitempty"`
	Hi     Int       `json:"hi"`
	Lo     Int       `json:"lo"`
	Margin uint32    `json:"margin"` // thousandths of a standard error, at most MaxMargin
	Weight Uint      `json:"weight"`
}

// An Estimate is a way to values, by the name that verifyd's estimators have. It
// takes no other parameters: each would be a choice, and lists that differ in it
// are so many tries.
type Estimate struct {
	Budget    uint32 `json:"budget"` // in the estimator's unit; 0 for one that takes none
	Estimator string `json:"estimator"`
	// Fair says that nobody is worth more for how many names he has or for how far
	// he went: an owner is one player, and all updates have one length.
	Fair bool `json:"fair,omitempty"`
	// Rows is how many rows of the validation set are drawn for each round, by the
	// beacon that the estimate follows from; all of them if there are no more, or
	// if it is zero, which is absent. Whoever knows the rows beforehand can make an
	// update for them.
	Rows uint32 `json:"rows,omitempty"`
}

// String says what is asked for.
func (e *Estimate) String() string {
	s := fmt.Sprintf("%s with a budget of %d", e.Estimator, e.Budget)
	if e.Fair {
		s += ", fair"
	}
	if e.Rows > 0 {
		s += fmt.Sprintf(", %d rows drawn", e.Rows)
	}
	return s
}

// The limits of a policy.
const (
	MaxMargin  = 100_000   // a hundred standard errors
	All        = 1_000_000 // millionths
	MaxReasons = 256
	maxName    = 64
	// maxPointBits bounds weight times clip range, summed over the metrics, in
	// nanopoints: a claim's points fit 128 bits with room to spare.
	maxPointBits = 126
)

// Parse reads a policy. It accepts exactly the bytes that [Policy.Encode] can
// give.
func Parse(data []byte) (*Policy, error) {
	var p Policy
	if err := decodeCanonical(data, MaxSize, &p); err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	if err := p.Check(); err != nil {
		return nil, err
	}
	return &p, nil
}

// Encode returns the canonical JSON of p, or an error that names the field that
// p may not have.
func (p *Policy) Encode() ([]byte, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	return encodeCanonical(p)
}

// Hash is the SHA-256 of the canonical JSON: what a job and a proof call the
// policy's hash.
func (p *Policy) Hash() (proofs.Hash, error) {
	data, err := p.Encode()
	if err != nil {
		return proofs.Hash{}, err
	}
	return sha256.Sum256(data), nil
}

// Check returns an error that names the field unless p is a policy that can be
// applied.
func (p *Policy) Check() error {
	var zero proofs.Hash
	m := p.Metrics
	switch {
	case p.Version != Version:
		return fieldError("version", "%.60q, %q is needed", p.Version, Version)
	case p.Beacon != nil && p.Beacon.Hash == zero:
		return fieldError("beacon", "must not be zero, which is a fixed value; leave it out to take any chain")
	case p.Budget == Uint{}:
		return fieldError("budget", "must not be zero")
	case p.Decimals > 18:
		return fieldError("decimals", "%d is more than 18", p.Decimals)
	case p.Dust.Hash == zero:
		return fieldError("dust", "must not be zero: it names the account that receives what rounding leaves")
	case !named(p.Name):
		return fieldError("name", "%.80q is not 1 to %d characters of a-z, 0-9, dot, hyphen and underscore", p.Name, maxName)
	case p.Mode != Pot && p.Mode != Price:
		return fieldError("mode", "%.60q, %q or %q is needed", p.Mode, Pot, Price)
	case (p.Mode == Price) != (p.Price != nil):
		return fieldError("price", "belongs to mode %q, and is needed there", Price)
	case m.Improvement.Of != Loss && m.Improvement.Of != Accuracy:
		return fieldError("metrics.improvement.of", "%.60q, %q or %q is needed", m.Improvement.Of, Loss, Accuracy)
	case m.Value.Margin > MaxMargin:
		return fieldError("metrics.value.margin", "%d is more than %d", m.Value.Margin, MaxMargin)
	case m.Value.By != nil && !named(m.Value.By.Estimator):
		return fieldError("metrics.value.by.estimator", "%.80q is not 1 to %d characters of a-z, 0-9, dot, hyphen and underscore", m.Value.By.Estimator, maxName)
	case m.Improvement.Least != nil && m.Improvement.Least.big().Sign() <= 0:
		return fieldError("metrics.improvement.least", "must be positive: a claim of which nothing was measured has zero")
	case (m.Improvement.Weight != Uint{} || m.Improvement.Least != nil) && p.Validation.Hash == zero:
		return fieldError("validation", "must not be zero where improvement has a weight or is demanded: it commits to the validation set")
	case p.Unaudited > All:
		return fieldError("unaudited", "%d is more than %d millionths", p.Unaudited, All)
	case p.Outside != nil && *p.Outside > All:
		return fieldError("outside", "%d is more than %d millionths", *p.Outside, All)
	case p.Caps.Owner != nil && *p.Caps.Owner == Uint{}:
		return fieldError("caps.owner", "must not be zero; leave it out for no cap")
	}
	if err := errors.Join(p.Price.check("price"), p.Caps.Work.check("caps.work"), m.check()); err != nil {
		return err
	}
	return p.checkReasons()
}

func (r *Rate) check(field string) error {
	if r != nil && (r.Per == Uint{} || r.Units == Uint{}) {
		return fieldError(field, "neither per nor units may be zero")
	}
	return nil
}

// check refuses clip ranges that pay for nothing, or that let a claim's points
// outgrow 128 bits.
func (m Metrics) check() error {
	most, weighs := new(big.Int), false
	for _, w := range []struct {
		field    string
		metric   Metric
		negative bool // may be
	}{
		{"metrics.improvement", Metric{m.Improvement.Hi, m.Improvement.Lo, m.Improvement.Weight}, true},
		{"metrics.quality", m.Quality, false},
		{"metrics.value", Metric{m.Value.Hi, m.Value.Lo, m.Value.Weight}, true},
		{"metrics.work", m.Work, false},
	} {
		hi, lo, weight := w.metric.Hi.big(), w.metric.Lo.big(), w.metric.Weight.big()
		switch {
		case hi.Sign() < 0:
			return fieldError(w.field+".hi", "must not be negative")
		case lo.Sign() > 0:
			return fieldError(w.field+".lo", "must not be positive: a claim without any would earn")
		case lo.Sign() < 0 && !w.negative:
			return fieldError(w.field+".lo", "must be zero: the metric is never negative")
		}
		weighs = weighs || weight.Sign() > 0 && hi.Sign() > 0
		reach := hi
		if lo.CmpAbs(hi) > 0 {
			reach = lo.Abs(lo)
		}
		most.Add(most, reach.Mul(reach, weight))
	}
	switch {
	case !weighs:
		return fieldError("metrics", "no metric has both a weight and a range: no claim could earn")
	case most.BitLen() > maxPointBits:
		return fieldError("metrics", "weights times clip ranges need %d bits, the limit is %d: lower one of them", most.BitLen(), maxPointBits)
	}
	return nil
}

func (p *Policy) checkReasons() error {
	if len(p.Reasons) > MaxReasons {
		return fieldError("reasons", "%d, the limit is %d", len(p.Reasons), MaxReasons)
	}
	last := FirstOwnReason - 1
	for _, r := range p.Reasons {
		if r.Code <= last {
			return fieldError("reasons", "code %d: codes begin at %d and grow", r.Code, FirstOwnReason)
		}
		if !named(r.Name) {
			return fieldError("reasons", "code %d: %.80q is not 1 to %d characters of a-z, 0-9, dot, hyphen and underscore", r.Code, r.Name, maxName)
		}
		last = r.Code
	}
	return nil
}

// named says that a string is a name that every language writes as the same
// bytes.
func named(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return s != "" && len(s) <= maxName
}

func fieldError(field, format string, args ...any) error {
	return fmt.Errorf("policy: field %s: %w", field, fmt.Errorf(format, args...))
}
