package metamorphic

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/trace"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// Workshop is where claims are made.
type Workshop struct {
	Dir    string         // folder for the claims' files
	Runner program.Runner // trains and forges

	conclude conclusion // nil is Case.Conclude; a test plants a fault here
}

// conclusion concludes the results of replays.
type conclusion func(*verify.Case, []verify.Result) (*verify.Verdict, error)

// Claim is a claim whose truth is known.
type Claim struct {
	What  string // what was done, in words
	Truth Truth
	Pool  *verifytest.Pool

	conclude conclusion
	dir      string        // of its files
	bundle   string        // in dir
	archive  string        // the bundle once more, in a tar file
	work     trace.Summary // of the honest work; zero if nobody can do it
	forged   bool          // other work is claimed, somewhere
	now      time.Time     // at which it is judged
}

// Draw makes the claim of a number. The caller closes it.
func (w *Workshop) Draw(ctx context.Context, number uint64) (c *Claim, err error) {
	dir, err := os.MkdirTemp(w.Dir, "claim-")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(dir)
		}
	}()
	for again := uint64(0); ; again++ {
		r := rand.New(rand.NewPCG(number, again))
		c = &Claim{dir: filepath.Join(dir, fmt.Sprint(again)), conclude: (*verify.Case).Conclude}
		if w.conclude != nil {
			c.conclude = w.conclude
		}
		if err := os.Mkdir(c.dir, 0o755); err != nil {
			return nil, err
		}
		err := w.draw(ctx, r, c)
		if err == nil {
			return c, c.archived(r)
		}
		if !errors.Is(err, errDiverged) || again == 10 {
			return nil, fmt.Errorf("drawing claim %d: %w", number, err)
		}
	}
}

// errDiverged says that a program's numbers grow beyond all bounds, so that nobody can claim its training.
var errDiverged = errors.New("training diverged")

// Close removes the claim's files.
func (c *Claim) Close() error { return os.RemoveAll(filepath.Dir(c.dir)) }

// draw makes a pool, an honest trace and the claim.
func (w *Workshop) draw(ctx context.Context, r *rand.Rand, c *Claim) error {
	p := drawProgram(r)
	diverges := one(r, 30)
	if diverges { // in its first step
		p.Optimizer, p.Groups = program.Optimizer{Kind: program.SGD, WeightDecay: 1e30}, nil
		p.Schedule, p.ClipNorm = program.Schedule{Kind: program.Constant, Rate: 1e30}, 0
	}
	plan, err := program.Compile(p, kernels.ProfileF32)
	if err != nil {
		return err
	}
	data, err := drawData(r, plan)
	if err != nil {
		return err
	}
	device := engine.NewCPU("worker's", w.Runner, 1)
	slots := 1 + r.Uint32N(3)
	c.Pool, err = verifytest.NewPool(ctx, verifytest.Setting{
		Program: p, Data: data, Device: device, Slot: r.Uint32N(slots), Secret: merkle.Hash{byte(r.Uint32()), 1}, Order: merkle.Hash{byte(r.Uint32()), 2},
		Job: func(j *job.Job) {
			j.Init.Seed, j.Seed = r.Uint64(), r.Uint64()
			j.Steps, j.Stride = 2+r.Uint64N(12), 1+r.Uint64N(4)
			j.Slots, j.Sampled, j.Delay = slots, job.Exactly(1+r.Uint32N(4)), r.Uint32N(10)
			if one(r, 4) { // long enough for a path
				j.Steps, j.Stride, j.Sampled = 16+r.Uint64N(12), 1, job.Exactly(1)
			}
			if diverges {
				j.Steps = 1
			}
		},
	})
	if err != nil {
		return err
	}
	c.bundle = filepath.Join(c.dir, "bundle")
	j := c.Pool.Terms.Job
	c.What = fmt.Sprintf("%d nodes, %s, %s, %s; %d steps of %d rows in segments of %d, %d drawn",
		len(p.Graph.Nodes), p.Loss, p.Optimizer.Kind, p.Schedule.Kind, j.Steps, c.Pool.Terms.Rows(), j.Stride, j.Sampled.Least)
	if diverges {
		if err := w.diverge(ctx, c); err != nil {
			return err
		}
		return c.spoil(r)
	}
	honest := filepath.Join(c.dir, "honest")
	if c.work, err = c.Pool.Train(ctx, device, honest); err != nil {
		if strings.HasPrefix(err.Error(), errDiverged.Error()) {
			return errDiverged
		}
		return err
	}
	if one(r, 3) {
		err = w.answer(ctx, r, c, honest)
	} else {
		err = w.forge(ctx, r, c)
	}
	if err != nil {
		return err
	}
	return c.spoil(r)
}

// diverge claims a step that leads to a state which is not finite, as the worker computed it.
func (w *Workshop) diverge(ctx context.Context, c *Claim) error {
	c.What += "; the state is not finite"
	dir := filepath.Join(c.dir, "diverged")
	if _, err := c.Pool.Forge(ctx, w.Runner, verifytest.Cheat{}, dir); err != nil {
		return err
	}
	c.Truth = failing(c.Pool.Terms.Job, verify.NotFinite, 0, "")
	return c.Pool.Bundle(ctx, dir, c.bundle)
}

// answer claims honest work, and may answer falsely.
func (w *Workshop) answer(ctx context.Context, r *rand.Rand, c *Claim, honest string) error {
	if err := c.Pool.Bundle(ctx, honest, c.bundle); err != nil {
		return err
	}
	c.Truth = c.passes()
	switch r.IntN(6) {
	case 0, 1, 2:
		return c.lie(r)
	case 3:
		return c.claimAnother(r)
	}
	c.What += "; honest"
	return nil
}

// claimAnother claims another final state than the trace leads to.
func (c *Claim) claimAnother(r *rand.Rand) error {
	c.What += "; another final state is claimed"
	another := c.work
	another.Final[r.IntN(merkle.Size)] ^= 1
	if err := c.Pool.Claim(another); err != nil {
		return err
	}
	c.Truth = failing(c.Pool.Terms.Job, verify.WrongFinal, c.Pool.Terms.Job.Steps-1, "")
	c.Truth.Leaves = true
	for name, data := range map[string][]byte{verify.ClaimFile: c.Pool.Documents.Claim, verify.ReceiptFile: c.Pool.Documents.Receipt} {
		if err := os.WriteFile(filepath.Join(c.bundle, name), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
