//go:build cgo && linux

package gpu

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/verifyd/verifyd/cgo"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/engine"
)

// fakeDriver puts the driver of package cgo's tests into a folder of its own. It has a GPU, and kernels that compute nothing. What goes wrong is written to the returned folder's file control.
func fakeDriver(t *testing.T) (dir string) {
	t.Helper()
	if _, err := exec.LookPath("cc"); err != nil && os.Getenv("VERIFYD_CI") == "" {
		t.Skip(err)
	}
	dir = t.TempDir()
	const source = "../../../../../cgo"
	cc := exec.Command("cc", "-w", "-shared", "-fPIC", "-I"+source, "-o", filepath.Join(dir, "libcuda.so.1"),
		filepath.Join(source, "testdata", "driver.c"), "-ldl", "-lpthread")
	if out, err := cc.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return dir
}

// on lets a child's dynamic linker find the driver in dir.
func on(dir string) Options {
	return Options{Ordinal: Any, environment: []string{"LD_LIBRARY_PATH=" + dir, rigged + "=cuda"}}
}

// control says what the driver does from now on.
func control(t *testing.T, dir, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "control"), []byte("run 1\n"+text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAStickyErrorOfTheDriverEndsTheChildAndTheClaimGoesOnOnTheCPU(t *testing.T) {
	c := newClaim(t)
	devices := cpus(t)
	dir := fakeDriver(t)
	for wait := range 4 {
		control(t, dir, fmt.Sprintf("fail cuEventQuery %d 700", wait))
		d := open(t, "cuda", on(dir))
		first := d.child
		_, blamed := c.on(t, d, devices)
		if len(blamed) != 1 || !errors.Is(blamed[0], cgo.ErrSticky) {
			t.Errorf("wait %d: %v", wait, blamed)
		}
		<-first.ended
		if first.status != "exit status 1" {
			t.Errorf("wait %d: %s: %s", wait, first.status, first.words)
		}
		control(t, dir, "")
		a := must(d.Accelerator(t.Context(), 1<<10))(t)
		if err := errors.Join(a.Write(t.Context(), 3, []uint32{1}), a.Close(t.Context())); err != nil {
			t.Errorf("wait %d: then %v", wait, err)
		}
		d.Close()
	}
}

func TestADriverThatHangsEndsTheChildByTheWatchdog(t *testing.T) {
	t.Parallel()
	c := newClaim(t)
	dir := fakeDriver(t)
	control(t, dir, "")
	o := on(dir)
	o.Watchdog = 3 * time.Second
	d := open(t, "cuda", o)
	control(t, dir, "hang")
	_, blamed := c.on(t, d, cpus(t))
	if len(blamed) != 1 || !errors.Is(blamed[0], cgo.ErrTimeout) {
		t.Error(blamed)
	}
}

func TestMemoryThatTheGPUHasNotIsAnErrorAndTheChildServesOn(t *testing.T) {
	dir := fakeDriver(t)
	control(t, dir, "memory 1048576")
	d := open(t, "cuda", on(dir))
	for _, words := range []int{1 << 18, 1 << 40} { // a sixteenth is not ours; and what no machine has
		if _, err := d.Accelerator(t.Context(), words); !errors.Is(err, cgo.ErrOutOfMemory) {
			t.Errorf("%d words: %v", words, err)
		}
	}
	a := must(d.Accelerator(t.Context(), 1<<17))(t)
	if err := a.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAGPUThatComputesNonsenseMakesNoFail(t *testing.T) {
	c := newClaim(t)
	dir := fakeDriver(t)
	control(t, dir, "")
	d := open(t, "cuda", on(dir))
	v := c.judge(t, verify.Options{Devices: append([]engine.Device{d}, cpus(t)...)})
	if v.Finding.Outcome != verify.Inconclusive || v.Build.Device != "cuda:0 Paper GPU, driver 12.4" {
		t.Errorf("%s on %s", v.Finding.Outcome, v.Build.Device)
	}
}

func TestADeviceThatCannotBeUsedIsAnErrorOfItsClass(t *testing.T) {
	dir := fakeDriver(t)
	for text, want := range map[string]error{
		"version 11030":                          cgo.ErrOldDriver,
		"devices 0":                              cgo.ErrNoDevice,
		"capability 61":                          cgo.ErrUnsupported,
		"fail cuInit 0 804":                      cgo.ErrOldDriver,
		"fail cuDevicePrimaryCtxRetain 0 46":     cgo.ErrUnavailable,
		"fail cuDevicePrimaryCtxRetain 0 214":    cgo.ErrECC,
		"fail cuDeviceGetCount 0 100\ndevices 0": cgo.ErrNoDevice,
	} {
		control(t, dir, text)
		if _, err := Open(t.Context(), on(dir)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
	}
	control(t, dir, "devices 2\nfail cuDevicePrimaryCtxRetain 0 46")
	if d := open(t, "cuda", on(dir)); d.Info().Ordinal != 1 {
		t.Errorf("the first is taken, but %s is used", d.Name())
	}
}
