//go:build cgo && linux

package cgo

// #include "library.h"
import "C"

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// Device is a GPU's primary context in this process. It owns whatever is made from it, and releases
// what is left when it closes. Its methods may be called from any goroutine.
type Device struct {
	driver *Driver
	dev    C.int
	ctx    C.CUcontext
	info   Info

	mu        sync.Mutex
	owned     []resource // oldest first
	closed    bool
	condemned *Error         // what poisoned the context or made the device lost
	lost      bool           // the driver may never return from another call
	calls     sync.WaitGroup // guarded calls in flight
}

// resource is something that the driver holds for us.
type resource interface {
	// release gives it back; the driver is asked once more if it fails.
	release() error
}

// OpenDevice retains the primary context of a device. ErrUnsupported means that its compute
// capability is under 7.0.
func (d *Driver) OpenDevice(ctx context.Context, ordinal int) (*Device, error) {
	type found struct {
		dev  C.int
		info Info
	}
	f, err := bounded(ctx, d.opts.Watchdog, "cuDeviceGet", func() (found, error) {
		dev, info, err := d.describe(ordinal)
		return found{dev, info}, err
	}, nil)
	if err != nil {
		return nil, fmt.Errorf("device %d: %w", ordinal, err)
	}
	dev, info := f.dev, f.info
	if 10*info.Major+info.Minor < MinCapability {
		return nil, fail(ErrUnsupported, "", "%s has compute capability %d.%d, verifyd needs %d.%d",
			info.Name, info.Major, info.Minor, MinCapability/10, MinCapability%10)
	}
	g := &Device{driver: d, dev: dev, info: info}
	var primary C.CUcontext
	err = g.guard(ctx, "cuDevicePrimaryCtxRetain",
		func() C.int { return C.verifyd_cuDevicePrimaryCtxRetain(&d.api, nil, &primary, dev) },
		func() C.int { return C.verifyd_cuDevicePrimaryCtxRelease_v2(&d.api, nil, dev) })
	if err != nil {
		return nil, fmt.Errorf("device %d: %w", ordinal, err)
	}
	g.ctx = primary
	return g, nil
}

// Info describes the device.
func (g *Device) Info() Info { return g.info }

// Memory returns the unused and all of the device's memory in bytes, over all processes.
func (g *Device) Memory() (unused, total uint64, err error) {
	if err := g.usable(); err != nil {
		return 0, 0, err
	}
	var u, t C.size_t
	err = g.check("cuMemGetInfo_v2", C.verifyd_cuMemGetInfo_v2(&g.driver.api, g.ctx, &u, &t))
	return uint64(u), uint64(t), err
}

// Fault returns what poisoned the context or made the device lost, and nil on a sound device.
func (g *Device) Fault() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.condemned == nil {
		return nil
	}
	return g.condemned
}

// usable returns an error if the device is closed, poisoned or lost.
func (g *Device) usable() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.closed:
		return fail(ErrClosed, "", "device %d", g.info.Ordinal)
	case g.lost:
		return &Error{Detail: "since: " + g.condemned.Error(), Class: append([]error{ErrLost}, g.condemned.Class...)}
	case g.condemned != nil:
		return &Error{Detail: "since: " + g.condemned.Error(), Class: g.condemned.Class}
	}
	return nil
}

// check is the driver's check, and remembers what ends the device for this process.
func (g *Device) check(call string, code C.int) error {
	err := g.driver.check(call, code)
	if err == nil {
		return nil
	}
	g.condemn(err)
	return err
}

// condemn marks the device if err is of a class that outlives its call.
func (g *Device) condemn(err error) {
	var e *Error
	if !errors.As(err, &e) || !errors.Is(e, ErrSticky) && !errors.Is(e, ErrLost) {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.condemned == nil {
		g.condemned = e
	}
	g.lost = g.lost || errors.Is(e, ErrLost)
}

// own puts r among what Close releases.
func (g *Device) own(r resource) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.owned = append(g.owned, r)
}

// disown releases r before its time. Whatever was released already, or given up, is ErrClosed.
func (g *Device) disown(r resource) error {
	g.mu.Lock()
	i := slices.Index(g.owned, r)
	if i < 0 {
		g.mu.Unlock()
		return fail(ErrClosed, "", "%T", r)
	}
	g.owned = slices.Delete(g.owned, i, i+1)
	lost := g.lost
	g.mu.Unlock()
	if lost {
		return g.usable()
	}
	return r.release()
}

// destroy gives something back to the driver, and asks once more if that fails: a driver often
// reports there what an earlier kernel did. The first failure is returned in any case.
func (g *Device) destroy(call string, f func() C.int) error {
	code := f()
	if code == 0 {
		return nil
	}
	err := g.check(call, code)
	f()
	return err
}

// Close waits for the streams, releases all that was made from the device and not released yet, the
// youngest first, and lets the context go. On a lost device it returns ErrLost and releases nothing,
// since the driver may never answer. A context that ends first leaves the device open.
func (g *Device) Close(ctx context.Context) error {
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return fail(ErrClosed, "", "device %d", g.info.Ordinal)
	}
	streams := []*Stream{}
	for _, r := range g.owned {
		if s, ok := r.(*Stream); ok {
			streams = append(streams, s)
		}
	}
	fault, lost := g.condemned, g.lost
	g.mu.Unlock()

	var failures []error
	if fault == nil {
		for _, s := range streams {
			err := s.Wait(ctx)
			if ctx.Err() != nil {
				return err
			}
			failures = append(failures, err)
		}
	}
	if !lost {
		err := g.drain(ctx)
		if ctx.Err() != nil {
			return err
		}
		failures = append(failures, err)
	}
	g.mu.Lock()
	owned := g.owned
	g.owned, g.closed, lost = nil, true, g.lost
	g.mu.Unlock()
	if lost {
		return errors.Join(append(failures, fail(ErrLost, "", "device %d: its memory is given up until the process ends", g.info.Ordinal))...)
	}
	for _, r := range slices.Backward(owned) {
		failures = append(failures, r.release())
	}
	failures = append(failures, g.destroy("cuDevicePrimaryCtxRelease_v2", func() C.int {
		return C.verifyd_cuDevicePrimaryCtxRelease_v2(&g.driver.api, nil, g.dev)
	}))
	return errors.Join(failures...)
}
