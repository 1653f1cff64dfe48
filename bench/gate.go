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

// measureGate compares the ten steps of a segment, as a replay runs and hashes them, with and without the measure of the
// first one: drawing, reading and counting.
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
	segment := func(measured bool) func() (Sample, error) {
		return func() (Sample, error) {
			return timed(1, func() error {
				for i := range 10 {
					err := stepOf(ctx, e, measure, at, measured && i == 0)
					if err != nil {
						return err
					}
					at++
				}
				return nil
			})
		}
	}
	samples, err := Alternate(rounds, warm, 0,
		Contender{Name: "measured", Run: segment(true)}, Contender{Name: "without", Run: segment(false)})
	if err != nil {
		return err
	}
	s.add(s.surcharge("gate", "segment of 10 steps whose first one is measured, "+m.title, samples[0], samples[1], gateLimit))
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
