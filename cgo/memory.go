//go:build cgo && linux

package cgo

// #include "library.h"
import "C"

import (
	"context"
	"errors"
	"math/bits"
	"sync"
	"unsafe"
)

// Pinned is host memory that the device reads and writes by itself. It is not Go memory: nothing may
// use Bytes after Close, nor while a copy from or to it is in flight.
type Pinned struct {
	device *Device
	p      unsafe.Pointer
	n      int
}

// NewPinned allocates n bytes of pinned host memory.
func (g *Device) NewPinned(ctx context.Context, n int) (*Pinned, error) {
	if n <= 0 {
		return nil, fail(ErrInvalid, "cuMemHostAlloc", "%d bytes", n)
	}
	out := new(unsafe.Pointer)
	err := g.guard(ctx, "cuMemHostAlloc",
		func() C.int { return C.verifyd_cuMemHostAlloc(&g.driver.api, g.ctx, out, C.size_t(n), 0) },
		func() C.int { return C.verifyd_cuMemFreeHost(&g.driver.api, g.ctx, *out) })
	if err != nil {
		return nil, err
	}
	m := &Pinned{device: g, p: *out, n: n}
	g.own(m)
	return m, nil
}

// Bytes is the memory itself.
func (m *Pinned) Bytes() []byte { return unsafe.Slice((*byte)(m.p), m.n) }

// Close releases the memory.
func (m *Pinned) Close() error { return m.device.disown(m) }

func (m *Pinned) release() error {
	return m.device.destroy("cuMemFreeHost", func() C.int { return C.verifyd_cuMemFreeHost(&m.device.driver.api, m.device.ctx, m.p) })
}

// take allocates device memory and returns its address.
func (g *Device) take(ctx context.Context, bytes uint64) (uint64, error) {
	out := new(C.CUdeviceptr)
	err := g.guard(ctx, "cuMemAlloc_v2",
		func() C.int { return C.verifyd_cuMemAlloc_v2(&g.driver.api, g.ctx, out, C.size_t(bytes)) },
		func() C.int { return C.verifyd_cuMemFree_v2(&g.driver.api, g.ctx, *out) })
	if err != nil {
		return 0, err
	}
	return uint64(*out), nil
}

func (g *Device) free(address uint64) error {
	return g.destroy("cuMemFree_v2", func() C.int { return C.verifyd_cuMemFree_v2(&g.driver.api, g.ctx, C.CUdeviceptr(address)) })
}

// block is device memory that belongs to no pool.
type block struct {
	Buffer
	device *Device
}

// allocate takes a block of exactly so many bytes, with undefined content.
func (g *Device) allocate(ctx context.Context, bytes uint64) (*block, error) {
	address, err := g.take(ctx, bytes)
	if err != nil {
		return nil, err
	}
	b := &block{Buffer{address, bytes}, g}
	g.own(b)
	return b, nil
}

// close gives the memory back. Nothing that uses it may be in flight.
func (b *block) close() error { return b.device.disown(b) }

func (b *block) release() error { return b.device.free(b.address) }

// Pool hands out device memory of one stream, and never holds more than its limit. What is freed is
// kept for the next of its size, so a step that repeats allocates nothing. A buffer may be freed as
// soon as its last use is enqueued on the pool's stream, for the next user comes later on that
// stream. Its methods may be called from any goroutine.
type Pool struct {
	device *Device
	stream *Stream
	limit  uint64

	mu     sync.Mutex
	held   uint64              // bytes taken from the driver
	used   map[uint64]uint64   // address -> size of block
	unused map[uint64][]uint64 // size of block -> addresses
	closed bool
}

// NewPool starts a pool on stream that holds at most limit bytes. Close it before the stream.
func (g *Device) NewPool(stream *Stream, limit uint64) *Pool {
	p := &Pool{device: g, stream: stream, limit: limit, used: map[uint64]uint64{}, unused: map[uint64][]uint64{}}
	g.own(p)
	return p
}

// blockSize rounds n up to what blocks are reused by: 512 bytes, or an eighth of the power of two
// below, so that at most an eighth of a block lies idle.
func blockSize(n uint64) uint64 {
	step := uint64(512)
	if n > 8*step {
		step = max(step, 1<<(bits.Len64(n-1)-4))
	}
	return (n + step - 1) / step * step
}

// Alloc returns n bytes, aligned to 256, with undefined content. Past the limit, blocks of other
// sizes that lie unused are returned to the driver first, which waits for the stream; if that is not
// enough, the error is ErrOutOfMemory and nothing has changed for the buffers in use.
func (p *Pool) Alloc(ctx context.Context, n uint64) (Buffer, error) {
	if n == 0 {
		return Buffer{}, nil
	}
	if n > p.limit {
		return Buffer{}, p.exceeds(n)
	}
	size := blockSize(n)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return Buffer{}, fail(ErrClosed, "", "memory pool")
	}
	if err := p.device.usable(); err != nil {
		return Buffer{}, err
	}
	if list := p.unused[size]; len(list) > 0 {
		address := list[len(list)-1]
		p.unused[size] = list[:len(list)-1]
		p.used[address] = size
		return Buffer{address, n}, nil
	}
	if size > p.limit-p.held {
		if err := p.trim(ctx); err != nil {
			return Buffer{}, err
		}
		if size > p.limit-p.held {
			return Buffer{}, p.exceeds(n)
		}
	}
	address, err := p.device.take(ctx, size)
	if err != nil && errors.Is(err, ErrOutOfMemory) && p.idle() {
		if err := p.trim(ctx); err != nil {
			return Buffer{}, err
		}
		address, err = p.device.take(ctx, size)
	}
	if err != nil {
		return Buffer{}, err
	}
	p.held += size
	p.used[address] = size
	return Buffer{address, n}, nil
}

func (p *Pool) exceeds(n uint64) error {
	return fail(ErrOutOfMemory, "", "%d bytes asked for, %d of the pool's limit of %d taken", n, p.held, p.limit)
}

func (p *Pool) idle() bool {
	for _, list := range p.unused {
		if len(list) > 0 {
			return true
		}
	}
	return false
}

// Free takes b back. Freeing what the pool did not hand out, or twice, is ErrInvalid.
func (p *Pool) Free(b Buffer) error {
	if b.bytes == 0 {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	size, ok := p.used[b.address]
	if !ok {
		return fail(ErrInvalid, "", "a buffer of %d bytes that is not in use", b.bytes)
	}
	delete(p.used, b.address)
	p.unused[size] = append(p.unused[size], b.address)
	return nil
}

// Held returns the bytes taken from the driver and those of them in use.
func (p *Pool) Held() (held, used uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, n := range p.used {
		used += n
	}
	return p.held, used
}

// Trim returns all unused blocks to the driver once the stream is done with them.
func (p *Pool) Trim(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.trim(ctx)
}

func (p *Pool) trim(ctx context.Context) error {
	if !p.idle() {
		return nil
	}
	// cuMemFree waits for the device, and a kernel that hangs must be found by the watchdog.
	if err := p.stream.Wait(ctx); err != nil {
		return err
	}
	var failures []error
	for size, list := range p.unused {
		for _, address := range list {
			failures = append(failures, p.device.free(address))
			p.held -= size
		}
		delete(p.unused, size)
	}
	return errors.Join(failures...)
}

// Close waits for the stream and returns everything to the driver, also what is in use.
func (p *Pool) Close(ctx context.Context) error {
	err := p.stream.Wait(ctx)
	if err != nil && ctx.Err() != nil {
		return err
	}
	return errors.Join(err, p.device.disown(p))
}

func (p *Pool) release() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var failures []error
	for address := range p.used {
		failures = append(failures, p.device.free(address))
	}
	for _, list := range p.unused {
		for _, address := range list {
			failures = append(failures, p.device.free(address))
		}
	}
	p.used, p.unused, p.held, p.closed = nil, nil, 0, true
	return errors.Join(failures...)
}
