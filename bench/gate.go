package bench

import (
	"context"
	"fmt"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/gate"
)

// gateLimit is what a replay may cost at stride 10 whose first step is measured, of one without.
const gateLimit = 1.05

// segmentSteps are those of a segment at that stride, the first of which is measured.
const segmentSteps = 10

// measureGate compares the steps of a segment, as a replay runs and hashes them, with and without the measure of the first
// one: drawing, reading and counting. A step of each is timed, and nine more reckoned like the one without: segments whose
// ten steps were all run took a GPT minutes, and what is compared lies in the first.
func (s *session) measureGate(ctx context.Context) error {
	rounds, warm := s.rounds(21)
	for _, m := range models(s.options.Quick) {
		if err := s.gateOf(ctx, m, rounds, warm); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	return nil
}

func (s *session) gateOf(ctx context.Context, m model, rounds, warm int) error {
	spec, err := engine.NewSpec(&m.program, kernels.ProfileF32, 1)
	if err != nil {
		return err
	}
	measure, err := gate.NewPlan(spec.Plan)
	if err != nil {
		return err
	}
	spec.Reads = measure.Words()
	e, err := engine.NewCPU("cpu", s.cpus[0], 1).Start(ctx, spec)
	if err != nil {
		return err
	}
	defer e.Close(ctx)
	if err := e.Init(ctx, 1); err != nil {
		return err
	}
	m.fill(e.X(), e.Y())
	at := uint64(0)
	step := func(measured bool) func() (Sample, error) {
		return func() (Sample, error) {
			return timed(1, func() error {
				at++
				return stepOf(ctx, e, measure, at-1, measured)
			})
		}
	}
	samples, err := Alternate(rounds, warm, 0,
		Contender{Name: "measured", Run: step(true)}, Contender{Name: "without", Run: step(false)})
	if err != nil {
		return err
	}
	with, without := make([]Sample, rounds), make([]Sample, rounds)
	for i, plain := range samples[1] {
		with[i], without[i] = samples[0][i].and(segmentSteps-1, plain), plain.and(segmentSteps-1, plain)
	}
	s.add(s.surcharge("gate", "segment of 10 steps whose first one is measured, reckoned from a step of each, "+m.title, with, without, gateLimit))
	return nil
}

// stepOf is a step of a segment, measured or not.
func stepOf(ctx context.Context, e engine.Engine, measure *gate.Plan, t uint64, measured bool) error {
	if !measured {
		_, err := e.Step(ctx, t)
		return err
	}
	sample := measure.Draw([32]byte{1}, t)
	_, _, words, err := e.Watch(ctx, t, nil, sample.Reads)
	if err != nil {
		return err
	}
	_, err = sample.Count(words)
	return err
}
