package verify

import (
	"context"
	"errors"
	"io"

	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/gate"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/safetensors"
	"github.com/verifyd/verifyd/verify/trace"
)

// Segment is an opened segment: what the claim says of it and what the worker opened.
type Segment struct {
	Index  uint64
	Leaves []trace.Leaf // of its steps
	Opened io.Reader    // the safetensors file, decompressed
	File   string       // its name for errors
}

// Replayer runs opened segments again. It holds an engine and a step's opening, whatever the size of a
// segment, and allocates nothing for a step. It serves one goroutine at a time.
type Replayer struct {
	*stepper
	order     *job.Order
	batch     *batch
	ids       []int64
	proof     []merkle.Hash
	gradients []merkle.Hash
	next      []merkle.Hash
	// Progress, if set, is called after each step.
	Progress func()

	imprints *imprinter  // nil if nobody wants one
	imprint  merkle.Hash // of the last segment
	gauge    *gauge      // nil if nobody wants to know
	measure  *Measure    // of the last segment
}

// NewReplayer starts an engine on a device for the segments of a claim to an assignment.
func NewReplayer(ctx context.Context, t *Terms, a job.Assignment, d engine.Device) (*Replayer, error) {
	s, err := newStepper(ctx, t, a, d)
	if err != nil {
		return nil, err
	}
	if err := s.freeze(ctx); err != nil {
		return nil, errors.Join(err, s.close(ctx))
	}
	return &Replayer{
		stepper:   s,
		order:     t.Job.OrderFor(a),
		batch:     t.newBatch(s.samples),
		ids:       make([]int64, t.rows),
		proof:     make([]merkle.Hash, 0, merkle.MaxProof(t.Job.Data.Samples)),
		gradients: make([]merkle.Hash, len(t.spec.Gradient.Tensors())),
		next:      make([]merkle.Hash, t.spec.State.Digests()),
	}, nil
}

// Close releases the engine.
func (r *Replayer) Close(ctx context.Context) error { return r.close(ctx) }

// Replay runs a segment from its opened state and compares every step with its leaf. It returns nil if
// all agree. An error of class engine.ErrDevice says nothing about the segment; any other means that the
// opening cannot be read or holds numbers that are not finite.
func (r *Replayer) Replay(ctx context.Context, s Segment) (*Mismatch, error) {
	r.watching, r.imprint, r.reading, r.measure = nil, merkle.Hash{}, nil, nil
	infos := r.terms.segmentInfos(s.Index)
	limit, err := segmentBytes(infos)
	if err != nil {
		return nil, err
	}
	in, err := safetensors.NewReader(s.Opened, s.File, limit)
	if err != nil {
		return nil, unreadable{err}
	}
	if err := in.Expect(infos); err != nil {
		return nil, unreadable{err}
	}
	err = r.engine.Load(ctx, func(tensors [][]float32) error {
		for _, x := range tensors {
			if err := in.F32(x); err != nil {
				return unreadable{err}
			}
		}
		if err := r.terms.spec.State.CheckFinite(tensors); err != nil {
			return unreadable{fault.In(s.File, fault.Under("state", err))}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	first, _ := r.terms.Job.Segment(s.Index)
	start, err := r.root(ctx, first)
	if err != nil {
		return nil, err
	}
	if start != s.Leaves[0].State {
		return &Mismatch{Reason: WrongState, Difference: Difference{Segment: s.Index, Step: first}}, nil
	}
	for i := range s.Leaves {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := r.batch.read(in); err != nil {
			return nil, unreadable{err}
		}
		if r.imprints != nil && i == len(s.Leaves)-1 {
			r.watching = r.imprints.blocks
		}
		var sample *gate.Sample
		r.reading = nil
		if r.gauge != nil && i == 0 {
			sample = r.gauge.sample(first)
			r.reading = sample.Reads
		}
		m, err := r.check(ctx, &s.Leaves[i])
		if err != nil {
			return nil, fault.In(s.File, err)
		}
		if m.Reason != Honest {
			mismatch := m // a copy, so that only a mismatch is allocated
			mismatch.Segment, mismatch.Step = s.Index, s.Leaves[i].Step
			if r.imprints != nil {
				r.imprint = r.imprints.ofMismatch(&mismatch)
			}
			return &mismatch, nil
		}
		if sample != nil {
			m, err := r.gauge.of(sample, r.read)
			if err != nil {
				return nil, err
			}
			r.measure = &m
		}
		if r.Progress != nil {
			r.Progress()
		}
	}
	if err := in.Close(); err != nil {
		return nil, unreadable{err}
	}
	if r.imprints != nil {
		r.imprint = r.imprints.ofBlocks(s.Index, r.words)
	}
	return nil, nil
}

// unreadable is an error of what was opened, and of nothing else here.
type unreadable struct{ error }

func (u unreadable) Unwrap() error { return u.error }

// check compares a step that was read into the batch with its leaf, and runs it.
func (r *Replayer) check(ctx context.Context, l *trace.Leaf) (m Mismatch, err error) {
	t := r.terms
	spread(r.gradients, r.batch.gradients)
	spread(r.next, r.batch.next)
	if t.spec.Gradient.Root(t.Counters(l.Step, r.serves), r.gradients) != l.Gradient || t.spec.State.Root(t.Counters(l.Step+1, r.serves), r.next) != l.Next {
		m.Reason = WrongDigests
		return m, nil
	}
	if ok, err := r.checkSamples(l.Step); err != nil || !ok {
		m.Reason = WrongSample
		return m, err
	}
	if err := r.takeSamples(); err != nil {
		return m, err
	}
	if err := r.step(ctx, l.Step, l.State); err != nil {
		return m, err
	}
	got := &r.record.Leaf
	m.Found = got.Hash()
	switch {
	case got.Batch != l.Batch:
		m.Reason = WrongBatch
	case got.Gradient != l.Gradient:
		m.Reason, m.Tensor = WrongGradient, t.spec.Gradient.FirstDifference(r.record.Gradients, r.gradients)
	case got.Loss != l.Loss:
		m.Reason = WrongLoss
	case got.Clip != l.Clip:
		m.Reason = WrongClip
	case got.Next != l.Next:
		m.Reason, m.Tensor = WrongUpdate, t.spec.State.FirstDifference(r.record.Next, r.next)
	case !r.finite || !got.Finite():
		m.Reason = NotFinite
	default:
		m.Reason = Honest
	}
	return m, nil
}

// checkSamples hashes the samples of the batch and says whether they are the job's for a step.
func (r *Replayer) checkSamples(step uint64) (bool, error) {
	if err := r.order.Fill(step, r.ids); err != nil {
		return false, err
	}
	r.hashSamples()
	samples := r.terms.Job.Data.Samples
	width := merkle.MaxProof(samples) * merkle.Size
	for i, id := range r.ids {
		if r.batch.ids[i] != id {
			return false, nil
		}
		proof := r.proof[:merkle.ProofLen(uint64(id), samples)]
		given := r.batch.proofs[i*width : (i+1)*width]
		spread(proof, given)
		for _, padding := range given[len(proof)*merkle.Size:] {
			if padding != 0 {
				return false, nil
			}
		}
		if merkle.Verify(r.terms.Job.Data.Root, samples, uint64(id), r.leaves[i], proof) != nil {
			return false, nil
		}
	}
	return true, nil
}
