//go:build cgo && linux

package gpu

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/verifyd/verifyd/cgo"
	"github.com/verifyd/verifyd/cgo/cgotest"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/engine"
)

// on lets a child's dynamic linker find the driver.
func on(d *cgotest.Driver) Options {
	return Options{Ordinal: Any, environment: []string{"LD_LIBRARY_PATH=" + d.Dir, rigged + "=cuda"}}
}

func TestAStickyErrorOfTheDriverEndsTheChildAndTheClaimGoesOnOnTheCPU(t *testing.T) {
	c := newClaim(t)
	devices := cpus(t)
	driver := cgotest.New(t)
	for wait := range 4 {
		driver.Control(fmt.Sprintf("fail cuEventQuery %d 700", wait))
		d := open(t, "cuda", on(driver))
		first := d.child
		_, blamed := c.on(t, d, devices)
		if len(blamed) != 1 || !errors.Is(blamed[0], cgo.ErrSticky) {
			t.Errorf("wait %d: %v", wait, blamed)
		}
		<-first.ended
		if first.status != "exit status 1" {
			t.Errorf("wait %d: %s: %s", wait, first.status, first.words)
		}
		driver.Control()
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
	driver := cgotest.New(t)
	driver.Control()
	o := on(driver)
	o.Watchdog = 3 * time.Second
	d := open(t, "cuda", o)
	driver.Also("hang")
	_, blamed := c.on(t, d, cpus(t))
	if len(blamed) != 1 || !errors.Is(blamed[0], cgo.ErrTimeout) {
		t.Error(blamed)
	}
}

func TestMemoryThatTheGPUHasNotIsAnErrorAndTheChildServesOn(t *testing.T) {
	driver := cgotest.New(t)
	driver.Control("memory 1048576")
	d := open(t, "cuda", on(driver))
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
	driver := cgotest.New(t)
	driver.Control()
	d := open(t, "cuda", on(driver))
	v := c.judge(t, verify.Options{Devices: append([]engine.Device{d}, cpus(t)...)})
	if v.Finding.Outcome != verify.Inconclusive || v.Build.Device != "cuda:0 Paper GPU, driver 12.4" {
		t.Errorf("%s on %s", v.Finding.Outcome, v.Build.Device)
	}
}

func TestADeviceThatCannotBeUsedIsAnErrorOfItsClass(t *testing.T) {
	driver := cgotest.New(t)
	for text, want := range map[string]error{
		"version 11030":                          cgo.ErrOldDriver,
		"devices 0":                              cgo.ErrNoDevice,
		"capability 61":                          cgo.ErrUnsupported,
		"fail cuInit 0 804":                      cgo.ErrOldDriver,
		"fail cuDevicePrimaryCtxRetain 0 46":     cgo.ErrUnavailable,
		"fail cuDevicePrimaryCtxRetain 0 214":    cgo.ErrECC,
		"fail cuDeviceGetCount 0 100\ndevices 0": cgo.ErrNoDevice,
	} {
		driver.Control(text)
		if _, err := Open(t.Context(), on(driver)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
	}
	driver.Control("devices 2\nfail cuDevicePrimaryCtxRetain 0 46")
	if d := open(t, "cuda", on(driver)); d.Info().Ordinal != 1 {
		t.Errorf("the first is taken, but %s is used", d.Name())
	}
}
