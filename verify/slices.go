package verify

import (
	"bufio"
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"io"
	"math"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/slices"
	"github.com/verifyd/verifyd/verify/state"
)

// SlicesFile is where the slices of all boundaries lie in a bundle.
const SlicesFile = OpeningsDir + "/slices.bin"

// slicesLabel separates the seed of the slices' places from that of the challenge.
const slicesLabel = "verifyd-slices/1"

// What the slices of all tensors may take: so many bytes, or a part of the tensor bytes of the drawn segments, whichever is
// more. Where they would take more, tensors are drawn too.
const (
	slicesBytes = 2 << 20
	slicesShare = 50
)

// cuts are the places at which a challenge cuts the states between all segments.
func (t *Terms) cuts(ch *Challenge) ([]slices.Place, error) {
	seed, err := hkdf.Key(sha256.New, ch.Seed[:], nil, slicesLabel, merkle.Size)
	if err != nil {
		return nil, fmt.Errorf("slices: %w", err)
	}
	var opened uint64
	for _, segment := range ch.Segments {
		bytes, err := segmentBytes(t.segmentInfos(segment))
		if err != nil {
			return nil, err
		}
		opened += uint64(bytes)
	}
	return slices.Draw(merkle.Hash(seed), t.spec.State, t.Job.Segments()+1, max(slicesBytes, opened/slicesShare)), nil
}

// moves are those of slices at places, which are in the order of the state: parameters come first.
func (t *Terms) moves(places []slices.Place) *slices.Moves {
	m := &slices.Moves{Segments: t.Job.Segments()}
	for _, p := range places {
		if p.Tensor < len(t.spec.Gradient.Tensors()) {
			m.Groups = append(m.Groups, t.Plan.GroupOf(p.Tensor))
		}
	}
	return m
}

// sizeOf is the size of the file of slices.
func (t *Terms) sizeOf(places []slices.Place) int64 {
	return int64(min(slices.Size(t.spec.State, places, t.Job.Segments()+1), math.MaxInt64))
}

// rates are the sums of the learning rates of each segment's steps, for each group of parameters.
func (t *Terms) rates() [][]float64 {
	rates := make([][]float64, t.Plan.Groups())
	for g := range rates {
		rates[g] = make([]float64, t.Job.Segments())
		for step := range t.Job.Steps {
			rates[g][step/t.Job.Stride] += float64(t.Plan.LearningRate(g, step))
		}
	}
	return rates
}

// openSlices opens the file of the slices, which must have the size that the worker signed for.
func (c *Case) openSlices(ctx context.Context, o *Opening) (File, error) {
	file, err := openLimited(ctx, c.source, SlicesFile, math.MaxInt64)
	if err != nil {
		return nil, err
	}
	if size := file.Size(); size != o.Slices.Size {
		file.Close()
		return nil, fault.New(fault.BadLength, SlicesFile, "", "%d bytes, %s has %d", size, OpeningFile, o.Slices.Size)
	}
	return file, nil
}

// readSlices ranks the segments by how far the slices moved. It returns none if the worker signed for slices that do not
// open to the states of the leaves, which is a FAIL; a file that is not the one that was signed for is an error.
func (c *Case) readSlices(ctx context.Context, o *Opening) (ranked []uint64, err error) {
	file, err := c.openSlices(ctx, o)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	sha := sha256.New()
	in := io.TeeReader(bufio.NewReaderSize(content(file), 1<<16), sha)
	moves, wrong := c.moves(ctx, in)
	if wrong != nil && (ctx.Err() != nil || fault.Of(wrong).Blames() != fault.Bundle) {
		return nil, wrong
	}
	if _, err := io.Copy(io.Discard, in); err != nil {
		return nil, fault.In(SlicesFile, fault.Truncated(err))
	}
	switch got := merkle.Hash(sha.Sum(nil)); {
	case got != o.Slices.Digest:
		return nil, fault.New(fault.WrongDigest, SlicesFile, "", "SHA-256 %v, %s has %v", got, OpeningFile, o.Slices.Digest)
	case wrong != nil:
		return nil, nil
	}
	return moves.Rank(c.Terms.rates()), nil
}

// moves reads how far the slices moved.
func (c *Case) moves(ctx context.Context, in io.Reader) (m *slices.Moves, err error) {
	r, err := slices.NewReader(in, SlicesFile, c.Terms.spec.State, c.places)
	if err != nil {
		return nil, err
	}
	m = c.Terms.moves(c.places)
	for _, root := range c.boundaries {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		values, err := r.Next(root)
		if err != nil {
			return nil, err
		}
		m.Boundary(values)
	}
	return m, r.Close()
}

// writeSlices writes the slices of a trace and ranks its segments by them.
func (o *opener) writeSlices(ctx context.Context, out io.Writer, places []slices.Place) (ranked []uint64, err error) {
	t := o.Terms
	w, err := slices.NewWriter(out, t.spec.State, places)
	if err != nil {
		return nil, err
	}
	moves := t.moves(places)
	for segment := range t.Job.Segments() + 1 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		counters, err := o.boundary(segment)
		if err != nil {
			return nil, err
		}
		digests := o.states.Digests(o.tensors)
		if err := o.recorded(segment, counters, digests); err != nil {
			return nil, err
		}
		if err := w.Boundary(counters, digests, o.tensors); err != nil {
			return nil, err
		}
		moves.Boundary(slices.Cut(places, o.tensors))
	}
	return moves.Rank(t.rates()), nil
}

// recorded refuses a stored state that is not the one of the trace's leaves: one that was damaged since, for whose slices the
// worker would fail, whether its segment is drawn or not.
func (o *opener) recorded(segment uint64, c state.Counters, digests []merkle.Hash) error {
	if o.AsStored {
		return nil
	}
	root, err := o.Trace.Root(segment * o.Terms.Job.Stride)
	if err != nil {
		return err
	}
	if got := o.Terms.spec.State.Root(c, digests); got != root {
		return fault.New(fault.Altered, "trace", fmt.Sprintf("segment %d", segment), "the state that is stored has root %v, the leaves have %v", got, root)
	}
	return nil
}

// boundary reads the state before a segment, or behind the last one, from the trace.
func (o *opener) boundary(segment uint64) (state.Counters, error) {
	if segment == o.Terms.Job.Segments() {
		return o.Trace.Final(o.tensors)
	}
	return o.Trace.Snapshot(segment, o.tensors)
}
