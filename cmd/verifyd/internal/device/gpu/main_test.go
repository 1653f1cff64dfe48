//go:build linux

package gpu

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/verifyd/verifyd/cgo"
	"github.com/verifyd/verifyd/kernels/launch"
	"github.com/verifyd/verifyd/kernels/ptx/interpreter"
	"github.com/verifyd/verifyd/verify/engine"
)

// The environment of a child of the tests.
const (
	// rigged says what it serves, and then what goes wrong at which request: "recording, kill 7".
	rigged = "VERIFYD_TEST_CHILD"
	// recordings is the file of a recording.
	recordings = "VERIFYD_TEST_RECORDING"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == Command {
		if err := testChild(); err != nil {
			fmt.Fprintf(os.Stderr, "verifyd: %v\n", err)
			time.Sleep(50 * time.Millisecond) // the parent must not take it for one that serves
			os.Exit(1)
		}
		os.Exit(0)
	}
	if len(os.Args) > 1 && os.Args[1] == parentOfOne {
		fmt.Fprintln(os.Stderr, testParent())
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// parentOfOne is the argument of a process that starts a child, prints its number and waits for it.
const parentOfOne = "gpu-parent"

func testParent() error {
	ctx := context.Background()
	d, err := Open(ctx, Options{})
	if err != nil {
		return err
	}
	a, err := d.Accelerator(ctx, 16)
	if err != nil {
		return err
	}
	fmt.Println(d.child.process.Pid)
	if err := a.Write(ctx, 0, make([]uint32, 16)); err != nil {
		return err
	}
	time.Sleep(time.Minute)
	return errors.New("nobody ended this")
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
		case "recording":
			outs, err := readRecording(os.Getenv(recordings))
			return &Server{Open: s.wrap(func(int) engine.Accelerator { return &player{outs: outs} }), Fault: s.fault}, info, err
		case "interpreter":
			m, err := interpreter.Shipped(0)
			return &Server{Open: s.wrap(func(words int) engine.Accelerator { return m.Memory(words) }), Fault: s.fault}, info, err
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

// hanging is what a child says before it does.
const hanging = "hanging"

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
		fmt.Fprintln(os.Stderr, hanging)
		time.Sleep(time.Minute)
	case "doze":
		time.Sleep(500 * time.Millisecond)
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

// recorder keeps what comes out of runs and what is read between them.
type recorder struct {
	engine.Accelerator
	outs [][]uint32
}

func (a *recorder) Read(ctx context.Context, words []uint32, offset int) error {
	err := a.Accelerator.Read(ctx, words, offset)
	a.outs = append(a.outs, slices.Clone(words))
	return err
}

func (a *recorder) Run(ctx context.Context, routine int, in, out []uint32) error {
	err := a.Accelerator.Run(ctx, routine, in, out)
	a.outs = append(a.outs, slices.Clone(out))
	return err
}

// player gives what a recorder has kept, in its order: an accelerator without the time that kernels take in an
// interpreter.
type player struct {
	idle
	outs [][]uint32
}

func (a *player) Read(_ context.Context, words []uint32, _ int) error { return a.next(words) }

func (a *player) Run(_ context.Context, _ int, _, out []uint32) error { return a.next(out) }

func (a *player) next(out []uint32) error {
	if len(a.outs) == 0 || len(out) != len(a.outs[0]) {
		return errors.New("this is not what was recorded")
	}
	copy(out, a.outs[0])
	a.outs = a.outs[1:]
	return nil
}

func readRecording(path string) (outs [][]uint32, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return outs, json.Unmarshal(data, &outs)
}

// open starts a device whose children serve a rig.
func open(t testing.TB, rig string, o Options) *Device {
	t.Helper()
	o.environment = append(o.environment, rigged+"="+rig)
	d, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}
