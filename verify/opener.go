package verify

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"slices"

	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/safetensors"
	"github.com/verifyd/verifyd/verify/state"
	"github.com/verifyd/verifyd/verify/walk"
)

// opener writes opened segments, and measures on an engine which ones the walk needs.
type opener struct {
	*Response
	*stepper
	gauge   *gauge
	order   *job.Order
	states  *state.Hasher
	tensors [][]float32
	batch   *batch
	proof   []merkle.Hash
	grads   []merkle.Hash
	next    []merkle.Hash
}

func (r *Response) newOpener(ctx context.Context, a job.Assignment, ch *Challenge) (*opener, error) {
	t := r.Terms
	s, err := newStepper(ctx, t, a, r.Device)
	if err != nil {
		return nil, err
	}
	o := &opener{
		Response: r,
		stepper:  s,
		gauge:    t.gauge(ch),
		order:    t.Job.OrderFor(a),
		states:   state.NewHasher(t.spec.State, 1),
		batch:    t.newBatch(s.samples),
		grads:    make([]merkle.Hash, len(t.spec.Gradient.Tensors())),
		next:     make([]merkle.Hash, t.spec.State.Digests()),
	}
	if t.spec.Frozen != nil {
		if err := o.hashFrozen(ctx); err != nil {
			return nil, errors.Join(err, s.close(ctx))
		}
	}
	for _, spec := range t.spec.State.Tensors() {
		o.tensors = append(o.tensors, make([]float32, spec.Len()))
	}
	return o, nil
}

// hashFrozen gives the hasher of stored states the root of the tensors that they do not hold.
func (o *opener) hashFrozen(ctx context.Context) error {
	if err := o.freeze(ctx); err != nil {
		return err
	}
	digests, err := o.engine.Digests(ctx)
	if err == nil {
		o.states.Freeze(digests[len(digests)-1])
	}
	return err
}

// slice writes the slices of the trace and says so in the opening. It returns the segments, those that moved most first.
func (o *opener) slice(ctx context.Context, path string, ch *Challenge, opening *Opening) (ranked []uint64, err error) {
	places, err := o.Terms.cuts(ch)
	if err != nil {
		return nil, err
	}
	opening.Slices.Size, opening.Slices.Digest, err = toFile(path, func(to io.Writer) error {
		ranked, err = o.writeSlices(ctx, to, places)
		return err
	})
	return ranked, err
}

// walk returns the segments that a verifier will replay, ascending, if all of them are true.
func (o *opener) walk(ctx context.Context, ch *Challenge, r Receipt, ranked []uint64) ([]uint64, error) {
	w, err := o.Terms.walk(ch, r, ranked)
	if err != nil {
		return nil, err
	}
	trail, err := w.Follow(func(segment uint64) (walk.Standing, error) { return o.measure(ctx, segment) })
	if err != nil {
		return nil, err
	}
	if o.Walked != nil {
		o.Walked(trail)
	}
	return slices.Sorted(slices.Values(trail.Order)), nil
}

// measure runs the first step of a segment.
func (o *opener) measure(ctx context.Context, segment uint64) (walk.Standing, error) {
	err := o.engine.Load(ctx, func(tensors [][]float32) error {
		_, err := o.Trace.Snapshot(segment, tensors)
		return err
	})
	if err != nil {
		return walk.Unknown, err
	}
	first, _ := o.Terms.Job.Segment(segment)
	if err := o.fill(first); err != nil {
		return walk.Unknown, err
	}
	return o.stands(ctx, o.gauge, first)
}

func (o *opener) writeFile(path string, segment uint64) (OpenedSegment, error) {
	size, digest, err := toFile(path, func(to io.Writer) error {
		packed, err := safetensors.Compress(to)
		if err != nil {
			return err
		}
		if err := o.write(packed, segment); err != nil {
			return err
		}
		return packed.Close()
	})
	return OpenedSegment{Segment: segment, Size: size, Digest: digest}, err
}

// toFile writes a file, and returns its size and its SHA-256.
func toFile(path string, write func(io.Writer) error) (size int64, digest merkle.Hash, err error) {
	f, err := os.Create(path)
	if err != nil {
		return 0, digest, err
	}
	defer f.Close()
	sha := sha256.New()
	buffered := bufio.NewWriterSize(io.MultiWriter(f, sha), 1<<16)
	if err := errors.Join(write(buffered), buffered.Flush()); err != nil {
		return 0, digest, err
	}
	if size, err = f.Seek(0, io.SeekCurrent); err != nil {
		return 0, digest, err
	}
	return size, merkle.Hash(sha.Sum(nil)), f.Close()
}

func (o *opener) write(to io.Writer, segment uint64) error {
	w, err := safetensors.NewWriter(to, nil, o.Terms.segmentInfos(segment))
	if err != nil {
		return err
	}
	if _, err := o.Trace.Snapshot(segment, o.tensors); err != nil {
		return err
	}
	for _, x := range o.tensors {
		if err := w.F32(x); err != nil {
			return err
		}
	}
	first, count := o.Terms.Job.Segment(segment)
	for t := first; t < first+count; t++ {
		if err := o.fill(t); err != nil {
			return err
		}
		if err := o.batch.write(w); err != nil {
			return err
		}
	}
	return w.Close()
}

// fill puts step t into the batch.
func (o *opener) fill(t uint64) error {
	b := o.batch
	if err := o.order.Fill(t, b.ids); err != nil {
		return err
	}
	if err := o.Data.Read(b.samples, b.ids); err != nil {
		return err
	}
	o.hashSamples()
	if err := o.Data.Check(o.leaves, b.ids); err != nil {
		return err
	}
	if err := o.takeSamples(); err != nil {
		return err
	}
	width := merkle.MaxProof(o.Terms.Job.Data.Samples) * merkle.Size
	clear(b.proofs)
	for i, id := range b.ids {
		var err error
		if o.proof, err = o.Data.AppendProof(o.proof[:0], uint64(id)); err != nil {
			return err
		}
		flatten(b.proofs[i*width:(i+1)*width], o.proof)
	}
	if err := o.Trace.Digests(t, o.grads, o.next); err != nil {
		return err
	}
	flatten(b.gradients, o.grads)
	flatten(b.next, o.next)
	return nil
}
