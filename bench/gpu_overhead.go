package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/verifyd/verifyd/kernels"
)

// measureOverhead times work of almost no size: what a launch and a round trip cost.
func (s *gpuSession) measureOverhead(ctx context.Context) (err error) {
	const many = 1000
	f, err := s.card.newField()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.close(ctx)) }()
	enqueue, _, err := f.operator(ctx, kernels.ReLU{N: 32})
	if err != nil {
		return err
	}
	one, err := s.card.capture(ctx, 1, enqueue)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, one.close()) }()
	graph, err := s.card.capture(ctx, many, enqueue)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, graph.close()) }()
	single := func() (Sample, error) {
		return timed(1, func() error {
			for range many {
				if err := enqueue(); err != nil {
					return err
				}
			}
			return s.card.stream.Wait(ctx)
		})
	}
	trip := func() (Sample, error) {
		return timed(many, func() error { _, err := one.run(ctx); return err })
	}
	rounds, warm := s.rounds(9)
	for _, c := range []struct {
		name, ask string
		run       func() (Sample, error)
		per       time.Duration // units in a sample
		foreseen  float64       // seconds
	}{
		{"launch of a graph of one kernel, to its end", "trip", trip, 1, 10e-6},
		{"one kernel of a graph of 1000", "", func() (Sample, error) { return graph.run(ctx) }, 1, 1.5e-6},
		{"one of 1000 kernels that are launched one by one", "launch", single, many, 3e-6},
	} {
		contenders := []Contender{{Name: "verifyd", Run: func() (Sample, error) {
			sample, err := c.run()
			sample.Wall /= c.per
			return sample, err
		}}}
		if s.torch != nil && c.ask != "" {
			contenders = append(contenders, Contender{Name: s.torch.Version, Run: func() (Sample, error) {
				return s.torch.TimeDevice(fmt.Sprintf("%s %d", c.ask, many))
			}})
		}
		samples, err := Alternate(rounds, warm, 0, contenders...)
		if err != nil {
			return err
		}
		row := s.versus("overhead", c.name, samples[0], samples[1:])
		row.Note = fmt.Sprintf("foreseen %.1f us", 1e6*c.foreseen)
		s.add(row)
	}
	return nil
}
