package verify

import (
	"context"
	"slices"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
)

// Measure is what the job's gate says of the first step of a segment: whether the state that it begins with is one from
// which training is cheap. It is made of integers, which every device counts alike.
type Measure struct {
	Outside []string    `json:"outside,omitempty"` // the bounds that the step is outside of; none where it is inside
	Digest  merkle.Hash `json:"digest"`            // over all that was counted
}

// equal says whether two devices counted the same.
func (m *Measure) equal(other *Measure) bool {
	if m == nil || other == nil {
		return m == other
	}
	return m.Digest == other.Digest && slices.Equal(m.Outside, other.Outside)
}

// outside says that a segment without a mismatch begins outside the gate.
func (r *Result) outside() bool { return r.Measure != nil && len(r.Measure.Outside) > 0 }

// gauge is a job's gate for one challenge: what it wants to see of a step, and what it says of that.
type gauge interface {
	reads(step uint64) []program.Read
	measure(step uint64, words []uint32) Measure
}

// gauge is the job's gate for a challenge.
func (t *Terms) gauge(_ *Challenge) gauge { return unmeasured{} }

type unmeasured struct{}

func (unmeasured) reads(uint64) []program.Read      { return nil }
func (unmeasured) measure(uint64, []uint32) Measure { return Measure{} }

// gauged runs step t on the batch in the engine's buffers, whatever it leads to, and measures it.
func (s *stepper) gauged(ctx context.Context, g gauge, t uint64) (Measure, error) {
	s.reading = g.reads(t)
	defer func() { s.reading = nil }()
	if _, err := s.run(ctx, t); err != nil {
		return Measure{}, err
	}
	return g.measure(t, s.read), nil
}

// measured refuses a result whose measure cannot be one.
func (r *Result) measured() error {
	switch {
	case r.Mismatch != nil && r.Measure != nil:
		return outOfRange("measure", "of a segment with a mismatch")
	case r.Mismatch == nil && r.Measure == nil:
		return fault.New(fault.OutOfRange, "", "measure", "missing")
	}
	return nil
}
