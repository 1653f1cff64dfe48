package device

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/cgo"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/engine"
)

func TestWhatOneDeviceFindsAnotherCodePathConfirms(t *testing.T) {
	for _, isa := range append(kernels.Available(), kernels.Auto) {
		s, err := Open(t.Context(), Options{Name: CPU, ISA: isa, Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		order := s.Order()
		if len(order) != 2 || s.First() != order[0] || s.HasGPU() {
			t.Fatalf("%v: %v", isa, order)
		}
		if order[0].Name() == order[1].Name() && len(kernels.Available()) > 1 {
			t.Errorf("%v: %s confirms itself", isa, order[0].Name())
		}
		if isa != kernels.Auto && order[0].Name() != fmt.Sprintf("cpu %v, 1 threads", isa) {
			t.Errorf("%v: the first is %s", isa, order[0].Name())
		}
	}
}

func TestOnlyTheNamesOfDevicesAreTaken(t *testing.T) {
	for _, name := range []string{"auto", "cpu", "cuda:0", "cuda:12"} {
		if err := CheckName(name); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"", "gpu", "cuda:", "cuda:-1", "cuda:01", "CPU"} {
		if CheckName(name) == nil {
			t.Errorf("%q is taken", name)
		}
	}
}

// broken is a device that starts nothing.
type broken struct {
	engine.Device
	err error
}

func (d *broken) Name() string { return "broken" }

func (d *broken) Start(context.Context, *engine.Spec) (engine.Engine, error) { return nil, d.err }

// starter counts engines and starts none.
type starter struct {
	engine.Device
	times int
}

func (d *starter) Start(context.Context, *engine.Spec) (engine.Engine, error) {
	d.times++
	return nil, nil
}

func TestWhereTheGPUCannotTheCPUDoesAndALineSaysSo(t *testing.T) {
	cpus, err := Open(t.Context(), Options{Name: CPU, ISA: kernels.Generic, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer cpus.Close()
	gpu := &broken{err: fmt.Errorf("%w: start: %w", engine.ErrDevice, cgo.ErrOutOfMemory)}
	cpu := &starter{Device: cpus.Order()[0]}
	var log strings.Builder
	s := &Set{order: []engine.Device{gpu, cpu, cpus.Order()[1]}, log: slog.New(slog.NewTextHandler(&log, nil))}
	if _, err := s.First().Start(t.Context(), nil); err != nil || cpu.times != 1 {
		t.Errorf("%v, the CPU started %d times", err, cpu.times)
	}
	s.Failed("bundle", gpu, gpu.err)
	s.Failed("bundle", s.order[2], gpu.err)
	for _, want := range []string{
		"level=WARN", "broken cannot do it, cpu generic, 1 threads does", "out of memory",
		"broken failed, the claim goes on on cpu generic, 1 threads", "claim=bundle", "nothing is left to go on with",
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %q in\n%s", want, log.String())
		}
	}
	gpu.err = errors.New("the program makes no sense")
	if _, err := s.First().Start(t.Context(), nil); err != gpu.err || cpu.times != 1 {
		t.Errorf("%v, the CPU started %d times", err, cpu.times)
	}
	s.named = true
	if s.First() != s.order[0] {
		t.Error("a GPU that was asked for by its name gives way")
	}
}
