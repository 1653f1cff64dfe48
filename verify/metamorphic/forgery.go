package metamorphic

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"

	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// forgery is a cheat in some segments. Its cheats keep no memory of one another.
type forgery struct {
	name     string
	segments []uint64
	cheat    func(only func(segment uint64) bool) verifytest.Cheat
}

// drawForgery draws a cheat of any kind, in one segment, in some, or in all.
func drawForgery(r *rand.Rand, p *verifytest.Pool) forgery {
	j := p.Terms.Job
	var f forgery
	switch n := j.Segments(); r.IntN(3) {
	case 0:
		f.segments = []uint64{r.Uint64N(n)}
	case 1:
		f.segments = []uint64{n - 1} // which is always replayed
	default:
		for segment := range n {
			if one(r, 2) {
				f.segments = append(f.segments, segment)
			}
		}
	}
	jumps := one(r, 3)
	if !jumps && one(r, 3) {
		kind := r.IntN(len(verifytest.Shortcuts()))
		f.name = verifytest.Shortcuts()[kind].Name
		f.cheat = func(only func(uint64) bool) verifytest.Cheat {
			return verifytest.Cheat{Work: verifytest.Shortcuts()[kind].Work, Segments: only}
		}
		return f
	}
	where := make(map[uint64]uint64) // step of each segment
	for _, segment := range f.segments {
		first, count := j.Segment(segment)
		where[segment] = first + r.Uint64N(count)
	}
	kind := pick(r, cheats(r, p)...)
	if jumps {
		kind = pick(r, jump(r, p)...)
	}
	f.name = kind.name
	f.cheat = func(only func(uint64) bool) verifytest.Cheat {
		return kind.of(func(t uint64) bool {
			segment := t / j.Stride
			step, forged := where[segment]
			return forged && step == t && only(segment)
		})
	}
	return f
}

// kind is a cheat in single steps.
type kind struct {
	name string
	of   func(at verifytest.Steps) verifytest.Cheat
}

// cheats are those of single steps, each at a place that is drawn.
func cheats(r *rand.Rand, p *verifytest.Pool) []kind {
	tensor, parameter := r.IntN(len(p.Terms.Plan.Tensors())), r.IntN(len(p.Terms.Plan.Params()))
	element, rows, samples := r.IntN(100), p.Terms.Rows(), p.Data.Samples()
	a, b := r.IntN(rows), r.IntN(rows)
	return []kind{
		{fmt.Sprintf("a bit of tensor %d flipped", tensor), func(at verifytest.Steps) verifytest.Cheat {
			return verifytest.FlipBit(at, tensor, element)
		}},
		{"update left out", verifytest.SkipUpdate},
		{fmt.Sprintf("rows %d and %d swapped", a, b), func(at verifytest.Steps) verifytest.Cheat {
			return verifytest.SwapSamples(at, a, b)
		}},
		{fmt.Sprintf("another sample in row %d", a), func(at verifytest.Steps) verifytest.Cheat {
			return verifytest.OtherSample(at, a, samples)
		}},
		{fmt.Sprintf("gradient %d altered", parameter), func(at verifytest.Steps) verifytest.Cheat {
			return verifytest.OtherGradient(at, parameter)
		}},
		{"loss altered", verifytest.OtherLoss},
		{"clip coefficient altered", verifytest.OtherClip},
		{fmt.Sprintf("digest of tensor %d altered", tensor), func(at verifytest.Steps) verifytest.Cheat {
			return verifytest.OtherDigest(at, tensor)
		}},
		{"chain broken", verifytest.BreakChain},
		{"another initial state", func(verifytest.Steps) verifytest.Cheat { return verifytest.FlipInit(tensor, element) }},
	}
}

// jump is a step into a state from which training is cheap, or into one and back.
func jump(r *rand.Rand, p *verifytest.Pool) []kind {
	to, plan := pick(r, verifytest.CheapStates()...), p.Terms.Plan
	return []kind{
		{"a jump to " + to.Name, func(at verifytest.Steps) verifytest.Cheat { return verifytest.JumpTo(plan, at, to) }},
		{"a jump to " + to.Name + " and back", func(at verifytest.Steps) verifytest.Cheat { return verifytest.ThereAndBack(plan, at, to) }},
	}
}

// forge claims forged work, and derives what must be found of it.
func (w *Workshop) forge(ctx context.Context, r *rand.Rand, c *Claim) error {
	f := drawForgery(r, c.Pool)
	c.forged = true
	c.What += fmt.Sprintf("; forged in segments %d: %s", f.segments, f.name)
	forged := filepath.Join(c.dir, "forged")
	if err := w.trace(ctx, c, f, c.Pool.Terms.Job.Segments(), forged); err != nil {
		return err
	}
	if finite, err := c.Pool.Finite(forged); err != nil || !finite {
		return errors.Join(err, errDiverged) // nobody would claim it
	}
	if err := c.Pool.Bundle(ctx, forged, c.bundle); err != nil {
		return err
	}
	claimed, err := readSteps(c.Pool, forged)
	if err != nil {
		return err
	}
	var broken bool
	if c.Truth, broken = claimed.breach(); broken {
		return nil
	}
	for _, segment := range c.Pool.Walk.Order {
		if !slices.Contains(f.segments, segment) {
			continue
		}
		// The same work up to this segment, and an honest one from there on.
		dir := filepath.Join(c.dir, fmt.Sprintf("honest-from-%d", segment))
		if err := w.trace(ctx, c, f, segment, dir); err != nil {
			return err
		}
		honest, err := readSteps(c.Pool, dir)
		if err != nil {
			return err
		}
		var departs bool
		if c.Truth, departs = claimed.departs(segment, honest); departs {
			return nil
		}
	}
	c.Truth = c.passes()
	return nil
}

// trace leaves the trace of a forgery in its segments below a limit.
func (w *Workshop) trace(ctx context.Context, c *Claim, f forgery, below uint64, dir string) error {
	_, err := c.Pool.Forge(ctx, w.Runner, f.cheat(func(segment uint64) bool {
		return segment < below && slices.Contains(f.segments, segment)
	}), dir)
	return err
}

// lie answers falsely for honest work: the worker signs what he sends.
func (c *Claim) lie(r *rand.Rand) error {
	opening, err := c.Pool.Opening(c.bundle)
	if err != nil {
		return err
	}
	if one(r, 5) {
		return c.misslice(r)
	}
	at := r.IntN(len(opening.Segments))
	segment := opening.Segments[at].Segment
	if one(r, 6) {
		c.What += fmt.Sprintf("; segment %d is rubbish", segment)
		first, _ := c.Pool.Terms.Job.Segment(segment)
		c.Truth = failing(c.Pool.Terms.Job, verify.Malformed, first, "")
		return c.Pool.Replace(c.bundle, at, []byte("signed rubbish"))
	}
	first, count := c.Pool.Terms.Job.Segment(segment)
	k := r.Uint64N(count)
	about := pick(r, []struct {
		tensor string
		reason verify.Reason
	}{
		{"ids", verify.WrongSample}, {pick(r, c.Pool.Data.Layout().Stored()...).Name, verify.WrongSample},
		{"proofs", verify.WrongSample},
		{"gradients", verify.WrongDigests}, {"next", verify.WrongDigests}, {"", verify.WrongState},
	}...)
	name := fmt.Sprintf("step/%04d/%s", k, about.tensor)
	if about.tensor == "" {
		name, k = "state/"+c.Pool.Terms.Plan.Tensors()[0].Name, 0
	}
	c.What += fmt.Sprintf("; %s of segment %d is opened falsely", name, segment)
	c.Truth = failing(c.Pool.Terms.Job, about.reason, first+k, "")
	var missing error
	err = c.Pool.Reopen(c.bundle, at, func(plain []byte) []byte {
		offsets, err := verifytest.Offsets(plain)
		offset, ok := offsets[name]
		if err != nil || !ok {
			missing = fmt.Errorf("no tensor %q in segment %d: %w", name, segment, err)
			return plain
		}
		plain[offset] ^= 1
		return plain
	})
	if missing != nil {
		return missing
	}
	return err
}
