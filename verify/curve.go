package verify

import (
	"context"
	"errors"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/gate"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
)

// CurveRun is a run of the operator's, before a job is signed, that claims of the job are compared with.
type CurveRun struct {
	Program       *program.Program
	Profile       kernels.Profile
	Data          *job.Dataset
	Start         Start  // of the job
	Dropout       uint64 // seed of dropout, as the job will have it
	Steps, Stride uint64
	Drawn         merkle.Hash // seed of the order of the data, and of what is measured
	StartOnly     bool        // measure step 0 alone
	Device        engine.Device
	// Progress, if set, is called after each step with the number of steps done.
	Progress func(done uint64)
}

// Measure trains from the job's start to the last point of the curve, and measures the first step of every segment that
// has one. It costs as much as the work of one claim, and one step for a start alone.
func (r CurveRun) Measure(ctx context.Context) (c *gate.Curve, err error) {
	spec, err := r.Start.spec(r.Program, r.Profile, r.Dropout)
	if err != nil {
		return nil, err
	}
	measure, err := gate.NewPlan(spec.Plan)
	if err != nil {
		return nil, err
	}
	spec.Reads = measure.Words()
	if err := r.Data.Fits(spec.Plan); err != nil {
		return nil, err
	}
	if r.Steps < 1 || r.Steps > job.MaxSteps || r.Stride < 1 || r.Stride > job.MaxStride {
		return nil, fault.New(fault.BadTerms, "", "steps", "%d in segments of %d: at most %d in segments of at most %d", r.Steps, r.Stride, job.MaxSteps, job.MaxStride)
	}
	e, err := r.Device.Start(ctx, spec)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.Close(context.WithoutCancel(ctx))) }()
	if err := r.Start.begin(ctx, e, spec); err != nil {
		return nil, err
	}
	digests, err := e.Digests(ctx)
	if err != nil {
		return nil, err
	}
	c = &gate.Curve{Version: gate.CurveVersion, Gate: gate.Version, Seed: r.Drawn, Terms: gate.Terms{
		Program: r.Program.Digest(), Profile: r.Profile, Data: r.Data.Root(),
		Start: spec.State.Root(r.Start.counters(), digests), Dropout: r.Dropout, Steps: r.Steps, Stride: r.Stride,
	}}
	if !r.StartOnly {
		c.Every = c.Terms.EveryOf(measure.Products())
	}
	if err := r.points(ctx, e, measure, spec.Plan.X().Shape[0], c); err != nil {
		return nil, err
	}
	return c, nil
}

// points runs the steps.
func (r CurveRun) points(ctx context.Context, e engine.Engine, measure *gate.Plan, rows int, c *gate.Curve) error {
	j := job.Job{Data: r.Data.Data()}
	order, ids := j.OrderFor(job.Assignment{Seed: r.Drawn}), make([]int64, rows)
	apart, last := c.Every*r.Stride, uint64(0)
	if r.StartOnly {
		apart = r.Steps
	} else {
		last = (r.Steps - 1) / apart * apart
	}
	for t := uint64(0); t <= last; t++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := order.Fill(t, ids); err != nil {
			return err
		}
		if err := r.Data.Fill(e.Rows(), ids); err != nil {
			return err
		}
		step, err := r.point(ctx, e, measure, t, t%apart == 0, c)
		if err != nil {
			return err
		}
		if !step.Finite && !r.StartOnly {
			return fault.New(fault.NotFinite, "", "", "training diverged: state after step %d is not finite", t)
		}
		if r.Progress != nil {
			r.Progress(t + 1)
		}
	}
	return nil
}

// point runs a step, and measures it if the curve has a point there.
func (r CurveRun) point(ctx context.Context, e engine.Engine, measure *gate.Plan, t uint64, measured bool, c *gate.Curve) (engine.Step, error) {
	if !measured {
		return e.Step(ctx, t)
	}
	sample := measure.Draw(r.Drawn, t)
	step, _, words, err := e.Watch(ctx, t, nil, sample.Reads)
	if err != nil {
		return step, err
	}
	counters, err := sample.Count(words)
	if err != nil {
		return step, err
	}
	c.Points = append(c.Points, counters.Point())
	return step, nil
}

// readCurve reads the curve that the job names.
func (t *Terms) readCurve(data []byte) error {
	if got := gate.Digest(data); got != t.Job.Curve {
		return fault.New(fault.WrongDigest, CurveFile, "", "digest %v, the job names %v", got, t.Job.Curve)
	}
	c, err := gate.ReadCurve(CurveFile, data)
	if err != nil {
		return err
	}
	if err := c.Fits(CurveTerms(t.Job), t.Gate.Products()); err != nil {
		return fault.In(CurveFile, err)
	}
	t.reference = c.Reference()
	return nil
}

// CurveTerms are what a curve for a job has in common with it.
func CurveTerms(j *job.Job) gate.Terms {
	return gate.Terms{
		Program: j.Program, Profile: j.Profile, Data: j.Data.Root, Start: j.Init.Root, Dropout: j.Seed, Steps: j.Steps, Stride: j.Stride,
	}
}

// Reference is what claims of the job are compared with.
func (t *Terms) Reference() *gate.Reference { return t.reference }
