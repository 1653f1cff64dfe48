package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/device/gpu"
)

// gpuChildCommand is what package gpu runs in a process of its own for each
// device. It ends with its parent, not with the terminal's interrupt.
func (a *app) gpuChildCommand() *cobra.Command {
	var watchdog time.Duration
	cmd := &cobra.Command{
		Use:    gpu.Command,
		Short:  "Serve a GPU to the verifyd that started this process",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: a.runs(func(cmd *cobra.Command, _ []string) error {
			ordinal, err := gpu.ParseName(a.deviceName)
			if err != nil {
				return err
			}
			return gpu.Child(context.WithoutCancel(cmd.Context()), ordinal, watchdog)
		}),
	}
	cmd.Flags().DurationVar(&watchdog, "watchdog", 0, "longest wait for the device; 0 for the default")
	return cmd
}
