package verify

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/verifyd/verifyd/verify/engine"
)

// replay runs the challenged segments on the first device that serves, and confirms the first mismatch on
// the next. Segments that a device has replayed before it fails are not repeated: no fault of a device
// makes digests that agree with the claim's.
func (q *inquiry) replay(ctx context.Context, o Options) error {
	left := q.opening.Segments
	var total uint64
	for _, s := range left {
		_, count := q.terms.Job.Segment(s.Segment)
		total += count
	}
	progress := func() {
		if q.finding.Replayed++; o.Progress != nil {
			o.Progress(q.finding.Replayed, total)
		}
	}
	var used []string
	var failures []error
	for i, d := range o.Devices {
		done, m, err := q.replayOn(ctx, o, d, left, progress)
		if done > 0 || err == nil {
			used = append(used, d.Name())
			q.device = strings.Join(used, ", then ")
		}
		left = left[done:]
		switch {
		case err == nil && m == nil:
			return nil
		case err == nil:
			return q.confirm(ctx, o, o.Devices[i+1:], left[0], m)
		case !o.blames(ctx, d, err):
			return err
		}
		failures = append(failures, fmt.Errorf("%s: %w", d.Name(), err))
	}
	return fmt.Errorf("no device is left to replay on: %w", errors.Join(failures...))
}

// blames says whether an error is the device's, and reports it.
func (o *Options) blames(ctx context.Context, d engine.Device, err error) bool {
	if ctx.Err() != nil || !errors.Is(err, engine.ErrDevice) {
		return false
	}
	if o.Failed != nil {
		o.Failed(d, err)
	}
	return true
}

// replayOn runs segments on one device until one has a mismatch. It returns how many agreed before.
func (q *inquiry) replayOn(ctx context.Context, o Options, d engine.Device, segments []OpenedSegment, progress func()) (done int, m *Mismatch, err error) {
	r, err := NewReplayer(ctx, q.terms, q.claim, d)
	if err != nil {
		return 0, nil, err
	}
	defer func() {
		if closing := r.Close(ctx); err == nil && closing != nil {
			o.blames(ctx, d, closing) // what it has computed stands
		}
	}()
	r.Progress = progress
	ahead := q.readAhead(ctx, segments, o.ReadAhead)
	defer ahead.close()
	for _, s := range segments {
		before := q.finding.Replayed
		if m, err = q.replaySegment(ctx, r, s, ahead); err != nil {
			q.finding.Replayed = before
			return done, nil, err
		}
		if m != nil {
			return done, m, nil
		}
		done++
		// What parsing a segment left behind is small, but the collector waits until it rivals the
		// plan's buffers.
		runtime.GC()
	}
	return done, nil, nil
}

// confirm replays a segment with a mismatch on another device. It is a FAIL only if both find the same
// mismatch and compute the same step.
func (q *inquiry) confirm(ctx context.Context, o Options, devices []engine.Device, s OpenedSegment, first *Mismatch) error {
	failures := []error{errors.New("no device is left to confirm a mismatch on")}
	for _, d := range devices {
		runtime.GC() // the last replay's buffers go before this one's come
		_, second, err := q.replayOn(ctx, o, d, []OpenedSegment{s}, nil)
		if err == nil {
			q.confirmed = d.Name()
			q.fail(first)
			if second == nil || *second != *first {
				q.finding.Outcome, q.finding.Reason = Inconclusive, Disagreement
			}
			return nil
		}
		if !o.blames(ctx, d, err) {
			return err
		}
		failures = append(failures, fmt.Errorf("%s: %w", d.Name(), err))
	}
	return errors.Join(failures...)
}

func (q *inquiry) replaySegment(ctx context.Context, r *Replayer, s OpenedSegment, ahead *readAhead) (*Mismatch, error) {
	leaves, err := q.segmentLeaves(s.Segment)
	if err != nil {
		return nil, err
	}
	opened, err := ahead.next()
	if err != nil {
		return nil, err
	}
	return r.Replay(ctx, Segment{Index: s.Segment, Leaves: leaves, Opened: opened, File: segmentFile(s.Segment)})
}
