package enginetest

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"math/rand/v2"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/state"
)

// Fill draws the rows of a step.
func (tr Training) Fill(x, y kernels.Buf, step uint64) {
	r := rand.New(rand.NewPCG(step, 7))
	numbers := func(to []float32) {
		for i := range to {
			to[i] = float32(int32(r.Uint64()>>40)-1<<23) / (1 << 22)
		}
	}
	ids := func(to []int32) {
		for i := range to {
			to[i] = int32(r.Uint64() % uint64(tr.Classes))
		}
	}
	numbers(x.F)
	ids(x.I)
	numbers(y.F)
	ids(y.I)
}

// run is a training on an engine.
type run struct {
	Training
	engine engine.Engine
	next   uint64    // step
	sum    hash.Hash // over all that left the engine
}

// start draws the initial state on d.
func (tr Training) start(ctx context.Context, d engine.Device) (*run, error) {
	e, err := d.Start(ctx, tr.Spec)
	if err != nil {
		return nil, err
	}
	r := &run{Training: tr, engine: e, sum: sha256.New()}
	if err := e.Init(ctx, initSeed); err != nil {
		return nil, errors.Join(err, e.Close(ctx))
	}
	digests, err := e.Digests(ctx)
	if err != nil {
		return nil, errors.Join(err, e.Close(ctx))
	}
	r.add(r.root(tr.Spec.State, digests))
	return r, nil
}

// Digest trains on d for so many steps. The result is what Known has if all is well.
func (tr Training) Digest(ctx context.Context, d engine.Device, steps uint64) (digest string, err error) {
	r, err := tr.start(ctx, d)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, r.engine.Close(context.WithoutCancel(ctx))) }()
	for r.next < steps {
		if _, err := r.step(ctx); err != nil {
			return "", fmt.Errorf("step %d: %w", r.next, err)
		}
	}
	return r.digest().String(), nil
}

// step runs the next step.
func (r *run) step(ctx context.Context) (engine.Step, error) {
	r.Fill(r.engine.X(), r.engine.Y(), r.next)
	s, err := r.engine.Step(ctx, r.next)
	if err != nil {
		return s, err
	}
	r.next++
	scalars := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, s.Loss), s.Clip)
	if s.Finite {
		scalars = append(scalars, 1)
	}
	r.sum.Write(scalars)
	r.add(r.root(r.Spec.Gradient, s.Gradients))
	r.add(r.root(r.Spec.State, s.Next))
	return s, nil
}

func (r *run) root(l *state.Layout, digests []merkle.Hash) merkle.Hash {
	return l.Root(state.Counters{Step: r.next}, digests)
}

func (r *run) add(h merkle.Hash) { r.sum.Write(h[:]) }

// digest is over the initial state and the loss, clip coefficient, gradients and state of every step so far.
func (r *run) digest() merkle.Hash { return merkle.Hash(r.sum.Sum(nil)) }
