package verify

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
)

// Options are a verifier's.
type Options struct {
	// Devices replay, in order of preference: the first that serves. If it fails with engine.ErrDevice, the
	// next one goes on. What one finds, one of another code path among those after it confirms before it
	// becomes a FAIL. So at least two are needed.
	Devices []engine.Device
	// Results are those of segments that have been replayed before, here or elsewhere, and are not
	// replayed again.
	Results []Result
	// Verifier is the key id of whoever will sign the verdict: it holds imprints of the replayed segments, which
	// nobody else's key fits. Without one it holds none, and cannot be signed.
	Verifier merkle.Hash
	// MaxMemory refuses, before anything is allocated for it, a program whose Terms.MemoryBytes are more:
	// the operator's signature vouches for a program, but not for this machine. 0 means DefaultMaxMemory.
	MaxMemory uint64
	// ReadAhead bounds the bytes of openings that are read and decompressed before they are needed, while
	// a device is busy; 0 means DefaultReadAhead.
	ReadAhead int
	// Now is the time at which a missing opening is judged: once the job's deadline is over, silence is
	// a FAIL. The zero time means that no deadline is over. Whether an opening came in time, its receipt
	// says, whenever it is judged; and an opening with a receipt whose files are missing or damaged is an
	// error at any time, because it was whole when it arrived.
	Now time.Time
	// Progress, if set, is called after each replayed step with the steps done and those to do, which become more
	// where the walk leads on.
	Progress func(done, total uint64)
	// Failed, if set, is told of each device that failed and why.
	Failed func(d engine.Device, err error)
}

// Judge checks the bundle at path, a folder or an archive, against the operator's key. An error means that it cannot be judged.
//
// Beside the engine it holds one step's opening, one segment's leaves, a few numbers for each segment,
// Options.ReadAhead and at most 32 MiB more, whatever the files say; and a program that needs more than
// Options.MaxMemory is an error.
func Judge(ctx context.Context, path string, operator document.Key, o Options) (*Verdict, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	bundle, err := OpenBundle(path)
	if err != nil {
		return nil, err
	}
	defer bundle.Close()
	c, err := openDocuments(ctx, bundle, operator)
	if err != nil {
		return nil, err
	}
	if err := c.Terms.CheckMemory(o.MaxMemory); err != nil {
		return nil, err // before the leaves are read
	}
	if err := c.readWork(ctx); err != nil {
		return nil, err
	}
	return c.Judge(ctx, o)
}

func (o *Options) check() error {
	if len(o.Devices) < 2 {
		return errors.New("verify: a device and one to confirm with are needed")
	}
	return nil
}

// Judge replays what Options.Results leave open, segment by segment, and concludes.
func (c *Case) Judge(ctx context.Context, o Options) (*Verdict, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if err := c.judgedBy(o.Verifier); err != nil {
		return nil, err
	}
	if err := c.Terms.CheckMemory(o.MaxMemory); err != nil {
		return nil, err
	}
	switch {
	case c.ruling != nil || !c.Challenge.Audited:
		return c.Conclude(nil)
	case c.opening == nil:
		return c.Silence(o.Now)
	}
	for i, r := range o.Results {
		if r.Verifier != o.Verifier {
			return nil, fault.New(fault.WrongImprint, "", fmt.Sprintf("result %d: verifier", i), "%v, %v concludes", r.Verifier, o.Verifier)
		}
	}
	r := run{Case: c, Options: o, results: slices.Clone(o.Results)}
	if err := r.replay(ctx); err != nil {
		return nil, err
	}
	return c.Conclude(r.results)
}

// run is a case on its way to a conclusion.
type run struct {
	*Case
	Options
	results []Result
}

// replay adds results until the case can be concluded: those of the walk on the first device that serves, to its end, and
// what must be confirmed on another code path. Segments that a device has replayed before it fails are not repeated: no
// fault of a device makes digests that agree with the claim's.
func (r *run) replay(ctx context.Context) error {
	replaying := fault.New(fault.DeviceFailed, "", "", "no device is left to replay on")
	confirming := fault.New(fault.DeviceFailed, "", "", "no device is left to confirm a mismatch on")
	var failures []error
	for _, d := range r.Devices {
		err := r.walkOn(ctx, d)
		if err != nil && !r.blames(ctx, d, err) {
			return err
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", d.Name(), err))
		}
	}
	switch segments, confirm, err := r.Left(r.results); {
	case err != nil:
		return err
	case len(segments) > 0:
		return fmt.Errorf("%w: %w", replaying, errors.Join(failures...))
	case confirm != nil:
		return errors.Join(append([]error{confirming}, failures...)...)
	}
	return nil
}

// walkOn adds what a device can: what is left of the walk, and what it can confirm.
func (r *run) walkOn(ctx context.Context, d engine.Device) (err error) {
	var on *Replayer
	defer func() {
		if on == nil {
			return
		}
		if closing := on.Close(ctx); closing != nil {
			r.blames(ctx, d, closing) // what it has computed stands
		}
	}()
	for {
		segments, confirm, err := r.Left(r.results)
		if err != nil {
			return err
		}
		if len(segments) == 0 {
			if confirm == nil || confirm.Path == d.Path() {
				return nil
			}
			segments = []uint64{confirm.Segment}
		}
		if on == nil {
			runtime.GC() // the last device's buffers go before this one's come
			if on, err = r.replayer(ctx, d); err != nil {
				return err
			}
		}
		if err := r.replayOn(ctx, on, d, segments); err != nil {
			return err
		}
	}
}

// replayer starts an engine that measures, and leaves imprints if there is a verifier.
func (r *run) replayer(ctx context.Context, d engine.Device) (*Replayer, error) {
	if err := r.readBase(ctx); err != nil {
		return nil, err
	}
	on, err := NewReplayer(ctx, r.Terms, r.Assignment, d)
	if err != nil {
		return nil, err
	}
	on.gauge = r.gauge
	if on.imprints, err = r.imprinter(r.Verifier); err != nil {
		return nil, errors.Join(err, on.Close(ctx))
	}
	return on, nil
}

// blames says whether an error is the device's, and reports it.
func (r *run) blames(ctx context.Context, d engine.Device, err error) bool {
	if ctx.Err() != nil || !errors.Is(err, engine.ErrDevice) {
		return false
	}
	if r.Failed != nil {
		r.Failed(d, err)
	}
	return true
}

// replayOn runs segments on one device, in ascending order, until one has a mismatch.
func (r *run) replayOn(ctx context.Context, replayer *Replayer, d engine.Device, segments []uint64) error {
	opened, err := r.openedOf(segments)
	if err != nil {
		return err
	}
	total := r.stepsOf(segments)
	ahead := r.readAhead(ctx, opened, r.ReadAhead)
	defer ahead.close()
	for _, s := range opened {
		replayer.Progress = r.progress(s.Segment, total)
		result, err := r.replaySegment(ctx, replayer, s, ahead)
		if err != nil {
			return err
		}
		result.Device, result.Path, result.Verifier = d.Name(), d.Path(), r.Verifier
		r.results = append(r.results, result)
		if result.Mismatch != nil {
			return nil
		}
		// What parsing a segment left behind is small, but the collector waits until it rivals the
		// plan's buffers.
		runtime.GC()
	}
	return nil
}

// stepsOf is how many steps will be replayed when these segments are, besides those of the results.
func (r *run) stepsOf(segments []uint64) (total uint64) {
	all := slices.Clone(segments)
	for _, result := range r.results {
		all = append(all, result.Segment)
	}
	slices.Sort(all)
	for _, segment := range slices.Compact(all) {
		_, count := r.Terms.Job.Segment(segment)
		total += count
	}
	return total
}

// progress counts the steps of a segment on top of those of the results. A second replay counts for nothing.
func (r *run) progress(segment, total uint64) func() {
	done, seen := uint64(0), map[uint64]bool{segment: false}
	for _, result := range r.results {
		if result.Mismatch != nil || result.Segment == segment {
			return nil
		}
		if !seen[result.Segment] {
			done += result.Steps
		}
		seen[result.Segment] = true
	}
	return func() {
		if done++; r.Progress != nil {
			r.Progress(done, total)
		}
	}
}

// replaySegment compares one segment with its leaves.
func (c *Case) replaySegment(ctx context.Context, r *Replayer, s OpenedSegment, ahead *readAhead) (Result, error) {
	leaves, err := c.segmentLeaves(ctx, s.Segment)
	if err != nil {
		return Result{}, err
	}
	opened, err := ahead.next()
	if err != nil {
		return Result{}, err
	}
	m, err := r.Replay(ctx, Segment{Index: s.Segment, Leaves: leaves, Opened: opened, File: segmentFile(s.Segment)})
	if damaged := opened.finish(); damaged != nil {
		return Result{}, damaged
	}
	first, steps := c.Terms.Job.Segment(s.Segment)
	if errors.As(err, new(unreadable)) && fault.Of(err).Blames() == fault.Bundle {
		// The file is the one that the worker signed for, to its last byte, and cannot be read: nobody else made it so.
		m, err = &Mismatch{Reason: Malformed, Difference: Difference{Segment: s.Segment, Step: first}}, nil
	}
	if err != nil {
		return Result{}, err
	}
	measure := r.measure
	if m != nil {
		steps, measure = m.Step-first, nil
	}
	return Result{Version: ResultVersion, Case: c.ID(), Segment: s.Segment, Steps: steps, Mismatch: m, Measure: measure, Imprint: r.imprint}, nil
}
