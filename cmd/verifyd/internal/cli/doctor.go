package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cgo"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/doctor"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/gpu"
	"github.com/verifyd/verifyd/verify/engine"
)

func (a *app) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Check that the devices of this machine compute the right bits",
		Long: `doctor shows the processor, the GPUs and the driver that it sees. It lets each code
path of the processor and each GPU compute the golden vectors of DRN-1, every
operator, and whole training steps, compares every bit, and times the devices
that are right.

--device cpu leaves the GPUs out, and --device cuda:N all but one of them.

The exit code is 1 if a device is refused: its bits differ, or it failed. What to
do about it is said in the last lines.`,
		Args: cobra.NoArgs,
		RunE: a.runs(func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			system, err := a.look(ctx)
			if err != nil {
				return err
			}
			defer system.Close(context.WithoutCancel(ctx))
			gpus := children{}
			defer gpus.close()
			report, err := doctor.Examine(ctx, doctor.Options{
				System: system, Open: gpus.open, Threads: a.threads,
				Progress: func(device string) { a.note("examining %s", device) },
			})
			if err != nil {
				return err
			}
			if err := a.emit(report, func(w io.Writer) { examinationText(w, report) }); err != nil {
				return err
			}
			if !report.Sound {
				return exitWith(exitError)
			}
			return nil
		}),
	}
}

// look sees the GPUs that the options let through.
func (a *app) look(ctx context.Context) (*doctor.System, error) {
	if a.deviceName == cpuName {
		return &doctor.System{Driver: doctor.Driver{Missing: "not looked for"}}, nil
	}
	system := doctor.Look(ctx, cgo.Options{})
	ordinal, err := gpu.ParseName(a.deviceName)
	if err != nil || ordinal == gpu.Any {
		return system, err
	}
	system.GPUs = slices.DeleteFunc(system.GPUs, func(i cgo.Info) bool { return i.Ordinal != ordinal })
	if len(system.GPUs) > 0 {
		return system, nil
	}
	why := cmp.Or(system.Err, cgo.ErrNoDevice)
	return nil, errors.Join(explainGPU(fmt.Errorf("--device %s: %w", a.deviceName, why)), system.Close(ctx))
}

// children are the processes that hold the GPUs, by ordinal.
type children map[int]*gpu.Device

func (c children) open(ctx context.Context, info cgo.Info, words int) (engine.Accelerator, error) {
	if c[info.Ordinal] == nil {
		d, err := gpu.Open(ctx, gpu.Options{Ordinal: info.Ordinal})
		if err != nil {
			return nil, err
		}
		c[info.Ordinal] = d
	}
	return c[info.Ordinal].Accelerator(ctx, words)
}

func (c children) close() {
	for _, d := range c {
		d.Close()
	}
}

func examinationText(w io.Writer, r *doctor.Report) {
	row(w, "processor", fmt.Sprintf("%s, %d processors", r.CPU.Model, r.CPU.Processors))
	switch {
	case r.Driver.Missing != "":
		row(w, "driver", r.Driver.Missing+"; the CPU serves")
	case r.Driver.NoNVML != "":
		row(w, "driver", fmt.Sprintf("CUDA %s; sensors unknown: %s", r.Driver.CUDA, r.Driver.NoNVML))
	default:
		row(w, "driver", fmt.Sprintf("%s, CUDA %s", r.Driver.Version, r.Driver.CUDA))
	}
	for _, d := range r.Devices {
		if g := d.GPU; g != nil {
			row(w, d.Name, fmt.Sprintf("%s, %.1f GiB, capability %s, %d SMs, %s%s", g.Model, float64(g.Memory)/(1<<30), g.Capability, g.SMs, g.UUID, healthText(d)))
		}
	}
	fmt.Fprintln(w)
	row(w, "DEVICE", "BITS", "CHECKS", "COPY", "GEMM", "HASH", "STEP")
	for _, d := range r.Devices {
		if s := d.Speed; s != nil {
			row(w, d.Name, d.State, d.Checks, rate(s.Copy, "B/s"), rate(s.GEMM, "FLOP/s"), rate(s.Hash, "B/s"), fmt.Sprintf("%.2f ms", 1e3*s.Step))
		} else {
			row(w, d.Name, d.State, d.Checks, "", "", "", "")
		}
	}
	for _, d := range r.Devices {
		for _, advice := range d.Advice {
			fmt.Fprintf(w, "\n%s\n", advice)
		}
	}
}

// healthText is what the sensors say, behind a comma.
func healthText(d doctor.Device) string {
	h := d.Health
	if h == nil {
		return ""
	}
	text := []string{"", fmt.Sprintf("%d degrees", h.Temperature)}
	if h.ECC {
		text = append(text, fmt.Sprintf("ECC on, %d errors corrected, %d not", h.Corrected, h.Uncorrected))
	} else {
		text = append(text, "ECC off")
	}
	if h.RowsPending {
		text = append(text, "rows wait to be replaced")
	}
	if h.RowsFailed {
		text = append(text, "rows could not be replaced")
	}
	return strings.Join(text, ", ")
}

// rate is a number per second with a prefix.
func rate(v float64, unit string) string {
	if v >= 1e12 {
		return fmt.Sprintf("%.2f T%s", v/1e12, unit)
	}
	return fmt.Sprintf("%.2f G%s", v/1e9, unit)
}
