package policy

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/verifyd/verifyd/proofs"
)

// One is 1 in the fixed-point scale of metrics, 1e-9.
const One = 1_000_000_000

// MaxClaims is the largest number of claims of an epoch.
const MaxClaims = 1 << 20

// A Measurement is what one worker's verified work in one slot of a task measured. All of it is
// the verifier's or the valuer's; none is the worker's word.
type Measurement struct {
	Worker proofs.Hash
	Task   proofs.Hash
	Slot   uint32
	// Owner is whom the roster names for the worker, zero if it is not on it.
	// It counts only under a policy with a cap for owners.
	Owner   proofs.Hash
	Verdict proofs.Verdict
	// Beacon is the chain that the claim's sample came from, as its
	// contribution has it.
	Beacon proofs.Hash
	// Work is the number of floating-point operations that the claim stands
	// for, counted from the program: those of a step times the job's steps.
	Work proofs.Uint128
	// Improvement is that of the policy's measure on its validation set, in 1e-9.
	Improvement proofs.Int128
	// Value and StdErr are the data-utility value and its standard error, in 1e-9.
	Value  proofs.Int128
	StdErr proofs.Uint128
	// Quality of the data that was worked on, from 0 to One.
	Quality uint64
	// Void says that the claim's pay was held when another one of the worker
	// failed: it earns nothing.
	Void bool
	// Withheld is one of the policy's own reasons, for which this claim earns
	// nothing, or NoReason.
	Withheld proofs.Reason
}

func (m *Measurement) check(p *Policy) error {
	switch {
	case m.Verdict.Kind < proofs.Accepted || m.Verdict.Kind > proofs.Inconclusive:
		return fmt.Errorf("verdict: kind %d is not one of 1 to 4", uint16(m.Verdict.Kind))
	case m.Verdict.Kind == proofs.Partial && m.Verdict.Reason != Unaudited:
		return errors.New("verdict: partial: this version of policies does not say what a part is worth")
	case m.Quality > One:
		return fmt.Errorf("quality: %d is more than %d", m.Quality, One)
	case m.Withheld != proofs.NoReason && !p.knows(m.Withheld):
		return fmt.Errorf("withheld: the policy names no reason %d", m.Withheld)
	}
	return nil
}

// A scale is a metric's weight and clip range.
type scale struct{ lo, hi, weight *big.Int }

// scales are those of a policy, taken once for all claims.
type scales struct {
	work, quality, improvement, value scale
	margin                            *big.Int
	least                             *big.Int // improvement that operations need to count, nil for none
}

func (m *Metrics) scales() *scales {
	of := func(lo, hi Int, weight Uint) scale { return scale{lo.big(), hi.big(), weight.big()} }
	var least *big.Int
	if m.Improvement.Least != nil {
		least = m.Improvement.Least.big()
	}
	return &scales{
		least:       least,
		work:        of(m.Work.Lo, m.Work.Hi, m.Work.Weight),
		quality:     of(m.Quality.Lo, m.Quality.Hi, m.Quality.Weight),
		improvement: of(m.Improvement.Lo, m.Improvement.Hi, m.Improvement.Weight),
		value:       of(m.Value.Lo, m.Value.Hi, m.Value.Weight),
		margin:      big.NewInt(int64(m.Value.Margin)),
	}
}

// points are what a claim weighs, in 1e-9, and whether a clip range cut it: for
// each metric the weight times the clipped measure, summed, and no less than
// zero. They grow with each metric.
func (s *scales) points(m *Measurement) (points *big.Int, clipped bool) {
	points = new(big.Int)
	add := func(s scale, measure *big.Int) {
		if s.weight.Sign() == 0 {
			return
		}
		if measure.Cmp(s.hi) > 0 {
			measure, clipped = s.hi, true
		}
		if measure.Cmp(s.lo) < 0 {
			measure = s.lo
		}
		points.Add(points, new(big.Int).Mul(s.weight, measure))
	}
	work := wide(m.Work)
	if s.unimproved(m) {
		work.SetInt64(0)
	}
	add(s.work, work)
	add(s.quality, share(work, new(big.Int).SetUint64(m.Quality), one))
	add(s.improvement, wideSigned(m.Improvement))
	add(s.value, s.lowerBound(m))
	if points.Sign() < 0 {
		points.SetInt64(0)
	}
	return points, clipped
}

// unimproved says that a claim improved less than its operations need to count.
func (s *scales) unimproved(m *Measurement) bool {
	return s.least != nil && wideSigned(m.Improvement).Cmp(s.least) < 0
}

var (
	one        = big.NewInt(One)
	thousand   = big.NewInt(1000)
	roundingUp = big.NewInt(999) // added before dividing by a thousand
)

// lowerBound is a claim's value less the margin, which is rounded up, so that
// the bound is rounded down.
func (s *scales) lowerBound(m *Measurement) *big.Int {
	doubt := wide(m.StdErr)
	doubt.Mul(doubt, s.margin).Add(doubt, roundingUp).Quo(doubt, thousand)
	return doubt.Sub(wideSigned(m.Value), doubt)
}
