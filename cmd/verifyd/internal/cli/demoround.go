package cli

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/demo"
)

func (a *app) demoRoundCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "round",
		Short: "Train the digits in five rounds, with a free rider and a forger",
		Long: `round trains handwritten digits in five rounds: three honest workers with images of
their own, a free rider who hands in the base as it was or another's work, and a forger.
What passes makes the next base; the two others earn nothing. After each round a
stranger makes all bases again from the files.

It writes to a folder of its own, which a second run replaces.`,
		Args: cobra.NoArgs,
		RunE: a.runs(func(cmd *cobra.Command, _ []string) error {
			devices, err := a.devices(cmd.Context())
			if err != nil {
				return err
			}
			say := a.narrator()
			report, err := demo.RunRounds(cmd.Context(), demo.Options{
				Dir: dir, Devices: devices.Order(), Runner: devices.Runner(), Progress: a.progress, Failed: devices.Failed,
			}, func(r demo.Rounded) { roundText(say, r) })
			if errors.Is(err, demo.ErrNotOurs) {
				return hint(err, "name another folder with --out")
			}
			if err != nil {
				return err
			}
			return a.emit(report, func(w io.Writer) {
				last := report.Rounds[len(report.Rounds)-1]
				fmt.Fprintf(w, "\none worker with all images and as many steps: %.1f %%; the rounds: %.1f %%\n", 100*report.Alone, 100*last.Accuracy)
				fmt.Fprintf(w, "done in %.0f s; now try\n\n", report.Seconds)
				fmt.Fprintf(w, "  verifyd round check %s/round? --operator %s\n", report.Dir, filepath.Join(report.Dir, "keys", "operator.pem.pub"))
			})
		}),
	}
	cmd.Flags().StringVar(&dir, "out", "verifyd-demo-rounds", "folder to write to")
	return cmd
}

// roundText tells of a round.
func roundText(say func(string, ...any), r demo.Rounded) {
	say("")
	say("%s: accuracy %.1f %%, from %d finals; all %d rounds so far made again from their files", filepath.Base(r.Dir), 100*r.Accuracy, r.Finals, len(r.Checked))
	for _, c := range r.Claims {
		what := string(c.Outcome)
		if c.Refused != "" {
			what = fmt.Sprintf("%s, %s", c.Outcome, c.Reason)
		}
		value := "-"
		if v, ok := r.Values[c.Worker]; ok {
			value = fmt.Sprintf("%.4f", float64(v)/1e9)
		}
		say("  %-7s %-36s %-22s %3d units, value %s", c.Worker, c.What, what, c.Units, value)
	}
}
