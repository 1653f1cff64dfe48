package verifytest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
)

var errFault = fmt.Errorf("%w: it fell off the bus", engine.ErrDevice)

// Failing is a device that serves so many calls and then no more: from then on each fails with engine.ErrDevice,
// after it has been done.
type Failing struct {
	engine.Device
	Calls int // that it serves
	left  atomic.Int64
}

// FailAfter lets a device serve so many calls.
func FailAfter(d engine.Device, calls int) *Failing {
	f := &Failing{Device: d, Calls: calls}
	f.left.Store(int64(calls))
	return f
}

// Failed says whether a call has failed.
func (f *Failing) Failed() bool { return f.left.Load() < 0 }

func (f *Failing) call() error {
	if f.left.Add(-1) < 0 {
		return errFault
	}
	return nil
}

// Start implements engine.Device.
func (f *Failing) Start(ctx context.Context, s *engine.Spec) (engine.Engine, error) {
	if err := f.call(); err != nil {
		return nil, err
	}
	e, err := f.Device.Start(ctx, s)
	return &failingEngine{e, f}, err
}

type failingEngine struct {
	engine.Engine
	device *Failing
}

func (e *failingEngine) Freeze(ctx context.Context, fill func([][]float32) error) error {
	return errors.Join(e.Engine.Freeze(ctx, fill), e.device.call())
}

func (e *failingEngine) Load(ctx context.Context, fill func([][]float32) error) error {
	return errors.Join(e.Engine.Load(ctx, fill), e.device.call())
}

func (e *failingEngine) Digests(ctx context.Context) ([]merkle.Hash, error) {
	digests, err := e.Engine.Digests(ctx)
	return digests, errors.Join(err, e.device.call())
}

func (e *failingEngine) Step(ctx context.Context, t uint64) (engine.Step, error) {
	s, err := e.Engine.Step(ctx, t)
	return s, errors.Join(err, e.device.call())
}

func (e *failingEngine) Watch(ctx context.Context, t uint64, blocks []program.Block, reads []program.Read) (engine.Step, []uint32, []uint32, error) {
	s, words, read, err := e.Engine.Watch(ctx, t, blocks, reads)
	return s, words, read, errors.Join(err, e.device.call())
}

func (e *failingEngine) Close(ctx context.Context) error {
	return errors.Join(e.Engine.Close(ctx), e.device.call())
}
