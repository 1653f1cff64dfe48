package cli

import (
	"fmt"
	"runtime"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
)

// device starts the machine that the options ask for.
func (a *app) device() (verify.Device, error) {
	isa, err := kernels.ParseISA(a.isa)
	if err != nil {
		return verify.Device{}, err
	}
	return a.deviceOf(isa)
}

// devices starts it and a second one for confirming what the first finds. They
// share no assembly: one of them is the reference, unless this machine has
// nothing else.
func (a *app) devices() (first, second verify.Device, err error) {
	cpu, err := a.device()
	if err != nil {
		return first, second, err
	}
	other := kernels.Generic
	if a.isa == other.String() {
		have := kernels.Available()
		other = have[len(have)-1]
	}
	second, err = a.deviceOf(other)
	return cpu, second, err
}

func (a *app) deviceOf(isa kernels.ISA) (verify.Device, error) {
	cpu, err := kernels.NewCPU(kernels.Options{ISA: isa, Threads: a.threads})
	if err != nil {
		return verify.Device{}, err
	}
	return verify.Device{Runner: cpu, Name: fmt.Sprintf("cpu %v, %d threads", cpu.ISA(), cpu.Threads())}, nil
}

// hashThreads is the number of goroutines that hash states.
func (a *app) hashThreads() int {
	if a.threads > 0 {
		return a.threads
	}
	return runtime.GOMAXPROCS(0)
}
