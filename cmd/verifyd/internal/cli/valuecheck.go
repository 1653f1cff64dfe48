package cli

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/tabular"
)

// checkOptions are what is looked for in the files.
type checkOptions struct {
	tableOptions
	columns, labels     []string
	owners, ownerColumn string
	targets             bool
}

func (a *app) valueCheckCommand() *cobra.Command {
	var o checkOptions
	cmd := &cobra.Command{
		Use:   "check TRAIN [TEST...]",
		Short: "Say how files of rows are understood, before any value is computed",
		Long: `check reads files of rows as the other commands do and says what it understood:
the columns with their types and ranges, constants, outliers and indexes, the classes,
rows that are there twice, and test rows that are training rows. The first file is the
training rows; the others are compared with it.

REFUSED is what keeps the other commands from computing values; DOUBTFUL is what may
make values mean something else than is thought.

Exit codes: 0 nothing is refused; 1 something is.`,
		Example: `  verifyd value check train.csv test.csv --column label
  verifyd value check x.npy xt.npy --labels y.npy --labels yt.npy -o json`,
		Args: cobra.MinimumNArgs(1),
		RunE: a.runs(func(_ *cobra.Command, args []string) error { return a.valueCheck(args, o) }),
	}
	o.tableOptions.flags(cmd)
	f := cmd.Flags()
	f.StringArrayVar(&o.columns, "column", nil, "column (name, or number from 1, -1 the last) or array of all files that holds the labels")
	f.StringArrayVar(&o.labels, "labels", nil, "file of labels, one for each file of features in their order; not with --column")
	f.StringVar(&o.owners, "owners", "", "file with the owner of each training row")
	f.StringVar(&o.ownerColumn, "owner-column", "", "column of the training rows that holds their owners, in place of --owners")
	f.BoolVar(&o.targets, "targets", false, "what is to be predicted are numbers, and no classes")
	return cmd
}

func (a *app) valueCheck(files []string, o checkOptions) error {
	options, err := o.options()
	if err != nil {
		return err
	}
	switch {
	case len(o.labels) > 0 && len(o.columns) > 0:
		return usageError{errors.New("labels: give either --column or --labels")}
	case len(o.labels) > 0 && len(o.labels) != len(files):
		return usageError{fmt.Errorf("--labels: %d files for %d of features", len(o.labels), len(files))}
	case o.owners != "" && o.ownerColumn != "":
		return usageError{errors.New("owners: give either --owners or --owner-column")}
	case len(o.columns) > 1 && !o.targets:
		return usageError{fmt.Errorf("--column: %d columns of labels: want one", len(o.columns))}
	}
	want := tabular.Labels
	if o.targets {
		want = tabular.Targets
	}
	r := tabular.Check(tabular.CheckFiles{
		Features: files, Columns: o.columns, Labels: o.labels, Owners: o.owners, OwnerColumn: o.ownerColumn, Want: want,
		ByPlace: o.match == "place", Options: options,
	})
	err = a.emit(r, func(w io.Writer) { checkText(w, r) })
	if err == nil && len(r.Refused) > 0 {
		return fmt.Errorf("%d refused", len(r.Refused))
	}
	return err
}

// checkText prints a report.
func checkText(w io.Writer, r *tabular.Report) {
	for _, f := range r.Files {
		row(w, f.File, fmt.Sprintf("%d rows, %d features", f.Rows, len(f.Columns)))
		for _, n := range f.Notes {
			row(w, "", n)
		}
		fmt.Fprintln(w)
		if len(f.Columns) > 0 {
			row(w, "column", "type", "least", "lower quartile", "median", "upper quartile", "most", "outliers")
		}
		for _, c := range f.Columns {
			row(w, c.Name, c.Type, c.Least, c.Lower, c.Median, c.Upper, c.Most, c.Outliers)
		}
		for _, t := range f.Targets {
			row(w, "target "+t.Name, "", t.Least, "", "", "", t.Most)
		}
		if len(f.Columns) > 0 {
			fmt.Fprintln(w)
			row(w, "rows that are there twice", fmt.Sprintf("%d, %d of them with another label or target", f.Duplicates, f.Conflicts))
			row(w, "rows that are training rows", f.Leaks)
			fmt.Fprintln(w)
		}
	}
	if len(r.Classes) > 0 {
		row(w, "class", "rows of each file")
		for _, c := range r.Classes {
			row(w, c.Label, fmt.Sprint(c.Rows))
		}
		fmt.Fprintln(w)
	}
	if r.Players > 0 {
		row(w, "owners", r.Players)
		fmt.Fprintln(w)
	}
	for _, list := range []struct {
		name  string
		lines []string
	}{{"REFUSED", r.Refused}, {"DOUBTFUL", r.Doubtful}} {
		if len(list.lines) == 0 {
			row(w, list.name, "nothing")
		}
		for _, line := range list.lines {
			row(w, list.name, line)
		}
	}
}
