package gatestudy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/trace"
	"github.com/verifyd/verifyd/verify/verifytest"
	"github.com/verifyd/verifyd/verify/walk"
)

// Jumps is a study of claims that jump, through the whole protocol: made, claimed, received, challenged and answered.
type Jumps struct {
	Settings   []Setting
	Device     engine.Device
	Runner     program.Runner // forges
	Dir        string         // for traces and bundles
	Sampled    uint32         // k
	Seeds      uint64         // of starts, orders and challenges: 1 and so on, a claim for each
	Challenges int            // of each claim
}

// caught counts challenges, and those that replay a false segment: among the drawn ones, among those that moved most
// besides, on a walk that begins with the drawn ones alone, and on the walk.
type caught struct{ challenges, drawn, directed, alone, walked int }

func (c *caught) add(o caught) {
	c.challenges += o.challenges
	c.drawn += o.drawn
	c.directed += o.directed
	c.alone += o.alone
	c.walked += o.walked
}

func (c caught) row() string {
	share := func(n int) string { return fmt.Sprintf("%.1f %%", 100*float64(n)/float64(max(c.challenges, 1))) }
	return fmt.Sprintf("%d | %s | %s | %s | %s", c.challenges, share(c.drawn), share(c.directed), share(c.alone), share(c.walked))
}

// Once writes a table of claims that jump once, into each cheap state, when a part of the run is over.
func (j Jumps) Once(ctx context.Context, w io.Writer) error {
	fmt.Fprintf(w, "| state | at | challenges | drawn by chance | or moved most | or on a walk from what was drawn | on the walk |\n|---|---|---|---|---|---|---|\n")
	var all caught
	for _, state := range verifytest.CheapStates() {
		for _, quarter := range []uint64{0, 2, 3} {
			var sum caught
			for i := range j.Settings {
				s := &j.Settings[i]
				at := max(s.Steps*quarter/4, 1)
				c, err := j.claims(ctx, s, verifytest.At(at), state, false)
				if err != nil {
					return fmt.Errorf("%s, %s at step %d: %w", s.Name, state.Name, at, err)
				}
				sum.add(c)
			}
			if sum.challenges > 0 {
				fmt.Fprintf(w, "| %s | %d/4 | %s |\n", state.Name, quarter, sum.row())
				all.add(sum)
			}
		}
	}
	_, err := fmt.Fprintf(w, "| all | | %s |\n", all.row())
	return err
}

// stretches are the states that two jumps are tried with: those that are cheap for long.
var stretches = []string{
	"all zeros", "all units equal", "units equal in pairs", "dead units", "half of the units dead", "certain of its answers", "blocks dead",
}

// Twice writes a table of claims that jump there and, before the last segment, back, by the length of what is between.
func (j Jumps) Twice(ctx context.Context, w io.Writer) error {
	fmt.Fprintf(w, "| segments between, of 50 | challenges | drawn by chance | or moved most | or on a walk from what was drawn | on the walk |\n|---|---|---|---|---|---|\n")
	for _, between := range []uint64{40, 30, 25, 20, 15, 10, 5, 2} {
		var sum caught
		for _, name := range stretches {
			for i := range j.Settings {
				s := &j.Settings[i]
				back := s.Steps - s.Stride - 1 // the step before the last segment
				c, err := j.claims(ctx, s, verifytest.Either(back-between*s.Stride, back), verifytest.Cheap(name), true)
				if err != nil {
					return fmt.Errorf("%s, %s, %d between: %w", s.Name, name, between, err)
				}
				sum.add(c)
			}
		}
		fmt.Fprintf(w, "| %d | %s |\n", between, sum.row())
	}
	return nil
}

// claims makes a claim for each seed that jumps at steps, and challenges it.
func (j Jumps) claims(ctx context.Context, s *Setting, at verifytest.Steps, to verifytest.CheapState, back bool) (all caught, err error) {
	for seed := range j.Seeds {
		c, err := j.claim(ctx, s, seed+1, at, to, back)
		if err != nil {
			return all, err
		}
		all.add(c)
	}
	return all, nil
}

func (j Jumps) claim(ctx context.Context, s *Setting, seed uint64, at verifytest.Steps, to verifytest.CheapState, back bool) (c caught, err error) {
	dir, err := os.MkdirTemp(j.Dir, "claim")
	if err != nil {
		return c, err
	}
	defer os.RemoveAll(dir)
	pool, err := verifytest.NewPool(ctx, verifytest.Setting{
		Program: &s.Program, Data: s.Data, Device: j.Device, Whole: true, Order: seedOf(2 * seed), Secret: seedOf(2*seed + 1),
		Job: func(o *job.Job) {
			o.Init.Seed, o.Seed = seed, seed
			o.Steps, o.Stride, o.Slots, o.Sampled = s.Steps, s.Stride, 1, job.Exactly(j.Sampled)
		},
	})
	if err != nil {
		return c, err
	}
	has, forge := false, to.Forge
	to.Forge = func(s *verifytest.State) bool {
		has = forge(s)
		return has
	}
	cheat := verifytest.JumpTo(pool.Terms.Plan, at, to)
	if back {
		cheat = verifytest.ThereAndBack(pool.Terms.Plan, at, to)
	}
	var lies []uint64 // segments
	move := cheat.State
	cheat.State = func(t uint64, m *program.Machine) {
		if move(t, m); at(t) {
			lies = append(lies, t/s.Stride)
		}
	}
	jumped := filepath.Join(dir, "trace")
	if _, err := pool.Forge(ctx, j.Runner, cheat, jumped); err != nil {
		return c, err
	}
	if finite, err := pool.Finite(jumped); err != nil || !finite || !has {
		return c, err // the program has no such state, or such a claim fails by its leaves
	}
	for n := range j.Challenges {
		if err := j.challenge(ctx, pool.Again(int64(n)), jumped, filepath.Join(dir, fmt.Sprint(n)), lies, &c); err != nil {
			return c, err
		}
	}
	return c, nil
}

// challenge answers one challenge to a claim, and counts what of it is false.
func (j Jumps) challenge(ctx context.Context, p *verifytest.Pool, jumped, dir string, lies []uint64, c *caught) error {
	t, err := trace.Read(jumped, p.Terms.Trace())
	if err != nil {
		return err
	}
	defer t.Close()
	if err := p.Claim(t.Summary()); err != nil {
		return err
	}
	if err := p.Answer(ctx, t, dir); err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	key, err := verifytest.KeyOf(p.Operator)
	if err != nil {
		return err
	}
	bundle, err := verify.OpenFolder(dir)
	if err != nil {
		return err
	}
	defer bundle.Close()
	opened, err := verify.OpenCase(ctx, bundle, key)
	if err != nil {
		return err
	}
	first, _, err := opened.Left(nil)
	if err != nil {
		return err
	}
	among := func(segments []uint64) int {
		if slices.ContainsFunc(segments, func(s uint64) bool { return slices.Contains(lies, s) }) {
			return 1
		}
		return 0
	}
	alone, err := j.alone(ctx, p, t, opened.Challenge, lies)
	if err != nil {
		return err
	}
	c.add(caught{1, among(opened.Challenge.Segments), among(first), among(alone), among(p.Walk.Order)})
	return nil
}

// alone is the walk to which no segment moved more than another.
func (j Jumps) alone(ctx context.Context, p *verifytest.Pool, t *trace.Reader, ch *verify.Challenge, lies []uint64) (walked []uint64, err error) {
	assignment, _, err := p.Terms.ReadAssignment(p.Documents.Assignment)
	if err != nil {
		return nil, err
	}
	r, err := j.on(ctx, p, assignment)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.close(ctx)) }()
	standing := func(segment uint64) (walk.Standing, error) {
		if slices.Contains(lies, segment) {
			return walk.End, nil
		}
		err := r.engine.Load(ctx, func(tensors [][]float32) error {
			_, err := t.Snapshot(segment, tensors)
			return err
		})
		if err != nil {
			return walk.Unknown, err
		}
		first, _ := p.Terms.Job.Segment(segment)
		c, err := r.measure(ctx, first, ch.Seed)
		if err != nil {
			return walk.Unknown, err
		}
		if len(p.Terms.Reference().Outside(c)) > 0 {
			return walk.Outside, nil
		}
		return walk.Inside, nil
	}
	w, err := walk.New(ch.Seed, p.Terms.Job.Segments(), uint64(j.Sampled), ch.Segments, nil)
	if err != nil {
		return nil, err
	}
	trail, err := w.Follow(standing)
	return trail.Order, err
}

// on is a run on the data of a pool, in the order of an assignment.
func (j Jumps) on(ctx context.Context, p *verifytest.Pool, a job.Assignment) (*run, error) {
	program, err := program.Parse(p.Documents.Program)
	if err != nil {
		return nil, err
	}
	spec, err := engine.NewSpec(program, p.Terms.Job.Profile, p.Terms.Job.Seed)
	if err != nil {
		return nil, err
	}
	spec.Reads = p.Terms.Gate.Words()
	e, err := j.Device.Start(ctx, spec)
	if err != nil {
		return nil, err
	}
	return &run{
		setting: &Setting{Data: p.Data}, spec: spec, plan: p.Terms.Gate, engine: e,
		order: p.Terms.Job.OrderFor(a), ids: make([]int64, spec.Plan.X().Shape[0]),
	}, nil
}
