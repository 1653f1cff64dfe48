package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/gpu"
	"github.com/verifyd/verifyd/verify/engine"
)

// onDevice has games played on the device that the options ask for. With auto the processor plays those that a GPU
// fails or has no kernels for, from the start: the bytes are the same.
func (a *app) onDevice(ctx context.Context, play func(engine.Opener) error) error {
	cpu, err := a.cpu()
	if err != nil {
		return err
	}
	defer cpu.Close()
	own := a.deviceOf(cpu)
	first, err := a.openGPU(ctx)
	if err != nil {
		return err
	}
	if first == nil {
		return play(own)
	}
	err = play(first)
	if err == nil || ctx.Err() != nil || !errors.Is(err, engine.ErrDevice) || a.deviceName != gpu.NameOf(gpu.Any) {
		return explainGPU(err)
	}
	a.log.Warn(fmt.Sprintf("%s cannot do it, %s does", first.Name(), own.Name()), "error", err)
	return play(own)
}

// onProcessor refuses a GPU that was asked for by name, for work that has no other device than the processor.
func (a *app) onProcessor(work string) error {
	if a.deviceName == cpuName || a.deviceName == gpu.NameOf(gpu.Any) {
		return nil
	}
	return usageError{fmt.Errorf("--device %s: %s computes on the processor alone, with --device cpu or auto", a.deviceName, work)}
}
