package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/device"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/device/doctor"
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
			o, err := a.deviceOptions()
			if err != nil {
				return err
			}
			report, err := device.Examine(cmd.Context(), o, func(name string) { a.note("examining %s", name) })
			if err != nil {
				return explainDevice(err)
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
