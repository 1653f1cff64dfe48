package metamorphic

import (
	"fmt"
	"slices"

	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/trace"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// Truth is what must be found of a claim. It is known without judging.
type Truth struct {
	Outcome verify.Outcome // "" where it must be an error
	Reason  verify.Reason
	First   *verify.Difference
	// Leaves says that the leaves alone show it, so that no opening is read.
	Leaves bool
	// Opening says that the opening without its segments shows it, so that none of these is read.
	Opening bool
	// Noted says that a replayed segment begins outside the gate, in a claim that passes.
	Noted bool
}

// String is the truth in words.
func (t Truth) String() string {
	switch {
	case t.Outcome == "":
		return "an error"
	case t.First == nil:
		return fmt.Sprintf("%s for %s", t.Outcome, t.Reason)
	}
	return fmt.Sprintf("%s for %s at %+v", t.Outcome, t.Reason, *t.First)
}

// meets says whether a finding is the truth.
func (t Truth) meets(f verify.Finding) bool {
	if f.Outcome != t.Outcome || f.Reason != t.Reason || (f.Note != "") != t.Noted || (f.First == nil) != (t.First == nil) {
		return false
	}
	return t.First == nil || *f.First == *t.First
}

// passes is the truth of a claim whose walk is true.
func (c *Claim) passes() Truth {
	return Truth{Outcome: verify.Pass, Reason: verify.Honest, Noted: len(c.Pool.Walk.Outside) > 0}
}

func failing(j *job.Job, reason verify.Reason, step uint64, tensor string) Truth {
	return Truth{
		Outcome: verify.Fail, Reason: reason,
		First: &verify.Difference{Segment: step / j.Stride, Step: step, Tensor: tensor},
	}
}

// steps is what a trace says of each step.
type steps struct {
	terms  *verify.Terms
	serves merkle.Hash // digest of the assignment
	all    []trace.Step
}

// readSteps reads a trace whole.
func readSteps(p *verifytest.Pool, dir string) (*steps, error) {
	t := p.Terms
	_, serves, err := t.ReadAssignment(p.Documents.Assignment)
	if err != nil {
		return nil, err
	}
	r, err := trace.Read(dir, t.Trace())
	if err != nil {
		return nil, err
	}
	defer r.Close()
	leaves, err := trace.NewLeaves(r.Leaves(), dir, t.Job.Steps)
	if err != nil {
		return nil, err
	}
	s := &steps{terms: t, serves: serves}
	for step := range t.Job.Steps {
		next := trace.Step{
			Gradients: make([]merkle.Hash, len(t.Gradient().Tensors())), Next: make([]merkle.Hash, t.State().Digests()),
		}
		if next.Leaf, err = leaves.Next(); err != nil {
			return nil, err
		}
		if err := r.Digests(step, next.Gradients, next.Next); err != nil {
			return nil, err
		}
		s.all = append(s.all, next)
	}
	return s, nil
}

// breach is what the leaves alone show.
func (s *steps) breach() (Truth, bool) {
	expected, reason := s.terms.Job.Init.Root, verify.WrongInit
	for i := range s.all {
		if l := &s.all[i].Leaf; l.State != expected {
			t := failing(s.terms.Job, reason, uint64(i), "")
			t.Leaves = true
			return t, true
		}
		expected, reason = s.all[i].Leaf.Next, verify.BrokenChain
	}
	return Truth{}, false
}

// departs is where a segment first says something else than the same segment done honestly from the same state.
func (s *steps) departs(segment uint64, honest *steps) (Truth, bool) {
	first, count := s.terms.Job.Segment(segment)
	for step := first; step < first+count; step++ {
		if reason, tensor := s.difference(step, &honest.all[step]); reason != verify.Honest {
			return failing(s.terms.Job, reason, step, tensor), true
		}
	}
	return Truth{}, false
}

// difference names what is wrong first of a step, in the order in which a replay looks.
func (s *steps) difference(step uint64, honest *trace.Step) (reason verify.Reason, tensor string) {
	t, claimed := s.terms, &s.all[step]
	switch l := &claimed.Leaf; {
	case t.Gradient().Root(t.Counters(step, s.serves), claimed.Gradients) != l.Gradient,
		t.State().Root(t.Counters(step+1, s.serves), claimed.Next) != l.Next:
		return verify.WrongDigests, ""
	case l.Batch != honest.Leaf.Batch:
		return verify.WrongBatch, ""
	case !slices.Equal(claimed.Gradients, honest.Gradients):
		return verify.WrongGradient, t.Gradient().FirstDifference(honest.Gradients, claimed.Gradients)
	case l.Loss != honest.Leaf.Loss:
		return verify.WrongLoss, ""
	case l.Clip != honest.Leaf.Clip:
		return verify.WrongClip, ""
	case !slices.Equal(claimed.Next, honest.Next):
		return verify.WrongUpdate, t.State().FirstDifference(honest.Next, claimed.Next)
	}
	return verify.Honest, ""
}
