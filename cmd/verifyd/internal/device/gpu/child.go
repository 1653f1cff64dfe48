package gpu

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/verifyd/verifyd/cgo"
	"github.com/verifyd/verifyd/verify/engine"
)

// Any stands for the first device that is there and can be used.
const Any = -1

// auto is the name of Any.
const auto = "auto"

// ParseName reads the name of a device: "auto", or "cuda:N" with the N of nvidia-smi.
func ParseName(name string) (ordinal int, err error) {
	if name == auto {
		return Any, nil
	}
	digits, ok := strings.CutPrefix(name, "cuda:")
	n, err := strconv.ParseUint(digits, 10, 10)
	if !ok || err != nil || NameOf(int(n)) != name {
		return 0, fmt.Errorf("%q: want auto or cuda:N, with a number of nvidia-smi -L", name)
	}
	return int(n), nil
}

// NameOf is what ParseName reads.
func NameOf(ordinal int) string {
	if ordinal == Any {
		return auto
	}
	return fmt.Sprintf("cuda:%d", ordinal)
}

// Command is the first argument of a child. What follows are the flags of the command gpu-child.
const Command = "gpu-child"

// grace is how long an end may take that is asked for.
const grace = 5 * time.Second

// Child opens a device and serves it to the parent that started this process, until the parent ends or the device
// is at fault. Its error is for standard error, where the parent reads it.
func Child(ctx context.Context, ordinal int, watchdog time.Duration) error {
	return serveParent(ctx, func() (*Server, cgo.Info, error) { return openCUDA(ctx, ordinal, watchdog) })
}

// openCUDA opens a device with package cgo. It is never closed: that is left to the end of the process.
func openCUDA(ctx context.Context, ordinal int, watchdog time.Duration) (*Server, cgo.Info, error) {
	driver, err := cgo.Open(ctx, cgo.Options{Watchdog: watchdog})
	if err != nil {
		return nil, cgo.Info{}, err
	}
	ordinals := []int{ordinal}
	if ordinal == Any {
		devices, err := driver.Devices(ctx)
		if err != nil {
			return nil, cgo.Info{}, err
		}
		ordinals = nil
		for _, d := range devices {
			ordinals = append(ordinals, d.Ordinal)
		}
	}
	var failures []error
	for _, n := range ordinals {
		device, err := driver.OpenDevice(ctx, n)
		if err == nil {
			s, err := newServer(device)
			return s, device.Info(), err
		}
		failures = append(failures, err)
	}
	return nil, cgo.Info{}, errors.Join(failures...)
}

func newServer(device *cgo.Device) (*Server, error) {
	set, err := cgo.NewKernels(device)
	if err != nil {
		return nil, err
	}
	limit := memoryLimit(device.Info().Memory)
	return &Server{
		Open: func(ctx context.Context, words int) (engine.Accelerator, error) {
			a, err := cgo.NewAccelerator(ctx, device, set, words, limit)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", device.Info().Name, err)
			}
			return a, nil
		},
		Fault: device.Fault,
	}, nil
}

// memoryLimit is what one accelerator may take of a device's memory: a sixteenth is left to the driver, its
// compiled kernels and its graphs.
func memoryLimit(total uint64) uint64 { return total - total/16 }
