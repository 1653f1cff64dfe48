package cli

import (
	"fmt"
	"runtime"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/engine"
)

// cpu starts this machine's processor on the code path that the options ask for.
func (a *app) cpu() (*kernels.CPU, error) {
	isa, err := kernels.ParseISA(a.isa)
	if err != nil {
		return nil, err
	}
	return a.cpuOf(isa)
}

// device is what the options ask for.
func (a *app) device() (engine.Device, error) {
	cpu, err := a.cpu()
	if err != nil {
		return nil, err
	}
	return a.deviceOf(cpu), nil
}

// devices are that one and a second for confirming what the first finds. They
// share no assembly: one of them is the reference, unless this machine has
// nothing else.
func (a *app) devices() ([]engine.Device, error) {
	first, err := a.device()
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
	return []engine.Device{first, a.deviceOf(second)}, nil
}

func (a *app) cpuOf(isa kernels.ISA) (*kernels.CPU, error) {
	return kernels.NewCPU(kernels.Options{ISA: isa, Threads: a.threads})
}

func (a *app) deviceOf(cpu *kernels.CPU) engine.Device {
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
