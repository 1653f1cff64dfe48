// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/mumax/3/cuda"
	"github.com/mumax/3/data"

	"github.com/verifyd/verifyd/bench/mumax/compare"
)

// mumax is the peer: package cuda of mumax3. It has one context, which is current on one thread, so all
// of its calls, and the clock around them, run on a goroutine that holds that thread. Package cgo makes
// its own context current on whichever thread it is called from, and so never runs on this one.
type mumax struct {
	work    chan func()
	a, b, c *data.Slice
}

// newMumax starts mumax3 on a device. mumax3 ends the process if the device or the driver does not suit
// it; a driver has to serve CUDA 12.5 or newer, because its kernels are PTX 8.5.
func newMumax(device int) (*mumax, error) {
	m := &mumax{work: make(chan func())}
	go func() {
		runtime.LockOSThread()
		for f := range m.work {
			f()
		}
	}()
	return m, m.do(func() { cuda.Init(device) })
}

// do runs f on the thread of mumax3's context. What mumax3 panics with is the error.
func (m *mumax) do(f func()) (err error) {
	done := make(chan struct{})
	m.work <- func() {
		defer close(done)
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("%v", r)
			}
		}()
		f()
	}
	<-done
	return err
}

func (m *mumax) Name() string { return "mumax3" }

func (m *mumax) Has(compare.Reduction) bool { return true }

func (m *mumax) Place(_ context.Context, a, b []float32) error {
	return m.do(func() {
		m.free()
		size := [3]int{len(a), 1, 1}
		m.a = cuda.GPUCopy(data.SliceFromArray([][]float32{a}, size))
		m.b = cuda.GPUCopy(data.SliceFromArray([][]float32{b}, size))
		m.c = cuda.NewSlice(1, size)
		cuda.Sync()
	})
}

func (m *mumax) free() {
	for _, s := range []*data.Slice{m.a, m.b, m.c} {
		if s != nil {
			s.Free()
		}
	}
	m.a, m.b, m.c = nil, nil, nil
}

func (m *mumax) Reduce(_ context.Context, r compare.Reduction, results []float32) (d time.Duration, err error) {
	err = m.do(func() {
		once := func() float32 { return cuda.Sum(m.a) }
		switch r {
		case compare.SumSquares:
			once = func() float32 { return cuda.Dot(m.a, m.a) }
		case compare.MaxAbsolute:
			once = func() float32 { return cuda.MaxAbs(m.a) }
		}
		once()
		start := time.Now()
		for i := range results {
			results[i] = once()
		}
		d = time.Since(start)
	})
	return d, err
}

func (m *mumax) Map(_ context.Context, which compare.Map, waits, launches int) (d time.Duration, err error) {
	err = m.do(func() {
		enqueue := func() { cuda.Madd2(m.c, m.a, m.b, 1, 1) }
		switch which {
		case compare.Copy:
			enqueue = func() { data.Copy(m.c, m.a) }
		case compare.Mul:
			enqueue = func() { cuda.Mul(m.c, m.a, m.b) }
		}
		enqueue()
		cuda.Sync()
		start := time.Now()
		for range waits {
			for range launches {
				enqueue()
			}
			cuda.Sync()
		}
		d = time.Since(start)
	})
	return d, err
}

func (m *mumax) Mapped(_ context.Context, c []float32) error {
	return m.do(func() { data.Copy(data.SliceFromArray([][]float32{c}, [3]int{len(c), 1, 1}), m.c) })
}

// Close gives the memory back to the device; the context ends with the process.
func (m *mumax) Close() error {
	defer close(m.work)
	return m.do(m.free)
}
