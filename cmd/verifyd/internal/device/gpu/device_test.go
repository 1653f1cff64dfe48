//go:build linux

package gpu

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/verifyd/verifyd/cgo"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/engine"
)

func TestAClaimIsJudgedInAChildAsOnTheCPU(t *testing.T) {
	c := newClaim(t)
	d := open(t, "interpreter", Options{})
	v, blamed := c.on(t, d, cpus(t))
	if v.Build.Device != "cuda:0 Paper GPU, driver 12.4" || v.Build.Device != d.Name() || len(blamed) > 0 {
		t.Errorf("judged on %q, %q was blamed for %v", v.Build.Device, d.Name(), blamed)
	}
}

func TestSeveralClaimsAreJudgedSideBySideInOneChild(t *testing.T) {
	c := newClaim(t)
	d := open(t, "recording", Options{environment: []string{recordings + "=" + c.record(t)}})
	first := d.child
	var group sync.WaitGroup
	for range 8 {
		devices := cpus(t)
		group.Go(func() {
			if _, blamed := c.on(t, d, devices); len(blamed) > 0 {
				t.Errorf("blamed for %v", blamed)
			}
		})
	}
	group.Wait()
	if d.child != first {
		t.Error("more than one child has served")
	}
}

func TestWordsCrossInPiecesAndComeBack(t *testing.T) {
	d := open(t, "interpreter", Options{})
	sent := make([]uint32, 3*chunk+5)
	for i := range sent {
		sent[i] = uint32(i) * 2654435761
	}
	a := must(d.Accelerator(t.Context(), len(sent)+9))(t)
	if err := a.Write(t.Context(), 7, sent); err != nil {
		t.Fatal(err)
	}
	got := make([]uint32, len(sent)+9)
	if err := a.Read(t.Context(), got, 0); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got[7:len(sent)+7], sent) || got[6] != 0 || got[len(sent)+7] != 0 {
		t.Error("other words came back")
	}
	for _, at := range []int{10, len(sent) + 10} {
		if err := a.Write(t.Context(), at, sent); !errors.Is(err, cgo.ErrInvalid) {
			t.Errorf("at %d: %v", at, err)
		}
	}
	if err := a.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := a.Write(t.Context(), 0, sent); !errors.Is(err, cgo.ErrClosed) {
		t.Error(err)
	}
}

// faults are what can go wrong at a request, and the classes of the error that the device is blamed for.
var faults = map[string][]error{
	"kill":   {cgo.ErrLost},
	"sticky": {cgo.ErrSticky},
	"memory": {cgo.ErrOutOfMemory},
	"hang":   {cgo.ErrTimeout, cgo.ErrLost},
}

func TestAChildThatFailsAtAnyRequestIsReplacedAndTheEvidenceIsTheSame(t *testing.T) {
	c := newClaim(t)
	recording := recordings + "=" + c.record(t)
	for what, classes := range faults {
		if what == "hang" {
			continue // takes its time
		}
		t.Run(what, func(t *testing.T) {
			devices := cpus(t)
			for at := 0; ; at++ {
				o := Options{environment: []string{recording}}
				if !c.failing(t, fmt.Sprintf("recording, %s %d", what, at), o, devices, classes) {
					if at < 12 {
						t.Errorf("all was done with %d requests", at)
					}
					break
				}
			}
		})
	}
}

func TestAChildThatHangsIsKilledAndTheEvidenceIsTheSame(t *testing.T) {
	t.Parallel()
	c := newClaim(t)
	o := Options{Watchdog: 4 * time.Second, Margin: time.Second, environment: []string{recordings + "=" + c.record(t)}}
	for _, at := range []int{0, 1, 3, 6} { // open, a write, a record and a run
		t.Run(fmt.Sprintf("at request %d", at), func(t *testing.T) {
			t.Parallel()
			if !c.failing(t, fmt.Sprintf("recording, hang %d", at), o, cpus(t), faults["hang"]) {
				t.Error("nothing hung")
			}
		})
	}
}

// failing judges the claim in a child that fails as rig says, and then in one that does not. It says whether the
// first was blamed.
func (c *claim) failing(t *testing.T, rig string, o Options, cpus []engine.Device, classes []error) bool {
	t.Helper()
	d := open(t, rig, o)
	defer d.Close()
	first := d.child
	_, blamed := c.on(t, d, cpus)
	if len(blamed) == 0 {
		return false
	}
	for _, class := range append(classes, engine.ErrDevice) {
		if !errors.Is(blamed[0], class) {
			t.Errorf("%s: %v, want %v", rig, blamed[0], class)
		}
	}
	d.opts.environment = append(d.opts.environment, rigged+"=recording")
	if _, blamed := c.on(t, d, cpus); len(blamed) > 0 {
		t.Errorf("%s: then a child was blamed for %v", rig, blamed)
	}
	if survives := classes[0] == cgo.ErrOutOfMemory; survives != (d.child == first) {
		t.Errorf("%s: the child that failed serves on: %v", rig, d.child == first)
	}
	return true
}

func TestAMismatchThatAChildFindsIsConfirmedOnTheCPU(t *testing.T) {
	c := newClaim(t)
	outs := must(readRecording(c.record(t)))(t)
	outs[1][18] ^= 1 << 7 // in a digest of the first step
	wrong := inProcess(func(context.Context, int) (engine.Accelerator, error) { return &player{outs: outs}, nil })
	v := c.judge(t, verify.Options{Devices: append([]engine.Device{wrong}, cpus(t)...)})
	if v.Finding.Outcome != verify.Inconclusive || !strings.Contains(v.Build.Confirmed, "cpu") {
		t.Errorf("%s, confirmed on %q", v.Finding.Outcome, v.Build.Confirmed)
	}
}

func TestTheLastWordsOfAChildAreInTheError(t *testing.T) {
	c := newClaim(t)
	_, blamed := c.on(t, open(t, "idle, kill 0", Options{}), cpus(t))
	const want = "the GPU is lost to this process: its process ended, signal: killed: something went wrong in the driver"
	if len(blamed) != 1 || !strings.HasSuffix(blamed[0].Error(), want) {
		t.Errorf("%v, want ...%s", blamed, want)
	}
}

func TestAContextThatEndsDoesNotWaitForTheChild(t *testing.T) {
	d := open(t, "idle, hang 1", Options{})
	a := must(d.Accelerator(t.Context(), 16))(t)
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		for d.child.words.String() != hanging {
			time.Sleep(time.Millisecond)
		}
		stop()
	}()
	if err := a.Write(ctx, 0, make([]uint32, 16)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := a.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if d.child.over() {
		t.Error("the child was blamed")
	}
	again := must(d.Accelerator(t.Context(), 16))(t)
	if err := again.Write(t.Context(), 0, make([]uint32, 16)); err != nil {
		t.Error(err)
	}
	d.child.kill() // it would sleep on
}

func TestADeviceThatIsNotThereIsAnErrorOfItsClass(t *testing.T) {
	o := Options{Ordinal: Any, environment: []string{rigged + "=no driver"}}
	if _, err := Open(t.Context(), o); !errors.Is(err, cgo.ErrNoDriver) || !strings.Contains(err.Error(), "libcuda.so.1") {
		t.Error(err)
	}
	silent := []string{rigged + "=silent"}
	o = Options{Watchdog: 50 * time.Millisecond, Margin: time.Millisecond, environment: silent}
	if _, err := Open(t.Context(), o); !errors.Is(err, cgo.ErrTimeout) {
		t.Error(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	if _, err := Open(ctx, Options{environment: silent}); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	d := open(t, "idle", Options{Ordinal: 3})
	if d.Info().Ordinal != 3 || !strings.HasPrefix(d.Name(), "cuda:3 ") {
		t.Errorf("%q", d.Name())
	}
	d.Close()
	if _, err := d.Accelerator(t.Context(), 1); !errors.Is(err, cgo.ErrClosed) {
		t.Error(err)
	}
}

func TestClosingADeviceEndsItsChild(t *testing.T) {
	d := open(t, "idle", Options{})
	if _, err := d.Accelerator(t.Context(), 16); err != nil {
		t.Fatal(err)
	}
	c := d.child
	d.Close()
	select {
	case <-c.ended:
	default:
		t.Error("the child is still there")
	}
	if c.status != "exit status 0" {
		t.Errorf("%s: %s", c.status, c.words)
	}
	if err := syscall.Kill(c.process.Pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d: %v", c.process.Pid, err)
	}
}

func TestAChildStartsNoChild(t *testing.T) {
	t.Setenv("VERIFYD_GPU_CHILD", "1")
	if _, err := Open(t.Context(), Options{Ordinal: Any}); !errors.Is(err, cgo.ErrNoDevice) {
		t.Error(err)
	}
}

// TestAChildEndsWithItsParent kills a parent that waits for an answer.
func TestAChildEndsWithItsParent(t *testing.T) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil { // orphans become ours
		t.Fatal(err)
	}
	for _, rig := range []string{"idle", "idle, doze 1"} {
		parent := exec.Command(os.Args[0], parentOfOne)
		parent.Env = append(os.Environ(), rigged+"="+rig)
		out := must(parent.StdoutPipe())(t)
		if err := parent.Start(); err != nil {
			t.Fatal(err)
		}
		var pid int
		if _, err := fmt.Fscanln(out, &pid); err != nil {
			t.Fatal(err)
		}
		if err := parent.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = parent.Wait() // it was killed
		var status syscall.WaitStatus
		if _, err := syscall.Wait4(pid, &status, 0, nil); err != nil || !status.Exited() || status.ExitStatus() != 0 {
			t.Errorf("%s: process %d: %v, status %#x", rig, pid, err, status)
		}
	}
}
