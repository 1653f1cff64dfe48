package gatestudy

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/gate"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
)

// run is a training of a setting that can be measured and changed.
type run struct {
	setting *Setting
	spec    *engine.Spec
	plan    *gate.Plan
	engine  engine.Engine
	order   *job.Order
	ids     []int64
}

// begin starts a run whose order is drawn by a number.
func begin(ctx context.Context, d engine.Device, s *Setting, init uint64, order uint64) (*run, error) {
	spec, err := engine.NewSpec(&s.Program, kernels.ProfileF32, init)
	if err != nil {
		return nil, err
	}
	r := &run{setting: s, spec: spec, ids: make([]int64, spec.Plan.X().Shape[0])}
	if r.plan, err = gate.NewPlan(spec.Plan); err != nil {
		return nil, err
	}
	spec.Reads = max(r.plan.Words(), operands(spec.Plan))
	j := job.Job{Data: s.Data.Data()}
	r.order = j.OrderFor(job.Assignment{Seed: seedOf(order)})
	if r.engine, err = d.Start(ctx, spec); err != nil {
		return nil, err
	}
	return r, r.engine.Init(ctx, init)
}

func (r *run) close(ctx context.Context) error { return r.engine.Close(ctx) }

// seedOf is a seed of a number.
func seedOf(n uint64) (seed merkle.Hash) {
	binary.LittleEndian.PutUint64(seed[:], n+1)
	return seed
}

func (r *run) fill(t uint64) error {
	if err := r.order.Fill(t, r.ids); err != nil {
		return err
	}
	return r.setting.Data.Fill(r.engine.Rows(), r.ids)
}

// step runs a step.
func (r *run) step(ctx context.Context, t uint64) error {
	if err := r.fill(t); err != nil {
		return err
	}
	_, err := r.engine.Step(ctx, t)
	return err
}

// measure runs a step and counts it.
func (r *run) measure(ctx context.Context, t uint64, seed merkle.Hash) (*gate.Counters, error) {
	if err := r.fill(t); err != nil {
		return nil, err
	}
	s := r.plan.Draw(seed, t)
	_, _, words, err := r.engine.Watch(ctx, t, nil, s.Reads)
	if err != nil {
		return nil, err
	}
	return s.Count(words)
}

// save is a copy of the state.
func (r *run) save(ctx context.Context) (tensors [][]float32, err error) {
	err = r.engine.Save(ctx, func(live [][]float32) error {
		for _, x := range live {
			tensors = append(tensors, append([]float32(nil), x...))
		}
		return nil
	})
	return tensors, err
}

// load sets the state.
func (r *run) load(ctx context.Context, tensors [][]float32) error {
	return r.engine.Load(ctx, func(live [][]float32) error {
		for i, x := range live {
			copy(x, tensors[i])
		}
		return nil
	})
}

// segments measures the first step of each segment, with a seed of its own, and trains to the end.
func (r *run) segments(ctx context.Context, seed uint64, each func(t uint64, c *gate.Counters) error) error {
	for t := range r.setting.Steps {
		if t%r.setting.Stride != 0 {
			if err := r.step(ctx, t); err != nil {
				return err
			}
			continue
		}
		c, err := r.measure(ctx, t, seedOf(seed))
		if err != nil {
			return err
		}
		if err := each(t, c); err != nil {
			return err
		}
	}
	return nil
}

// curve is the reference that an operator would make, and the measure of the start.
func curve(ctx context.Context, d engine.Device, s *Setting, init uint64) (ref, start *gate.Reference, err error) {
	r, err := begin(ctx, d, s, init, 1<<32)
	if err != nil {
		return nil, nil, err
	}
	defer r.close(ctx)
	c := gate.Curve{Every: 1, Terms: gate.Terms{Steps: s.Steps, Stride: s.Stride}}
	err = r.segments(ctx, 1<<32, func(_ uint64, counters *gate.Counters) error {
		c.Points = append(c.Points, counters.Point())
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	return c.Reference(), gate.FromStart(c.Points[0]), nil
}

// beside begins a run of a setting beside what an operator would compare it with, the curve and the start alone.
func beside(ctx context.Context, d engine.Device, s *Setting, init, order uint64, do func(r *run, ref, start *gate.Reference) error) error {
	ref, start, err := curve(ctx, d, s, init)
	if err != nil {
		return err
	}
	r, err := begin(ctx, d, s, init, order)
	if err != nil {
		return err
	}
	return errors.Join(do(r, ref, start), r.close(ctx))
}

// each does something with each setting, whose name its errors bear.
func each(settings []Setting, do func(s *Setting) error) error {
	for i := range settings {
		if err := do(&settings[i]); err != nil {
			return fmt.Errorf("%s: %w", settings[i].Name, err)
		}
	}
	return nil
}
