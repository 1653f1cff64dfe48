package cli

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/gpu"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/engine"
)

// cpuName is the device that needs nothing.
const cpuName = "cpu"

// checkDevice checks --device.
func checkDevice(name string) error {
	if name == cpuName {
		return nil
	}
	if _, err := gpu.ParseName(name); err != nil {
		return usageError{fmt.Errorf("--device %.40q: want auto, cpu, or cuda:N with the N of nvidia-smi -L", name)}
	}
	return nil
}

// cpu starts this machine's processor on the code path that the options ask for.
func (a *app) cpu() (*kernels.CPU, error) {
	isa, err := kernels.ParseISA(a.isa)
	if err != nil {
		return nil, err
	}
	return a.cpuOf(isa)
}

// openGPU starts the GPU that the options ask for, once, and returns nil if it
// is not to be used: with auto, a machine without one is no reason to complain.
func (a *app) openGPU(ctx context.Context) (*gpu.Device, error) {
	if a.gpu != nil || a.deviceName == cpuName {
		return a.gpu, nil
	}
	ordinal, err := gpu.ParseName(a.deviceName)
	if err != nil {
		return nil, err
	}
	d, err := gpu.Open(ctx, gpu.Options{Ordinal: ordinal, Log: a.log})
	switch {
	case err == nil:
		a.log.Debug("computing on a gpu", "device", d.Name())
		a.gpu = d
		return d, nil
	case ordinal != gpu.Any || ctx.Err() != nil:
		return nil, explainGPU(fmt.Errorf("--device %s: %w", a.deviceName, err))
	}
	a.log.Debug("computing on the cpu", "because", err)
	return nil, nil
}

// device is what the options ask for.
func (a *app) device(ctx context.Context) (engine.Device, error) {
	cpu, err := a.cpu()
	if err != nil {
		return nil, err
	}
	own := a.deviceOf(cpu)
	first, err := a.openGPU(ctx)
	switch {
	case err != nil:
		return nil, err
	case first == nil:
		return own, nil
	case a.deviceName != gpu.NameOf(gpu.Any):
		return first, nil
	}
	return &orElse{a, first, own}, nil
}

// devices are what verify.Options needs: the one that the options ask for, and
// those that confirm what it finds and go on where it fails. The processor's
// code paths share no assembly: one of them is the reference, unless this
// machine has nothing else.
func (a *app) devices(ctx context.Context) ([]engine.Device, error) {
	cpu, err := a.cpu()
	if err != nil {
		return nil, err
	}
	other := kernels.Generic
	if a.isa == other.String() {
		have := kernels.Available()
		other = have[len(have)-1]
	}
	second, err := a.cpuOf(other)
	if err != nil {
		return nil, err
	}
	all := []engine.Device{a.deviceOf(cpu), a.deviceOf(second)}
	first, err := a.openGPU(ctx)
	if err != nil {
		return nil, err
	}
	if first != nil {
		all = append([]engine.Device{first}, all...)
	}
	return all, nil
}

// failed returns what warns that one of the devices failed.
func (a *app) failed(what string, devices []engine.Device) func(engine.Device, error) {
	return func(d engine.Device, err error) {
		then := "nothing is left to go on with"
		for i, other := range devices[:len(devices)-1] {
			if other == d {
				then = "the claim goes on on " + devices[i+1].Name()
			}
		}
		a.log.Warn(fmt.Sprintf("%s failed, %s", d.Name(), then), "claim", what, "error", err)
	}
}

// orElse starts engines on a second device where the first cannot.
type orElse struct {
	app *app
	engine.Device
	second engine.Device
}

func (d *orElse) Start(ctx context.Context, s *engine.Spec) (engine.Engine, error) {
	e, err := d.Device.Start(ctx, s)
	if err == nil || ctx.Err() != nil || !errors.Is(err, engine.ErrDevice) {
		return e, err
	}
	d.app.log.Warn(fmt.Sprintf("%s cannot do it, %s does", d.Name(), d.second.Name()), "error", err)
	return d.second.Start(ctx, s)
}

func (a *app) cpuOf(isa kernels.ISA) (*kernels.CPU, error) {
	return kernels.NewCPU(kernels.Options{ISA: isa, Threads: a.threads})
}

func (a *app) deviceOf(cpu *kernels.CPU) *engine.CPU {
	name := fmt.Sprintf("cpu %v, %d threads", cpu.ISA(), cpu.Threads())
	return engine.NewCPU(name, cpu, a.hashThreads())
}

// hashThreads is the number of goroutines that hash states.
func (a *app) hashThreads() int {
	if a.threads > 0 {
		return a.threads
	}
	return runtime.GOMAXPROCS(0)
}
