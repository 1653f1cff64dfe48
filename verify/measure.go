package verify

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/gate"
	"github.com/verifyd/verifyd/verify/merkle"
)

// Measure is what the job's gate says of the first step of a segment: whether the state that it begins with is one from
// which training is cheap. It is made of integers, which every device counts alike.
type Measure struct {
	Outside []gate.Reason `json:"outside,omitempty"` // the bounds that the step is outside of; none where it is inside
	Totals  gate.Totals   `json:"totals"`
	Digest  merkle.Hash   `json:"digest"` // over all that was counted
}

// Outside is a replayed segment that begins outside the job's gate.
type Outside struct {
	Segment uint64        `json:"segment"`
	Why     []gate.Reason `json:"why"`
	Totals  gate.Totals   `json:"totals"` // of its first step
}

// equal says whether two devices counted the same.
func (m *Measure) equal(other *Measure) bool {
	if m == nil || other == nil {
		return m == other
	}
	return m.Digest == other.Digest && m.Totals == other.Totals && slices.Equal(m.Outside, other.Outside)
}

// outside says that a segment without a mismatch begins outside the gate.
func (r *Result) outside() bool { return r.Measure != nil && len(r.Measure.Outside) > 0 }

// gauge is a job's gate for one challenge.
type gauge struct {
	plan      *gate.Plan
	reference *gate.Reference
	seed      merkle.Hash // of the challenge: it draws where a step is measured
}

// gauge is the job's gate for a challenge.
func (t *Terms) gauge(ch *Challenge) *gauge { return &gauge{t.Gate, t.reference, ch.Seed} }

// sample draws where a step is measured.
func (g *gauge) sample(step uint64) *gate.Sample { return g.plan.Draw(g.seed, step) }

// of is the measure of a step in which an engine read words of a sample.
func (g *gauge) of(s *gate.Sample, words []uint32) (Measure, error) {
	c, err := s.Count(words)
	if err != nil {
		return Measure{}, err
	}
	m := Measure{Totals: c.Totals(), Digest: digestOf(c)}
	m.Outside = g.reference.Outside(c)
	return m, nil
}

// digestOf is over all that a step counts: the gate's name, the step, and the counters of products, sums and tensors, each
// in the order in which the gate lists them.
func digestOf(c *gate.Counters) merkle.Hash {
	b := binary.LittleEndian.AppendUint64([]byte(gate.Version), c.Step)
	number := func(list ...uint32) {
		for _, v := range list {
			b = binary.LittleEndian.AppendUint32(b, v)
		}
	}
	for _, p := range c.Products {
		number(p.E, p.S, p.A.D, p.A.R, p.B.D, p.B.R)
	}
	for _, s := range c.Sums {
		number(s.Drowned, s.Added)
	}
	for _, t := range c.Tensors {
		number(t.Seen, t.Zero, t.Still)
	}
	return sha256.Sum256(b)
}

// gauged runs step t on the batch in the engine's buffers, whatever it leads to, and measures it.
func (s *stepper) gauged(ctx context.Context, g *gauge, t uint64) (Measure, error) {
	sample := g.sample(t)
	s.reading = sample.Reads
	defer func() { s.reading = nil }()
	if _, err := s.run(ctx, t); err != nil {
		return Measure{}, err
	}
	return g.of(sample, s.read)
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
