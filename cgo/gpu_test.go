//go:build cgo && linux && gpu

package cgo_test

import (
	"context"
	"errors"
	"flag"
	"strings"
	"testing"
	"time"

	"github.com/verifyd/verifyd/cgo"
	"github.com/verifyd/verifyd/kernels/optest"
	"github.com/verifyd/verifyd/kernels/ptx"
	"github.com/verifyd/verifyd/verify/engine/enginetest"
)

// These tests are built with the tag gpu, for machines that have one, and called GPU. The test binary needs
// no file: `go test -tags gpu -c ./cgo` and `./cgo.test -test.run GPU`.
var (
	ordinal  = flag.Int("gpu", 0, "the device to test")
	library  = flag.String("libcuda", "", "libcuda; the dynamic linker's if empty")
	gpuSteps = flag.Uint64("steps", 300, "steps of each training on the GPU")
)

const gpuLimit = 2 << 30

// openGPU opens the device for a test that ruins or closes it.
func openGPU(t *testing.T, watchdog time.Duration) *cgo.Device {
	t.Helper()
	driver := must(cgo.Open(background, cgo.Options{Library: *library, Watchdog: watchdog}))(t)
	return must(driver.OpenDevice(background, *ordinal))(t)
}

// gpu opens the device until the test ends.
func gpu(t *testing.T) *cgo.Device {
	t.Helper()
	g := openGPU(t, time.Minute)
	t.Cleanup(func() { check(t, g.Close(background)) })
	return g
}

// trainer is the device for engines.
func trainer(t *testing.T, g *cgo.Device) accelerated {
	t.Helper()
	return accelerated{g, must(cgo.NewKernels(g))(t), gpuLimit}
}

func TestTheGPUGivesTheBytesOfTheReference(t *testing.T) {
	g := gpu(t)
	t.Logf("%+v", g.Info())
	b := must(cgo.NewBackend(background, g, 4<<30))(t)
	optest.Test(t, b)
}

func TestTheGPUReplaysACapturedStepWithTheSameBytes(t *testing.T) {
	replay(t, gpu(t))
}

func TestTheGPUTrainsWithTheBytesOfTheCPU(t *testing.T) {
	d := trainer(t, gpu(t))
	enginetest.Test(t, d, *gpuSteps)
	enginetest.TestLarge(t, d, *gpuSteps)
}

func TestTheGPUTrainsModelsOfPyTorchWithTheBytesOfTheCPU(t *testing.T) {
	enginetest.TestModels(t, trainer(t, gpu(t)), *gpuSteps)
}

func TestSeveralTrainingsOnOneGPUDoNotDisturbEachOther(t *testing.T) {
	sideBySide(t, trainer(t, gpu(t)), min(*gpuSteps, 100))
}

func TestTwoProcessesOnOneGPUGiveTheSameBytes(t *testing.T) {
	var children []*process
	for range 2 {
		children = append(children, start(t, "train"))
	}
	sideBySide(t, trainer(t, gpu(t)), min(*gpuSteps, 50))
	for _, c := range children {
		c.wait()
	}
}

func TestAGPUOutOfMemorySaysSoAndGoesOn(t *testing.T) {
	g := gpu(t)
	d := trainer(t, g)
	_, total, err := g.Memory()
	check(t, err)
	_, limit := cgo.NewAccelerator(background, g, d.kernels, 1<<20, 4<<20-1)
	_, real := cgo.NewAccelerator(background, g, d.kernels, int(total/4)+1<<20, total+1<<30)
	for name, err := range map[string]error{"limit": limit, "device": real} {
		if !errors.Is(err, cgo.ErrOutOfMemory) {
			t.Errorf("%s: %v", name, err)
		}
	}
	check(t, g.Fault())
	sideBySide(t, d, 10)
}

func TestAGPURefusesCorruptedPTX(t *testing.T) {
	g := gpu(t)
	for _, m := range must(ptx.Modules())(t)[:3] {
		at := strings.LastIndex(m.Text, "ret;")
		for name, text := range map[string]string{
			"cut off":           m.Text[:at],
			"another operation": m.Text[:at] + "rte;" + m.Text[at+4:],
			"no PTX":            "not PTX at all",
		} {
			if _, err := g.Load(background, m.Name, []byte(text)); !errors.Is(err, cgo.ErrBadModule) {
				t.Errorf("%s, %s: %v", m.Name, name, err)
			}
		}
	}
	check(t, g.Fault())
	sideBySide(t, trainer(t, g), 10)
}

func TestAGPUThatIsLeftInMidStepStartsAgainWithTheSameBytes(t *testing.T) {
	d := trainer(t, gpu(t))
	tr := must(enginetest.Large())(t)[2]
	for _, after := range []time.Duration{0, 20 * time.Microsecond, 200 * time.Microsecond, 2 * time.Millisecond} {
		e := must(d.Start(background, tr.Spec))(t)
		check(t, e.Init(background, 3))
		for step := range uint64(3) {
			tr.Fill(e.X(), e.Y(), step)
			ctx, stop := context.WithTimeout(background, after)
			if _, err := e.Step(ctx, step); err != nil && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("left after %v: %v", after, err)
			}
			stop()
		}
		check(t, e.Close(background)) // with work in flight
		got, err := tr.Digest(background, d, 3)
		if want, _ := enginetest.Known(tr.Name, 3); err != nil || got != want {
			t.Errorf("left after %v: %s, known is %s: %v", after, got, want, err)
		}
	}
}
