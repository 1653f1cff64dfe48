package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/cgo"
	"github.com/verifyd/verifyd/verify/engine"
)

func TestAnErrorOfAGPUSaysWhatToDo(t *testing.T) {
	for class, want := range map[error]string{
		cgo.ErrNoDriver: "install", cgo.ErrOldDriver: "update", cgo.ErrNoDevice: "nvidia-smi -L", cgo.ErrUnavailable: "compute mode",
		cgo.ErrUnsupported: "7.0", cgo.ErrOutOfMemory: "memory", cgo.ErrBadModule: "update", cgo.ErrSticky: "Xid", cgo.ErrECC: "out of service",
		cgo.ErrTimeout: "Xid", cgo.ErrLost: "Xid", engine.ErrDevice: "--device cpu",
	} {
		err := explainGPU(fmt.Errorf("step 3: %w", class))
		var h *hinted
		if !errors.As(err, &h) || !strings.Contains(h.hint, want) || !strings.Contains(h.hint, "--device cpu computes the same bits") {
			t.Errorf("%v: %+v", err, h)
		}
	}
	if err := errors.New("disk full"); explainGPU(err) != err {
		t.Error("a full disk is blamed on the GPU")
	}
}

// broken is a device that starts nothing.
type broken struct {
	engine.Device
	err error
}

func (d broken) Start(context.Context, *engine.Spec) (engine.Engine, error) { return nil, d.err }

func TestWhereTheGPUCannotTheCPUDoesAndALineSaysSo(t *testing.T) {
	var stderr strings.Builder
	a := &app{stderr: &stderr, isa: "generic", deviceName: cpuName, logLevel: "info", threads: 1}
	if err := a.startLog(); err != nil {
		t.Fatal(err)
	}
	devices, err := a.devices(t.Context())
	if err != nil || len(devices) != 2 {
		t.Fatal(devices, err)
	}
	gpu := broken{devices[1], fmt.Errorf("%w: start: %w", engine.ErrDevice, cgo.ErrOutOfMemory)}
	started := &starter{Device: devices[0]}
	if _, err := (&orElse{a, gpu, started}).Start(t.Context(), nil); err != nil || started.times != 1 {
		t.Errorf("%v, the CPU started %d times", err, started.times)
	}
	a.failed("bundle", []engine.Device{gpu, devices[0]})(gpu, gpu.err)
	for _, want := range []string{
		"level=WARN", gpu.Name() + " cannot do it, cpu generic, 1 threads does", "out of memory",
		gpu.Name() + " failed, the claim goes on on cpu generic, 1 threads", "claim=bundle",
	} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("no %q in\n%s", want, stderr.String())
		}
	}
	gpu.err = errors.New("the program makes no sense")
	if _, err := (&orElse{a, gpu, started}).Start(t.Context(), nil); err != gpu.err || started.times != 1 {
		t.Errorf("%v, the CPU started %d times", err, started.times)
	}
}

// starter counts engines and starts none.
type starter struct {
	engine.Device
	times int
}

func (d *starter) Start(context.Context, *engine.Spec) (engine.Engine, error) {
	d.times++
	return nil, nil
}
