package bench

import (
	"context"
	"fmt"

	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
)

// oneStep makes a job one of a single segment of one step. A segment has one imprint whatever its length, so that of a
// longer one it is a smaller share: what holds here holds at stride 10, whose replays take a GPT minutes.
func oneStep(j *job.Job) { j.Steps, j.Stride, j.Slots, j.Sampled = 1, 1, 1, job.Exactly(1) }

// imprintLimit is what a replay with an imprint may cost, of one without: asked for at stride 10, and held to at 1.
const imprintLimit = 1.03

// measureImprint compares a replayed segment that leaves an imprint with one that leaves none, both with all that
// opening, decompressing and hashing cost.
func (s *session) measureImprint(ctx context.Context) error {
	rounds, warm := s.rounds(21)
	for _, m := range models(s.options.Quick) {
		if err := s.imprintOf(ctx, m, rounds, warm); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	return nil
}

func (s *session) imprintOf(ctx context.Context, m model, rounds, warm int) error {
	b, err := makeBundle(ctx, m, s.cpus[0], s.dir, "imprint", oneStep)
	if err != nil {
		return err
	}
	source, err := verify.OpenBundle(b.dir)
	if err != nil {
		return err
	}
	defer source.Close()
	operator, err := document.NewKey(b.signer.Public())
	if err != nil {
		return err
	}
	c, err := verify.OpenCase(ctx, source, operator)
	if err != nil {
		return err
	}
	device := engine.NewCPU("cpu", s.cpus[0], 1)
	replay := func(verifier merkle.Hash) func() (Sample, error) {
		return func() (Sample, error) {
			return timed(1, func() error {
				_, err := c.Replay(ctx, 0, device, verifier)
				return err
			})
		}
	}
	samples, err := Alternate(rounds, warm, 0,
		Contender{Name: "with an imprint", Run: replay(operator.ID())}, Contender{Name: "without", Run: replay(merkle.Hash{})})
	if err != nil {
		return err
	}
	s.add(s.surcharge("imprint", "replayed segment of one step with its imprint, "+m.title, samples[0], samples[1], imprintLimit))
	return nil
}
