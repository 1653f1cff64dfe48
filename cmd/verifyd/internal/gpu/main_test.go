package gpu

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/verifyd/verifyd/cgo"
	"github.com/verifyd/verifyd/kernels/launch"
	"github.com/verifyd/verifyd/kernels/ptx"
	"github.com/verifyd/verifyd/kernels/ptx/interpreter"
	"github.com/verifyd/verifyd/verify/engine"
)

// rigged says what a child of the tests serves, in its environment: "interpreter", "idle", "cuda" or a failure,
// and then what goes wrong at which request, such as "kill 7".
const rigged = "VERIFYD_TEST_CHILD"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == Command {
		if err := testChild(); err != nil {
			fmt.Fprintf(os.Stderr, "verifyd: %v\n", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// testChild is what gpu-child is in a child of the tests.
func testChild() error {
	rig, fault, _ := strings.Cut(os.Getenv(rigged), ", ")
	ctx := context.Background()
	ordinal, err := ParseName(os.Args[3])
	if err != nil {
		return err
	}
	if rig == "cuda" {
		watchdog, err := time.ParseDuration(os.Args[5])
		if err != nil {
			return err
		}
		return Child(ctx, ordinal, watchdog)
	}
	return serveParent(ctx, func() (*Server, cgo.Info, error) {
		s := &script{}
		if _, err := fmt.Sscanf(fault, "%s %d", &s.what, &s.at); fault != "" && err != nil {
			return nil, cgo.Info{}, err
		}
		info := cgo.Info{Ordinal: max(ordinal, 0), Name: "Paper GPU", UUID: "GPU-paper", Memory: 1 << 30, Major: 9, Driver: 12040}
		switch rig {
		case "idle":
			return &Server{Open: s.wrap(func(int) engine.Accelerator { return &idle{} }), Fault: s.fault}, info, nil
		case "interpreter":
			modules, err := ptx.Modules()
			if err != nil {
				return nil, info, err
			}
			machine, err := interpreter.New(modules, 0)
			if err != nil {
				return nil, info, err
			}
			var turn sync.Mutex
			open := func(words int) engine.Accelerator { return &inTurn{machine.Memory(words), &turn} }
			return &Server{Open: s.wrap(open), Fault: s.fault}, info, nil
		case "no driver":
			return nil, info, fail(cgo.ErrNoDriver, "libcuda.so.1: cannot open shared object file")
		case "silent":
			time.Sleep(time.Minute)
		}
		return nil, info, errors.New("no such rig")
	})
}

// script makes something go wrong at one request of all that a child gets, counted from 0.
type script struct {
	what     string // "kill", "hang", "sticky", "memory" or nothing
	at       int64
	requests atomic.Int64
	sticky   atomic.Bool
}

var errSticky = fail(cgo.ErrSticky, "an illegal address")

func (s *script) fault() error {
	if s.sticky.Load() {
		return errSticky
	}
	return nil
}

// step is called by each request.
func (s *script) step() error {
	if s.requests.Add(1)-1 != s.at {
		return nil
	}
	switch s.what {
	case "kill":
		fmt.Fprintln(os.Stderr, "something went wrong in the driver")
		return syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "hang":
		time.Sleep(time.Minute)
	case "sticky":
		s.sticky.Store(true)
		return errSticky
	case "memory":
		return fail(cgo.ErrOutOfMemory, "4096 bytes")
	}
	return nil
}

func (s *script) wrap(open func(words int) engine.Accelerator) func(context.Context, int) (engine.Accelerator, error) {
	return func(_ context.Context, words int) (engine.Accelerator, error) {
		if err := s.step(); err != nil {
			return nil, err
		}
		return &scripted{open(words), s}, nil
	}
}

// scripted is an accelerator that fails as its script says.
type scripted struct {
	engine.Accelerator
	script *script
}

func (a *scripted) Write(ctx context.Context, offset int, words []uint32) error {
	return errors.Join(a.script.step(), a.Accelerator.Write(ctx, offset, words))
}

func (a *scripted) Read(ctx context.Context, words []uint32, offset int) error {
	return errors.Join(a.script.step(), a.Accelerator.Read(ctx, words, offset))
}

func (a *scripted) Record(ctx context.Context, r launch.Routine) (int, error) {
	if err := a.script.step(); err != nil {
		return 0, err
	}
	return a.Accelerator.Record(ctx, r)
}

func (a *scripted) Run(ctx context.Context, routine int, in, out []uint32) error {
	return errors.Join(a.script.step(), a.Accelerator.Run(ctx, routine, in, out))
}

func (a *scripted) Close(ctx context.Context) error {
	return errors.Join(a.script.step(), a.Accelerator.Close(ctx))
}

// inTurn is one of several memories of one machine, which runs one routine at a time.
type inTurn struct {
	*interpreter.Memory
	turn *sync.Mutex
}

func (a *inTurn) Run(ctx context.Context, routine int, in, out []uint32) error {
	a.turn.Lock()
	defer a.turn.Unlock()
	return a.Memory.Run(ctx, routine, in, out)
}

// idle is an accelerator that computes nothing.
type idle struct{ routines int }

func (*idle) Write(context.Context, int, []uint32) error { return nil }
func (*idle) Read(context.Context, []uint32, int) error  { return nil }
func (a *idle) Record(context.Context, launch.Routine) (int, error) {
	a.routines++
	return a.routines - 1, nil
}
func (*idle) Run(context.Context, int, []uint32, []uint32) error { return nil }
func (*idle) Close(context.Context) error                        { return nil }

// open starts a device whose children serve a rig.
func open(t testing.TB, rig string, o Options) *Device {
	t.Helper()
	t.Setenv(rigged, rig)
	d, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}
