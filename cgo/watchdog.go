//go:build cgo && linux

package cgo

// #include "library.h"
import "C"

import (
	"context"
	"runtime"
	"time"
)

// How an event is waited for. cuEventSynchronize would block in the driver, where neither a context nor the
// watchdog reaches the waiter, so the event is polled: at once for as long as a step of a small model takes (a
// graph of forty kernels, 0.1 to 0.3 ms), because the operating system wakes a sleeper 50 us late or
// more; then with sleeps of a 32nd of the time passed, so that no step ends much later than it was done
// and a long one costs no processor. Between two polls other goroutines run.
const (
	spin       = 500 * time.Microsecond
	sleepShare = 32
	maxSleep   = time.Millisecond
)

// notReady is the result of a query while work is in flight.
const notReady = 600

// await polls an event until it has happened. See the package's comment for what ends it otherwise.
func (g *Device) await(ctx context.Context, e C.CUevent) error {
	start := time.Now()
	for {
		code := C.verifyd_cuEventQuery(&g.driver.api, g.ctx, e)
		if code != notReady {
			return g.check("cuEventQuery", code)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		waited := time.Since(start)
		switch {
		case waited > g.driver.opts.Watchdog:
			return g.hang("cuEventQuery")
		case waited < spin:
			runtime.Gosched()
		default:
			time.Sleep(min(waited/sleepShare, maxSleep))
		}
	}
}

// hang marks the device as lost after a call or a wait that exceeded the watchdog.
func (g *Device) hang(call string) error {
	err := &Error{Call: call, Detail: "no end after " + g.driver.opts.Watchdog.String() + "; end the process to use the device again",
		Class: []error{ErrTimeout, ErrLost}}
	g.condemn(err)
	return err
}

// guard makes a call that the driver may keep for long, on a thread of its own. If ctx or the
// watchdog ends first, guard returns, and undo takes back what the call may still achieve. What call
// writes must not be read unless guard returns nil.
func (g *Device) guard(ctx context.Context, name string, call, undo func() C.int) error {
	if err := g.usable(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	g.mu.Lock()
	g.calls.Add(1)
	g.mu.Unlock()
	done := make(chan C.int)
	abandoned := make(chan struct{})
	go func() {
		defer g.calls.Done()
		code := call()
		select {
		case done <- code:
		case <-abandoned:
			if code == 0 && undo != nil {
				undo()
			}
		}
	}()
	timer := time.NewTimer(g.driver.opts.Watchdog)
	defer timer.Stop()
	select {
	case code := <-done:
		return g.check(name, code)
	case <-ctx.Done():
		close(abandoned)
		return context.Cause(ctx)
	case <-timer.C:
		close(abandoned)
		return g.hang(name)
	}
}

// bounded runs f on a goroutine of its own and returns what f returns, unless ctx or the watchdog ends
// first: then f goes on by itself, and undo takes back what it achieves.
func bounded[T any](ctx context.Context, limit time.Duration, name string, f func() (T, error), undo func(T)) (T, error) {
	type result struct {
		v   T
		err error
	}
	var none T
	if ctx.Err() != nil {
		return none, context.Cause(ctx)
	}
	done, abandoned := make(chan result), make(chan struct{})
	go func() {
		v, err := f()
		select {
		case done <- result{v, err}:
		case <-abandoned:
			if err == nil && undo != nil {
				undo(v)
			}
		}
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case r := <-done:
		return r.v, r.err
	case <-ctx.Done():
		close(abandoned)
		return none, context.Cause(ctx)
	case <-timer.C:
		close(abandoned)
		return none, &Error{Call: name, Detail: "no end after " + limit.String(), Class: []error{ErrTimeout, ErrLost}}
	}
}

// drain waits for the calls that were abandoned.
func (g *Device) drain(ctx context.Context) error {
	idle := make(chan struct{})
	go func() {
		g.calls.Wait()
		close(idle)
	}()
	timer := time.NewTimer(g.driver.opts.Watchdog)
	defer timer.Stop()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return g.hang("an abandoned call")
	}
}
