//go:build cgo && linux

package cgo_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/verifyd/verifyd/cgo"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/launch"
)

// echo is a routine of two plans, one with a workspace, that gives back what it gets: the driver of these tests
// has no kernels, so that nothing writes between.
func echo(t *testing.T) launch.Routine {
	t.Helper()
	const n = 70000
	return launch.Routine{
		Calls: []launch.Planned{
			{Plan: must(launch.For(kernels.ReLU{N: n}))(t), Operands: []kernels.Range{{Offset: 0, Words: n}, {Offset: n, Words: n}}},
			{Plan: must(launch.For(kernels.Sum{N: n}))(t), Operands: []kernels.Range{{Offset: n, Words: n}, {Offset: 2 * n, Words: 1}}},
		},
		In: kernels.Range{Offset: 5, Words: 3}, Out: kernels.Range{Offset: 6, Words: 3},
	}
}

// echoWords is the memory that echo needs.
const echoWords = 140001

// life is all that an engine asks of an accelerator, up to the first error. The accelerator is closed in any
// case, the rest is the caller's.
func life(ctx context.Context, g *cgo.Device, set *cgo.Kernels, r launch.Routine) (err error) {
	a, err := cgo.NewAccelerator(ctx, g, set, echoWords, 32<<20)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close(background)) }()
	state := make([]uint32, echoWords)
	state[8] = 40
	if err := a.Write(ctx, 0, state); err != nil {
		return err
	}
	routine, err := a.Record(ctx, r)
	if err != nil {
		return err
	}
	out := make([]uint32, 3)
	for range 2 {
		if err := a.Run(ctx, routine, []uint32{41, 42, 43}, out); err != nil {
			return err
		}
	}
	if err := a.Read(ctx, state, 0); err != nil {
		return err
	}
	if !slices.Equal(out, []uint32{42, 43, 40}) || !slices.Equal(state[4:9], []uint32{0, 41, 42, 43, 40}) {
		return fmt.Errorf("%d came back, %d is there", out, state[4:9])
	}
	return nil
}

func TestEveryFailingCallOfAnAcceleratorGivesItsClassAndLeaksNothing(t *testing.T) {
	f, r := newFake(t), echo(t)
	f.Control()
	g := f.open(f.options())
	set := must(cgo.NewKernels(g))(t)
	f.Control()
	check(t, life(background, g, set, r))
	calls := f.calls()
	check(t, set.Close())
	check(t, g.Close(background))
	t.Logf("%d calls", len(calls))
	// left names what was made in this run and is still there; the context is older.
	left := func(f *fake, but ...string) (kinds []string) {
		for kind, n := range f.alive() {
			if n != 0 && kind != "context" && !slices.Contains(but, kind) {
				kinds = append(kinds, kind)
			}
		}
		return kinds
	}
	if kinds := left(f); len(kinds) > 0 {
		t.Errorf("left: %v", kinds)
	}

	for _, c := range []struct {
		code   int
		class  error
		sticky bool // later use of the device says so
	}{{2, cgo.ErrOutOfMemory, false}, {999, cgo.ErrDriver, false}, {700, cgo.ErrSticky, true}, {214, cgo.ErrECC, true}, {709, cgo.ErrLost, true}} {
		for i, name := range calls {
			if name == "cuCtxSetCurrent" { // comes before each other call, and answers in its place
				continue
			}
			f := f
			if c.class == cgo.ErrLost { // a lost device gives its memory up
				f = newFake(t)
			}
			f.Control()
			g := f.open(f.options())
			set := must(cgo.NewKernels(g))(t)
			f.Control(fmt.Sprintf("fail * %d %d", i, c.code))
			err := life(background, g, set, r)
			if !errors.Is(err, c.class) {
				t.Fatalf("call %d, %s, returned %d: %v", i, name, c.code, err)
			}
			if n := strings.Count(err.Error(), "\n"); c.sticky && n > 2 {
				t.Errorf("call %d, %s: the error goes on for %d lines: %v", i, name, n, err)
			}
			f.Also()
			if again := life(background, g, set, r); c.sticky != (again != nil) || c.sticky && !errors.Is(again, c.class) {
				t.Errorf("after call %d, %s, returned %d: %v", i, name, c.code, again)
			}
			if kinds := left(f, "module"); c.class != cgo.ErrLost && len(kinds) > 0 {
				t.Errorf("call %d, %s, returned %d: left by the accelerator: %v", i, name, c.code, kinds)
			}
			_, _ = set.Close(), g.Close(background)
			if kinds := left(f); c.class != cgo.ErrLost && len(kinds) > 0 {
				t.Errorf("call %d, %s, returned %d: left by all: %v", i, name, c.code, kinds)
			}
			if t.Failed() {
				t.FailNow()
			}
		}
	}
}

func TestAnAcceleratorThatHangsTimesOutAndItsDeviceIsLost(t *testing.T) {
	const large = 3 << 20 // more than both pinned buffers take
	r := echo(t)
	for name, do := range map[string]func(*cgo.Accelerator, int) error{
		"run": func(a *cgo.Accelerator, n int) error {
			return a.Run(background, n, make([]uint32, 3), make([]uint32, 3))
		},
		"read":  func(a *cgo.Accelerator, _ int) error { return a.Read(background, make([]uint32, 1), 0) },
		"write": func(a *cgo.Accelerator, _ int) error { return a.Write(background, 0, make([]uint32, large)) },
		"close": func(a *cgo.Accelerator, _ int) error { return a.Close(background) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.Control()
			opts := f.options()
			opts.Watchdog = time.Second // of every call before the hang, too, however busy the machine
			g := f.open(opts)
			a := must(cgo.NewAccelerator(background, g, must(cgo.NewKernels(g))(t), large, 32<<20))(t)
			routine := must(a.Record(background, r))(t)
			f.Also("hang")
			if err := do(a, routine); !errors.Is(err, cgo.ErrTimeout) || !errors.Is(err, cgo.ErrLost) {
				t.Error(err)
			}
			f.Control()
			for after, err := range map[string]error{"run": a.Run(background, routine, make([]uint32, 3), make([]uint32, 3)), "fault": g.Fault(), "close": a.Close(background)} {
				if !errors.Is(err, cgo.ErrLost) && !errors.Is(err, cgo.ErrClosed) {
					t.Errorf("then %s: %v", after, err)
				}
			}
			if calls := f.Log(); len(calls) > 1 || calls[0] != "" {
				t.Errorf("a driver that may never answer was asked: %v", calls)
			}
			_ = g.Close(background)
		})
	}
}

func TestACallThatTheDriverKeepsTimesOut(t *testing.T) {
	r := echo(t)
	for _, call := range []string{"cuMemAlloc_v2", "cuMemHostAlloc", "cuModuleLoadDataEx", "cuGraphInstantiateWithFlags"} {
		f := newFake(t)
		f.Control("block " + call)
		opts := f.options()
		opts.Watchdog = 100 * time.Millisecond
		g := f.open(opts)
		if err := life(background, g, must(cgo.NewKernels(g))(t), r); !errors.Is(err, cgo.ErrTimeout) || !errors.Is(err, cgo.ErrLost) {
			t.Errorf("%s: %v", call, err)
		}
		f.Also() // lets the thread go
		_ = g.Close(background)
	}
}

func TestAnAcceleratorNeverExceedsItsLimit(t *testing.T) {
	f, r := newFake(t), echo(t)
	f.Control("memory 1048576")
	g := f.open(f.options())
	set := must(cgo.NewKernels(g))(t)
	_, small := cgo.NewAccelerator(background, g, set, echoWords, 4*echoWords-1)
	_, huge := cgo.NewAccelerator(background, g, set, 1<<62, 1<<63)
	_, full := cgo.NewAccelerator(background, g, set, 1<<18+1, 1<<40) // the device has less
	exact := must(cgo.NewAccelerator(background, g, set, echoWords, 4*echoWords))(t)
	_, workspace := exact.Record(background, r)
	for name, err := range map[string]error{"limit": small, "no such memory": huge, "device": full, "workspace": workspace} {
		if !errors.Is(err, cgo.ErrOutOfMemory) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if text := small.Error(); !strings.Contains(text, fmt.Sprint(echoWords)) || !strings.Contains(text, fmt.Sprint(4*echoWords-1)) {
		t.Errorf("neither need nor limit: %s", text)
	}
	r.Calls = r.Calls[:1] // without a workspace
	routine := must(exact.Record(background, r))(t)
	check(t, exact.Run(background, routine, make([]uint32, 3), make([]uint32, 3)))
	check(t, exact.Close(background))
	check(t, g.Fault()) // lack of memory poisons nothing
	check(t, set.Close())
	check(t, g.Close(background))
	f.requireNoLeak()
}

func TestAContextThatEndsLeavesTheAcceleratorSound(t *testing.T) {
	f, r := newFake(t), echo(t)
	f.Control()
	g := f.open(f.options())
	set := must(cgo.NewKernels(g))(t)
	const large = 3 << 20 // words, more than both pinned buffers take
	a := must(cgo.NewAccelerator(background, g, set, large, 32<<20))(t)
	routine := must(a.Record(background, r))(t)
	for name, do := range map[string]func(context.Context) error{
		"run":   func(ctx context.Context) error { return a.Run(ctx, routine, make([]uint32, 3), make([]uint32, 3)) },
		"read":  func(ctx context.Context) error { return a.Read(ctx, make([]uint32, 1), 0) },
		"write": func(ctx context.Context) error { return a.Write(ctx, 0, make([]uint32, large)) },
		"close": a.Close,
	} {
		f.Also("hang")
		ctx, stop := context.WithTimeout(background, 20*time.Millisecond)
		if err := do(ctx); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, cgo.ErrTimeout) {
			t.Errorf("%s: %v", name, err)
		}
		stop()
		f.Also()
		out := make([]uint32, 3)
		check(t, a.Write(background, 8, []uint32{9}))
		check(t, a.Run(background, routine, []uint32{7, 8, 9}, out))
		if !slices.Equal(out, []uint32{8, 9, 9}) {
			t.Errorf("after %s: %d", name, out)
		}
	}
	ctx, stop := context.WithCancel(background)
	stop()
	if err := life(ctx, g, set, r); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that has ended: %v", err)
	}
	check(t, a.Close(background))
	check(t, set.Close())
	check(t, g.Close(background))
	f.requireNoLeak()
}
