//go:build cgo && linux

package cgo

// #include "library.h"
import "C"

import (
	"context"
	"time"
	"unsafe"
)

// pending bounds the launches in flight on a stream. The driver's own queue holds about a thousand,
// and a launch into a full queue blocks in the driver, where no context reaches it.
const pending = 512

// Stream is a queue of work on a device: what is enqueued runs in order. One goroutine at a time may
// use a stream; several streams may be used side by side.
type Stream struct {
	device    *Device
	s         C.CUstream
	done      *Event
	queued    int // launches and copies since the last wait
	capturing bool
	closed    bool
	staging   [2]*Pinned
	staged    [2]*Event
	box       boxes // of the launch being made
}

// NewStream makes a stream that does not wait for the device's default stream.
func (g *Device) NewStream() (*Stream, error) {
	if err := g.usable(); err != nil {
		return nil, err
	}
	const nonBlocking = 1
	s := &Stream{device: g}
	if err := g.check("cuStreamCreate", C.verifyd_cuStreamCreate(&g.driver.api, g.ctx, &s.s, nonBlocking)); err != nil {
		return nil, err
	}
	g.own(s)
	var err error
	if s.done, err = g.newEvent(disableTiming); err != nil {
		_ = g.disown(s)
		return nil, err
	}
	return s, nil
}

// Close waits for the stream and releases it.
func (s *Stream) Close(ctx context.Context) error {
	err := s.Wait(ctx)
	if err != nil && ctx.Err() != nil {
		return err
	}
	s.closed = true
	failures := []error{err, s.device.disown(s)}
	for _, e := range []*Event{s.done, s.staged[0], s.staged[1]} {
		if e != nil {
			failures = append(failures, e.Close())
		}
	}
	for _, m := range s.staging {
		if m != nil {
			failures = append(failures, m.Close())
		}
	}
	return join(s.device.Fault(), failures...)
}

func (s *Stream) release() error {
	return s.device.destroy("cuStreamDestroy_v2", func() C.int { return C.verifyd_cuStreamDestroy_v2(&s.device.driver.api, s.device.ctx, s.s) })
}

// Wait waits until all that was enqueued is done, and returns what went wrong in it.
func (s *Stream) Wait(ctx context.Context) error {
	if s.closed {
		return fail(ErrClosed, "", "stream")
	}
	if s.capturing {
		return fail(ErrInvalid, "", "wait for a stream while it is captured")
	}
	if err := s.done.Record(s); err != nil {
		return err
	}
	if err := s.done.Wait(ctx); err != nil {
		return err
	}
	s.queued = 0
	return nil
}

// enqueue is asked before each piece of work: whether the device can take it.
func (s *Stream) enqueue(ctx context.Context) error {
	if err := s.device.usable(); err != nil {
		return err
	}
	if s.closed {
		return fail(ErrClosed, "", "stream")
	}
	if s.capturing {
		return nil
	}
	if s.queued >= pending {
		if err := s.Wait(ctx); err != nil {
			return err
		}
	}
	s.queued++
	return nil
}

// After makes what is enqueued from now on wait, on the device, for e.
func (s *Stream) After(ctx context.Context, e *Event) error {
	if err := s.enqueue(ctx); err != nil {
		return err
	}
	return s.device.check("cuStreamWaitEvent", C.verifyd_cuStreamWaitEvent(&s.device.driver.api, s.device.ctx, s.s, e.e, 0))
}

// Fill enqueues the setting of every 32-bit word of b.
func (s *Stream) Fill(ctx context.Context, b Buffer, word uint32) error {
	if b.bytes%4 != 0 {
		return fail(ErrInvalid, "cuMemsetD32Async", "%d bytes are no whole words", b.bytes)
	}
	if b.bytes == 0 {
		return nil
	}
	if err := s.enqueue(ctx); err != nil {
		return err
	}
	return s.device.check("cuMemsetD32Async", C.verifyd_cuMemsetD32Async(&s.device.driver.api, s.device.ctx,
		C.CUdeviceptr(b.address), C.uint(word), C.size_t(b.bytes/4), s.s))
}

// Copy enqueues a copy between buffers of one length.
func (s *Stream) Copy(ctx context.Context, to, from Buffer) error {
	if to.bytes != from.bytes {
		return fail(ErrInvalid, "cuMemcpyDtoDAsync_v2", "%d bytes into %d", from.bytes, to.bytes)
	}
	if to.bytes == 0 {
		return nil
	}
	if err := s.enqueue(ctx); err != nil {
		return err
	}
	return s.device.check("cuMemcpyDtoDAsync_v2", C.verifyd_cuMemcpyDtoDAsync_v2(&s.device.driver.api, s.device.ctx,
		C.CUdeviceptr(to.address), C.CUdeviceptr(from.address), C.size_t(to.bytes), s.s))
}

// CopyIn enqueues a copy of the pinned bytes from offset on into all of b.
func (s *Stream) CopyIn(ctx context.Context, b Buffer, from *Pinned, offset int) error {
	p, err := from.part(offset, b.bytes)
	if err != nil || b.bytes == 0 {
		return err
	}
	if err := s.enqueue(ctx); err != nil {
		return err
	}
	return s.device.check("cuMemcpyHtoDAsync_v2", C.verifyd_cuMemcpyHtoDAsync_v2(&s.device.driver.api, s.device.ctx,
		C.CUdeviceptr(b.address), p, C.size_t(b.bytes), s.s))
}

// CopyOut enqueues a copy of all of b into the pinned bytes from offset on.
func (s *Stream) CopyOut(ctx context.Context, to *Pinned, offset int, b Buffer) error {
	p, err := to.part(offset, b.bytes)
	if err != nil || b.bytes == 0 {
		return err
	}
	if err := s.enqueue(ctx); err != nil {
		return err
	}
	return s.device.check("cuMemcpyDtoHAsync_v2", C.verifyd_cuMemcpyDtoHAsync_v2(&s.device.driver.api, s.device.ctx,
		p, C.CUdeviceptr(b.address), C.size_t(b.bytes), s.s))
}

// part is the address of n bytes from offset on.
func (m *Pinned) part(offset int, n uint64) (unsafe.Pointer, error) {
	if offset < 0 || offset > m.n || n > uint64(m.n-offset) {
		return nil, fail(ErrInvalid, "", "%d bytes from %d on of %d pinned bytes", n, offset, m.n)
	}
	return unsafe.Add(m.p, offset), nil
}

// Event marks a point in a stream.
type Event struct {
	device *Device
	e      C.CUevent
}

const disableTiming = 2

// NewEvent makes an event that also takes the time.
func (g *Device) NewEvent() (*Event, error) { return g.newEvent(0) }

func (g *Device) newEvent(flags C.uint) (*Event, error) {
	if err := g.usable(); err != nil {
		return nil, err
	}
	e := &Event{device: g}
	if err := g.check("cuEventCreate", C.verifyd_cuEventCreate(&g.driver.api, g.ctx, &e.e, flags)); err != nil {
		return nil, err
	}
	g.own(e)
	return e, nil
}

// Record puts the event at the present end of s.
func (e *Event) Record(s *Stream) error {
	if err := e.device.usable(); err != nil {
		return err
	}
	if s.closed {
		return fail(ErrClosed, "", "stream")
	}
	return e.device.check("cuEventRecord", C.verifyd_cuEventRecord(&e.device.driver.api, e.device.ctx, e.e, s.s))
}

// Wait waits until the event has happened. An event that was never recorded has.
func (e *Event) Wait(ctx context.Context) error {
	if err := e.device.usable(); err != nil {
		return err
	}
	return e.device.await(ctx, e.e)
}

// Since is the device's time from start to e, both of which have happened. It resolves half a
// microsecond.
func (e *Event) Since(start *Event) (time.Duration, error) {
	if err := e.device.usable(); err != nil {
		return 0, err
	}
	var ms C.float
	err := e.device.check("cuEventElapsedTime", C.verifyd_cuEventElapsedTime(&e.device.driver.api, e.device.ctx, &ms, start.e, e.e))
	return time.Duration(float64(ms) * float64(time.Millisecond)), err
}

// Close releases the event.
func (e *Event) Close() error { return e.device.disown(e) }

func (e *Event) release() error {
	return e.device.destroy("cuEventDestroy_v2", func() C.int { return C.verifyd_cuEventDestroy_v2(&e.device.driver.api, e.device.ctx, e.e) })
}
