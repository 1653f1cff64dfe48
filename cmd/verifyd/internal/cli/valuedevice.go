package cli

import (
	"context"
	"fmt"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/device"
	"github.com/verifyd/verifyd/verify/engine"
)

// onDevice has games played on the device that the options ask for.
func (a *app) onDevice(ctx context.Context, play func(engine.Device) error) error {
	devices, err := a.devices(ctx)
	if err != nil {
		return err
	}
	return explainGPU(devices.Compute(ctx, play))
}

// onProcessor refuses a GPU that was asked for by name, for work that has no other device than the processor.
func (a *app) onProcessor(work string) error {
	if a.deviceName == device.CPU || a.deviceName == device.Auto {
		return nil
	}
	return usageError{fmt.Errorf("--device %s: %s computes on the processor alone, with --device cpu or auto", a.deviceName, work)}
}
