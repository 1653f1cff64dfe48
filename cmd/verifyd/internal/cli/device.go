package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/device"
	"github.com/verifyd/verifyd/kernels"
)

// devices are what the options ask for, opened once for all of a command.
func (a *app) devices(ctx context.Context) (*device.Set, error) {
	if a.set != nil {
		return a.set, nil
	}
	o, err := a.deviceOptions()
	if err != nil {
		return nil, err
	}
	a.set, err = device.Open(ctx, o)
	return a.set, explainDevice(err)
}

// processor is this machine's processor alone, for work that no GPU does yet. The caller closes it.
func (a *app) processor(ctx context.Context) (*device.Set, error) {
	o, err := a.deviceOptions()
	if err != nil {
		return nil, err
	}
	o.Name = device.CPU
	return device.Open(ctx, o)
}

// deviceOptions are the options of every command that say what computes.
func (a *app) deviceOptions() (device.Options, error) {
	isa, err := kernels.ParseISA(a.isa)
	return device.Options{Name: a.deviceName, ISA: isa, Threads: a.threads, Log: a.log}, err
}

// explainDevice says which option named a device that cannot be used, and what to do about it.
func explainDevice(err error) error {
	var unusable *device.UnusableError
	if errors.As(err, &unusable) {
		return explainGPU(fmt.Errorf("--device %w", err))
	}
	return err
}
