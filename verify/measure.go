package verify

import (
	"slices"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
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
