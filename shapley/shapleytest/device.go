// Package shapleytest has the devices on which tests play games.
package shapleytest

import (
	"fmt"
	"sync"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/engine"
)

// CPU is this machine's processor with the options' code path and threads. It lives as long as the process.
func CPU(o kernels.Options) *engine.CPU {
	mu.Lock()
	defer mu.Unlock()
	if d, ok := devices[o]; ok {
		return d
	}
	cpu, err := kernels.NewCPU(o)
	if err != nil {
		panic(err)
	}
	devices[o] = engine.NewCPU(fmt.Sprintf("cpu %v, %d threads", cpu.ISA(), cpu.Threads()), cpu, cpu.Threads())
	return devices[o]
}

var (
	mu      sync.Mutex
	devices = map[kernels.Options]*engine.CPU{}
)

// Apart is a device as if its memory were not this process': games run their operators there.
func Apart(d engine.Device) engine.Device { return apart{d} }

type apart struct{ engine.Device }
