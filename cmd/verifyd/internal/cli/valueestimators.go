package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/tabular"
	"github.com/verifyd/verifyd/shapley"
)

// estimatorView is an estimator's row.
type estimatorView struct {
	Name    string `json:"name"`
	Unit    string `json:"budget_unit"`
	Cost    string `json:"cost"`
	Axioms  string `json:"axioms"`
	Control bool   `json:"control"`
}

func viewOf(e shapley.Estimator) estimatorView {
	return estimatorView{e.Name, string(e.Unit), e.Cost, e.Axioms, e.Control}
}

func (a *app) valueEstimatorsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "estimators",
		Short: "List the ways to values: what they cost, which axioms hold exactly, which take a control variate",
		Args:  cobra.NoArgs,
		RunE: a.runs(func(*cobra.Command, []string) error {
			var all []estimatorView
			for _, e := range shapley.Estimators() {
				all = append(all, viewOf(e))
			}
			if a.output == "csv" {
				return tabular.WriteCSV(a.stdout, []string{"name", "budget_unit", "cost", "axioms", "control"}, func(yield func([]string) bool) {
					for _, v := range all {
						if !yield([]string{v.Name, v.Unit, v.Cost, v.Axioms, fmt.Sprint(v.Control)}) {
							return
						}
					}
				})
			}
			return a.emit(all, func(w io.Writer) {
				row(w, "estimator", "budget B in", "evaluations", "control", "axioms with ==")
				for _, v := range all {
					row(w, v.Name, orDash(v.Unit), v.Cost, yesOrDash(v.Control), v.Axioms)
				}
			})
		}),
	}
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func yesOrDash(yes bool) string {
	if yes {
		return "yes"
	}
	return "-"
}
