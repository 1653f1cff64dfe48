package verify

import (
	"cmp"
	"context"
	"slices"

	"github.com/verifyd/verifyd/verify/walk"
)

// NoteOutside is the note of a claim that passes although a replayed segment begins outside the job's gate: the path to
// where that began, and all that was replayed besides, is true.
const NoteOutside = "outside"

// walk is the walk over a claim.
func (t *Terms) walk(ch *Challenge, r Receipt, ranked []uint64) (*walk.Walk, error) {
	n := t.Job.Segments()
	return walk.New(ch.Seed, n, min(uint64(r.Sampled), n), ch.Segments, ranked)
}

// begin takes an opening that answers the challenge, and finds out where its walk begins: the worker fails if the slices
// open to other states than the leaves have, or if a segment that moved most is not among those opened.
func (c *Case) begin(ctx context.Context, o *Opening) error {
	ranked, err := c.readSlices(ctx, o)
	if err != nil {
		return err
	}
	w, err := c.Terms.walk(c.Challenge, c.receipt, ranked)
	if err != nil {
		return err
	}
	if ranked == nil || slices.ContainsFunc(w.Directed(), func(s uint64) bool { return !o.opens(s) }) {
		c.ruling = &ruling{reason: Malformed}
		return nil
	}
	cost, err := c.cost(w.First())
	if err != nil {
		return err
	}
	cost.Packed = uint64(o.Slices.Size)
	for _, s := range o.Segments {
		cost.Packed += uint64(s.Size)
	}
	c.opening, c.walk, c.Cost = o, w, cost
	return nil
}

// standing is what results say of segments. One that the worker did not open ends the walk: without it nobody can walk on.
func (c *Case) standing(s *sheet) func(uint64) walk.Standing {
	return func(segment uint64) walk.Standing {
		of := s.of(segment)
		switch {
		case !c.opening.opens(segment), len(of) > 0 && (of[0].Mismatch != nil || differently(of)):
			return walk.End
		case len(of) == 0:
			return walk.Unknown
		case of[0].outside():
			return walk.Outside
		}
		return walk.Inside
	}
}

// differently says that results of a segment agree with the claim and do not measure the same.
func differently(of []Result) bool {
	return slices.ContainsFunc(of, func(r Result) bool { return !r.Measure.equal(of[0].Measure) })
}

// opens says whether a segment is opened.
func (o *Opening) opens(segment uint64) bool {
	_, ok := o.find(segment)
	return ok
}

// find is where a segment stands among those opened.
func (o *Opening) find(segment uint64) (at int, ok bool) {
	return slices.BinarySearchFunc(o.Segments, segment, func(s OpenedSegment, want uint64) int { return cmp.Compare(s.Segment, want) })
}

// unconfirmed is a result that one code path alone has found and that a FAIL would rest on: a mismatch, or, where the walk
// needs a segment that the worker did not open, all that was measured on the way there.
func (c *Case) unconfirmed(s *sheet, t walk.Trail) *Result {
	if !t.Ended {
		return nil
	}
	last := t.Order[len(t.Order)-1]
	rests := []uint64{last}
	if !c.opening.opens(last) {
		rests = t.Order[:len(t.Order)-1]
	}
	for _, segment := range rests {
		if of := s.of(segment); len(of) == 1 {
			return &of[0]
		}
	}
	return nil
}

// end puts what ended a walk into a finding.
func (c *Case) end(f *Finding, s *sheet, segment uint64) {
	first, _ := c.Terms.Job.Segment(segment)
	of := s.of(segment)
	switch {
	case !c.opening.opens(segment): // the path stops short
		f.fail(&Mismatch{Reason: Malformed, Difference: Difference{Segment: segment, Step: first}})
	case of[0].Mismatch == nil: // measured differently
		f.fail(&Mismatch{Reason: Disagreement, Difference: Difference{Segment: segment, Step: first}})
		f.Outcome = Inconclusive
	default:
		f.fail(of[0].Mismatch)
		if slices.ContainsFunc(of, func(r Result) bool { return compareMismatch(r.Mismatch, of[0].Mismatch) != 0 }) {
			f.Outcome, f.Reason = Inconclusive, Disagreement
		}
	}
}

// walked puts a trail into a finding.
func (f *Finding) walked(w *walk.Walk, t walk.Trail, s *sheet) {
	f.Directed = w.Directed()
	for _, segment := range t.Outside {
		m := s.of(segment)[0].Measure
		f.Outside = append(f.Outside, Outside{segment, m.Outside, m.Totals})
	}
	if n := len(w.First()); len(t.Order) > n {
		f.Walked = t.Order[n:]
	}
	if t.Done && len(t.Outside) > 0 {
		f.Note = NoteOutside
	}
}

// order is the segments that a finding was reached on, in the order of the walk.
func (f *Finding) order() []uint64 {
	first := slices.Sorted(slices.Values(slices.Concat(f.Challenged, f.Directed)))
	return append(first, f.Walked...)
}

// rests is which segments were replayed whole, without and with the one that ended the walk.
func (f *Finding) rests() (whole, all []uint64) {
	order := f.order()
	switch {
	case f.Reason == Honest:
		return order, order
	case f.First == nil || f.Reason != Disagreement && !slices.Contains(replayed, f.Reason):
		return nil, nil
	}
	at := slices.Index(order, f.First.Segment)
	if at < 0 || f.Replayed == 0 && at > 0 { // the documents alone show it
		return nil, nil
	}
	return order[:at], order[:at+1]
}

// Trail is the way that a finding took to where training became cheap, for whoever wants to see it: what the gate says of
// each segment on it follows from the finding.
func (c *Case) Trail(f *Finding) walk.Trail {
	if c.walk == nil {
		return walk.Trail{}
	}
	known := f.order()
	if f.First != nil {
		known = known[:max(0, slices.Index(known, f.First.Segment))]
	}
	return c.walk.Walk(func(segment uint64) walk.Standing {
		switch {
		case f.First != nil && segment == f.First.Segment:
			return walk.End
		case !slices.Contains(known, segment):
			return walk.Unknown
		case slices.ContainsFunc(f.Outside, func(o Outside) bool { return o.Segment == segment }):
			return walk.Outside
		}
		return walk.Inside
	})
}
