package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/study"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/tabular"
)

func (a *app) valueStudyCommand() *cobra.Command {
	var o study.Options
	var markdown bool
	cmd := &cobra.Command{
		Use:   "study",
		Short: "Measure what is promised and published of values, on digits and on known games",
		Long: `study repeats the measurements behind docs/valuation.md: errors of estimators against
exact values on rounds of a perceptron, a CNN and a transformer, coverage of
intervals, what free riders get, and how well values find mislabelled rows. It needs
no files and no network, takes some minutes, and prints the same table everywhere.`,
		Example: `  verifyd value study
  verifyd value study --only coverage,knn-digits -o csv`,
		Args: cobra.NoArgs,
		RunE: a.runs(func(cmd *cobra.Command, _ []string) error {
			if err := a.onProcessor("value study"); err != nil {
				return err
			}
			devices, err := a.processor(cmd.Context())
			if err != nil {
				return err
			}
			defer devices.Close()
			o.Device, o.Progress = devices.Processor(), a.progress("studies")
			rows, err := study.Run(cmd.Context(), o)
			if err != nil {
				return err
			}
			if markdown {
				return studyMarkdown(a.stdout, rows)
			}
			if a.output == "csv" {
				return tabular.WriteCSV(a.stdout, []string{"study", "measure", "promised", "measured", "verdict"}, func(yield func([]string) bool) {
					for _, r := range rows {
						if !yield([]string{r.Study, r.Measure, r.Promised, r.Measured, string(r.Verdict)}) {
							return
						}
					}
				})
			}
			return a.emit(rows, func(w io.Writer) {
				row(w, "study", "measure", "promised", "measured", "verdict")
				for _, r := range rows {
					row(w, r.Study, r.Measure, r.Promised, r.Measured, r.Verdict)
				}
			})
		}),
	}
	f := cmd.Flags()
	f.StringSliceVar(&o.Only, "only", nil, "studies to run, with commas; all if not given")
	f.BoolVar(&o.Short, "short", false, "fewer repetitions and smaller games: a smoke run whose figures mean little")
	f.BoolVar(&markdown, "markdown", false, "print the table of docs/valuation.md")
	complete(cmd, "only", study.Names()...)
	return cmd
}

// studyMarkdown prints rows as the table of the documentation.
func studyMarkdown(w io.Writer, rows []study.Row) error {
	if _, err := fmt.Fprint(w, "| study | measure | promised or published | measured | |\n|---|---|---|---|---|\n"); err != nil {
		return err
	}
	for _, r := range rows {
		if _, err := fmt.Fprintf(w, "| %s | %s | %s | %s | %s |\n", r.Study, r.Measure, r.Promised, r.Measured, r.Verdict); err != nil {
			return err
		}
	}
	return nil
}
