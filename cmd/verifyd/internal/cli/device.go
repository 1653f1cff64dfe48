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

// devices starts it and a second one for confirming what the first finds,
// which shares no assembly with it unless it must.
func (a *app) devices() (first, second verify.Device, err error) {
	if first, err = a.device(); err != nil {
		return first, second, err
	}
	second, err = a.deviceOf(kernels.Generic)
	return first, second, err
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
