package verify

import (
	"context"
	"errors"

	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/safetensors"
	"github.com/verifyd/verifyd/verify/walk"
)

// Order returns the segments of the walk in its order if all of them are true: what a worker opens. It runs the first step of
// each on a device, from what was opened, and compares nothing: whoever knows where a claim is false knows from it what must
// be found. A walk that needs a segment which is not opened ends there.
func (c *Case) Order(ctx context.Context, d engine.Device) (order []uint64, err error) {
	if err := c.answered(); err != nil {
		return nil, err
	}
	if err := c.readBase(ctx); err != nil {
		return nil, err
	}
	r, err := NewReplayer(ctx, c.Terms, c.Assignment, d)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close(ctx)) }()
	trail, err := c.walk.Follow(func(segment uint64) (walk.Standing, error) { return c.measure(ctx, r, segment) })
	return trail.Order, err
}

// measure runs the first step of an opened segment.
func (c *Case) measure(ctx context.Context, r *Replayer, segment uint64) (walk.Standing, error) {
	at, opened := c.opening.find(segment)
	if !opened {
		return walk.End, nil
	}
	file, err := c.openSegment(ctx, c.opening.Segments[at])
	if err != nil {
		return walk.Unknown, err
	}
	defer file.close()
	infos := c.Terms.segmentInfos(segment)
	limit, err := segmentBytes(infos)
	if err != nil {
		return walk.Unknown, err
	}
	in, err := safetensors.NewReader(file, segmentFile(segment), limit)
	if err != nil {
		return walk.Unknown, err
	}
	if err := in.Expect(infos); err != nil {
		return walk.Unknown, err
	}
	if err := r.load(ctx, in); err != nil {
		return walk.Unknown, err
	}
	if err := r.batch.read(in); err != nil {
		return walk.Unknown, err
	}
	if err := r.takeSamples(); err != nil {
		return walk.Unknown, err
	}
	first, _ := c.Terms.Job.Segment(segment)
	return r.stands(ctx, c.gauge, first)
}

// load reads a state into the engine.
func (r *Replayer) load(ctx context.Context, in *safetensors.Reader) error {
	return r.engine.Load(ctx, func(tensors [][]float32) error {
		for _, x := range tensors {
			if err := in.F32(x); err != nil {
				return err
			}
		}
		return nil
	})
}

// stands measures step t on the batch in the engine's buffers.
func (s *stepper) stands(ctx context.Context, g *gauge, t uint64) (walk.Standing, error) {
	m, err := s.gauged(ctx, g, t)
	switch {
	case err != nil:
		return walk.Unknown, err
	case len(m.Outside) > 0:
		return walk.Outside, nil
	}
	return walk.Inside, nil
}
