package gatestudy

import (
	"context"
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
)

// Jumps is a study of claims that jump, through the whole protocol: made, claimed, received, challenged and answered.
type Jumps struct {
	Settings   []Setting
	Device     engine.Device
	Runner     program.Runner // forges
	Dir        string         // for traces and bundles
	Sampled    uint32         // k
	Seed       uint64         // draws starts, orders and challenges
	Challenges int            // of each claim
}

// caught counts challenges, and those that replay a false segment: among the drawn ones, among those that moved most
// besides, and on the walk.
type caught struct{ challenges, drawn, directed, walked int }

func (c *caught) add(o caught) {
	c.challenges += o.challenges
	c.drawn += o.drawn
	c.directed += o.directed
	c.walked += o.walked
}

func (c caught) row() string {
	share := func(n int) string { return fmt.Sprintf("%.1f %%", 100*float64(n)/float64(max(c.challenges, 1))) }
	return fmt.Sprintf("%d | %s | %s | %s", c.challenges, share(c.drawn), share(c.directed), share(c.walked))
}

// Once writes a table of claims that jump once, into each cheap state, when a part of the run is over.
func (j Jumps) Once(ctx context.Context, w io.Writer) error {
	fmt.Fprintf(w, "| state | at | challenges | drawn by chance | or moved most | or on the walk |\n|---|---|---|---|---|---|\n")
	var all caught
	for _, state := range verifytest.CheapStates() {
		for _, quarter := range []uint64{0, 2, 3} {
			var sum caught
			for i := range j.Settings {
				s := &j.Settings[i]
				at := max(s.Steps*quarter/4, 1)
				c, err := j.claim(ctx, s, verifytest.At(at), state, false)
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
	fmt.Fprintf(w, "| segments between, of 50 | challenges | drawn by chance | or moved most | or on the walk |\n|---|---|---|---|---|\n")
	for _, between := range []uint64{40, 30, 25, 20, 15, 10, 5, 2} {
		var sum caught
		for _, name := range stretches {
			for i := range j.Settings {
				s := &j.Settings[i]
				back := s.Steps - s.Stride - 1 // the step before the last segment
				c, err := j.claim(ctx, s, verifytest.Either(back-between*s.Stride, back), verifytest.Cheap(name), true)
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

// claim makes a claim that jumps at steps, and challenges it.
func (j Jumps) claim(ctx context.Context, s *Setting, at verifytest.Steps, to verifytest.CheapState, back bool) (c caught, err error) {
	dir, err := os.MkdirTemp(j.Dir, "claim")
	if err != nil {
		return c, err
	}
	defer os.RemoveAll(dir)
	pool, err := verifytest.NewPool(ctx, verifytest.Setting{
		Program: &s.Program, Data: s.Data, Device: j.Device, Whole: true, Order: seedOf(2 * j.Seed), Secret: seedOf(2*j.Seed + 1),
		Job: func(o *job.Job) {
			o.Init.Seed, o.Seed = j.Seed, j.Seed
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
	c.add(caught{1, among(opened.Challenge.Segments), among(first), among(p.Walk.Order)})
	return nil
}
