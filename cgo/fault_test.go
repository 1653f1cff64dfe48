//go:build cgo && linux

package cgo_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/verifyd/verifyd/cgo"
)

// classes are all that errors.Is may answer.
var classes = []error{cgo.ErrNoDriver, cgo.ErrOldDriver, cgo.ErrNoDevice, cgo.ErrUnavailable, cgo.ErrUnsupported, cgo.ErrOutOfMemory,
	cgo.ErrBadModule, cgo.ErrInvalid, cgo.ErrSticky, cgo.ErrECC, cgo.ErrTimeout, cgo.ErrLost, cgo.ErrClosed, cgo.ErrDriver}

// journey uses all that the package has, as an engine would, and stops at the first error; what is
// open then is closed.
func journey(opts cgo.Options) (err error) {
	ctx := context.Background()
	m, err := cgo.OpenMonitor(background, opts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close(ctx)) }()
	driver, err := cgo.Open(background, opts)
	if err != nil {
		return err
	}
	devices, err := driver.Devices(background)
	if err != nil {
		return err
	}
	if _, err := m.Health(background, devices[0].UUID); err != nil {
		return err
	}
	watched, stop := context.WithCancel(ctx)
	if err := m.Watch(watched, devices[0].UUID, func(cgo.Xid) { stop() }); err != nil {
		stop()
		return err
	}
	g, err := driver.OpenDevice(ctx, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.Close(ctx)) }()
	if _, _, err := g.Memory(); err != nil {
		return err
	}
	module, err := g.Load(ctx, "test", []byte(fakePTX))
	if err != nil {
		return err
	}
	k, err := module.Kernel("increment")
	if err != nil {
		return err
	}
	s, err := g.NewStream()
	if err != nil {
		return err
	}
	pool := g.NewPool(s, 1<<20)
	a, err := pool.Alloc(ctx, 800<<10)
	if err != nil {
		return err
	}
	if err := pool.Free(a); err != nil {
		return err
	}
	b, err := pool.Alloc(ctx, 900<<10) // needs the first block back
	if err != nil {
		return err
	}
	word, err := b.Slice(0, 4)
	if err != nil {
		return err
	}
	start, err := g.NewEvent()
	if err != nil {
		return err
	}
	end, err := g.NewEvent()
	if err != nil {
		return err
	}
	launch := func() error {
		one := [3]uint32{1, 1, 1}
		return s.Launch(ctx, cgo.Launch{Kernel: k, Grid: one, Block: one, Shared: 64 << 10, Args: []cgo.Arg{word.Arg()}})
	}
	step, err := s.Capture(ctx, func() error { return errors.Join(launch(), launch(), launch()) })
	if err != nil {
		return err
	}
	next, err := b.Slice(4, 4)
	if err != nil {
		return err
	}
	data := make([]byte, 4)
	for _, do := range []func() error{
		func() error { return s.Fill(ctx, word, 40) },
		func() error { return start.Record(s) },
		func() error { return step.Launch(ctx, s) },
		func() error { return end.Record(s) },
		func() error { return s.After(ctx, end) },
		func() error { return s.Copy(ctx, next, word) },
		func() error { return s.Download(ctx, data, next) },
		func() error { return s.Upload(ctx, word, data) },
		func() error { return s.Wait(ctx) },
		func() error { _, err := end.Since(start); return err },
		func() error { return step.Close() },
		func() error { return pool.Free(b) },
		func() error { return pool.Trim(ctx) },
		func() error { return pool.Close(ctx) },
		func() error { return module.Close() },
		func() error { return start.Close() },
		func() error { return s.Close(ctx) },
	} {
		if err := do(); err != nil {
			return err
		}
	}
	if data[0] != 43 || step.Nodes() != 3 {
		return fmt.Errorf("%d after %d launches on 40", data[0], step.Nodes())
	}
	return nil
}

func TestEveryFailingCallGivesAClassAndLeaksNothing(t *testing.T) {
	f := newFake(t)
	f.Control()
	check(t, journey(f.options()))
	f.requireNoLeak()
	calls := f.calls()
	t.Logf("%d calls", len(calls))
	for _, c := range []struct {
		code  int
		class error
	}{{2, cgo.ErrOutOfMemory}, {719, cgo.ErrSticky}, {214, cgo.ErrECC}, {709, cgo.ErrLost}, {999, nil}} {
		for i, name := range calls {
			f.Control(fmt.Sprintf("fail * %d %d", i, c.code))
			err := journey(f.options())
			if err == nil {
				t.Errorf("call %d, %s, returned %d and nobody was told", i, name, c.code)
				continue
			}
			if !slices.ContainsFunc(classes, func(class error) bool { return errors.Is(err, class) }) {
				t.Errorf("call %d, %s: no class: %v", i, name, err)
			}
			if c.class != nil && len(name) > 2 && name[:2] == "cu" && !errors.Is(err, c.class) {
				t.Errorf("call %d, %s, returned %d: %v", i, name, c.code, err)
			}
			if c.class != cgo.ErrLost { // a lost device gives its memory up
				f.requireNoLeak()
			} else {
				f = newFake(t)
			}
			if t.Failed() {
				t.Fatalf("at call %d, %s, returning %d: %v", i, name, c.code, err)
			}
		}
	}
}

func TestAFaultyKernelPoisonsTheDeviceUntilItIsClosed(t *testing.T) {
	f := newFake(t)
	f.Control()
	g := f.open(f.options())
	s := must(g.NewStream())(t)
	trap := must(must(g.Load(background, "test", []byte(fakePTX)))(t).Kernel("trap"))(t)
	one := [3]uint32{1, 1, 1}
	check(t, s.Launch(background, cgo.Launch{Kernel: trap, Grid: one, Block: one}))
	err := s.Wait(background)
	var e *cgo.Error
	if !errors.Is(err, cgo.ErrSticky) || !errors.As(err, &e) || e.Code != 700 {
		t.Errorf("wait: %v", err)
	}
	f.Control()
	_, alloc := g.NewPool(s, 1<<20).Alloc(background, 4)
	for name, err := range map[string]error{"fault": g.Fault(), "alloc": alloc, "wait": s.Wait(background)} {
		if !errors.Is(err, cgo.ErrSticky) || errors.Is(err, cgo.ErrLost) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if calls := f.Log(); len(calls) > 1 || calls[0] != "" {
		t.Errorf("the driver was asked although the context is poisoned: %v", calls)
	}
	if err := g.Close(background); !errors.Is(err, cgo.ErrSticky) {
		t.Errorf("close: %v", err)
	}
	if log := f.Log(); !slices.Contains(log, "-context") {
		t.Errorf("the context was not released: %v", log)
	}
}

func TestAKernelThatHangsMakesTheDeviceLost(t *testing.T) {
	f := newFake(t)
	f.Control()
	opts := f.options()
	opts.Watchdog = 30 * time.Millisecond
	g := f.open(opts)
	s := must(g.NewStream())(t)
	f.Also("hang")
	if err := s.Wait(background); !errors.Is(err, cgo.ErrTimeout) || !errors.Is(err, cgo.ErrLost) {
		t.Errorf("wait: %v", err)
	}
	f.Control("hang")
	_, alloc := g.NewPool(s, 1<<20).Alloc(background, 4)
	_, _, memory := g.Memory()
	for name, err := range map[string]error{"alloc": alloc, "memory": memory, "wait": s.Wait(background), "stream": s.Close(background), "close": g.Close(background)} {
		if !errors.Is(err, cgo.ErrLost) && !errors.Is(err, cgo.ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if calls := f.Log(); len(calls) > 1 || calls[0] != "" {
		t.Errorf("a driver that may never answer was asked: %v", calls)
	}
}

func TestClosingFindsTheKernelThatHangs(t *testing.T) {
	f := newFake(t)
	f.Control()
	opts := f.options()
	opts.Watchdog = 30 * time.Millisecond
	g := f.open(opts)
	must(g.NewStream())(t)
	f.Also("hang")
	if err := g.Close(background); !errors.Is(err, cgo.ErrTimeout) || !errors.Is(err, cgo.ErrLost) {
		t.Error(err)
	}
	if slices.Contains(f.calls(), "cuStreamDestroy_v2") {
		t.Error("the driver was asked for what it may never answer")
	}
}

func TestACallThatNeverReturnsMakesTheDeviceLost(t *testing.T) {
	f := newFake(t)
	f.Control()
	opts := f.options()
	opts.Watchdog = 30 * time.Millisecond
	g := f.open(opts)
	s := must(g.NewStream())(t)
	pool := g.NewPool(s, 1<<20)
	f.Also("block cuMemAlloc_v2")
	if _, err := pool.Alloc(background, 4); !errors.Is(err, cgo.ErrTimeout) || !errors.Is(err, cgo.ErrLost) {
		t.Errorf("alloc: %v", err)
	}
	if err := g.Close(background); !errors.Is(err, cgo.ErrLost) {
		t.Errorf("close: %v", err)
	}
	f.Also() // lets the thread go
}

func TestAContextThatEndsLeavesTheDeviceSound(t *testing.T) {
	f := newFake(t)
	f.Control()
	g := f.open(f.options())
	s := must(g.NewStream())(t)
	pool := g.NewPool(s, 1<<20)
	f.Also("hang")
	ctx, stop := context.WithTimeout(background, 20*time.Millisecond)
	if err := s.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, cgo.ErrTimeout) {
		t.Errorf("wait: %v", err)
	}
	stop()
	ctx, stop = context.WithTimeout(background, 20*time.Millisecond)
	if err := g.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("close: %v", err)
	}
	stop()
	f.Also("block cuMemAlloc_v2")
	ctx, stop = context.WithTimeout(background, 20*time.Millisecond)
	if _, err := pool.Alloc(ctx, 4); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("alloc: %v", err)
	}
	stop()
	f.Also()
	check(t, g.Fault())
	if _, err := pool.Alloc(ctx, 4); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a context that has ended: %v", err)
	}
	check(t, g.Close(background)) // waits for the abandoned call, whose memory is taken back
	f.requireNoLeak()
}

func TestADriverThatDoesNotAnswerIsGivenUp(t *testing.T) {
	f := newFake(t)
	opts := f.options()
	opts.Watchdog = 50 * time.Millisecond
	for _, call := range []string{"cuInit", "cuDeviceGetCount", "nvmlInit_v2", "nvmlDeviceGetTemperature"} {
		f.Control("block " + call)
		err := func() error {
			driver, err := cgo.Open(background, opts)
			if err != nil {
				return err
			}
			devices, err := driver.Devices(background)
			if err != nil {
				return err
			}
			m, err := cgo.OpenMonitor(background, opts)
			if err != nil {
				return err
			}
			_, err = m.Health(background, devices[0].UUID)
			return err
		}()
		if !errors.Is(err, cgo.ErrTimeout) {
			t.Errorf("%s: %v", call, err)
		}
		f.Also() // lets the thread go
	}
}
