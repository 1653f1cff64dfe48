package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/tabular"
)

// tableOptions say how tables are read, where their files leave a doubt.
type tableOptions struct {
	header, index, separator, match string
	decimalComma                    bool
	drop                            []string
}

func (o *tableOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.header, "header", "auto", "whether a CSV begins with a line of names: auto, yes or no; auto refuses where that cannot be told")
	f.StringVar(&o.index, "index-column", "ask", "what becomes of a first column without a name, as pandas and R write: drop or keep; it is refused otherwise")
	f.StringVar(&o.separator, "separator", "auto", "what separates the fields of a CSV: auto, comma, semicolon or tab")
	f.BoolVar(&o.decimalComma, "decimal-comma", false, "numbers of a CSV have a comma for the point")
	f.StringVar(&o.match, "match", "name", "how the columns of the test rows are matched with those of the training rows: name or place")
	f.StringArrayVar(&o.drop, "drop", nil, "column to leave out, by name or number; may be repeated")
	complete(cmd, "header", "auto", "yes", "no")
	complete(cmd, "index-column", "drop", "keep")
	complete(cmd, "separator", "auto", "comma", "semicolon", "tab")
	complete(cmd, "match", "name", "place")
}

// options are what the flags say of each file.
func (o *tableOptions) options() (t tabular.Options, err error) {
	if t.Header, err = tabular.ParseHeader(o.header); err != nil {
		return t, usageError{fmt.Errorf("--header: %w", err)}
	}
	if t.Index, err = tabular.ParseIndex(o.index); err != nil {
		return t, usageError{fmt.Errorf("--index-column: %w", err)}
	}
	if t.Separator, err = tabular.ParseSeparator(o.separator); err != nil {
		return t, usageError{fmt.Errorf("--separator: %w", err)}
	}
	if o.match != "name" && o.match != "place" {
		return t, usageError{fmt.Errorf("--match: %.40q: want name or place", o.match)}
	}
	t.DecimalComma, t.Drop = o.decimalComma, o.drop
	return t, nil
}

// rowFiles are the files of rows to learn from and rows to be judged by.
type rowFiles struct {
	tableOptions
	train, trainLabels, test, testLabels string
	columns                              []string
	owners, ownerColumn                  string // of games of owners
}

// flags declares the files of rows.
func (o *rowFiles) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.train, "train", "", "features of the training rows ("+tabular.Formats+")")
	f.StringVar(&o.trainLabels, "train-labels", "", "their labels: numbers, booleans or text, a row each; not with --column")
	f.StringVar(&o.test, "test", "", "features of the rows to judge by")
	f.StringVar(&o.testLabels, "test-labels", "", "their labels; not with --column")
	f.StringArrayVar(&o.columns, "column", nil, "column (name, or number from 1, -1 the last) or array of both files that holds the labels")
	o.tableOptions.flags(cmd)
}

// ownerFlags declares who owns the rows.
func (o *rowFiles) ownerFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.owners, "owners", "", "file with the owner of each training row, a name or a number: values are of owners; without it of rows")
	f.StringVar(&o.ownerColumn, "owner-column", "", "column of the training rows that holds their owners, in place of --owners")
}

// rowFlags are those that rows cannot do without.
var rowFlags = []string{"train", "test"}

// files are what the flags name.
func (o *rowFiles) files() (tabular.Files, error) {
	options, err := o.options()
	return tabular.Files{
		Train: o.train, Test: o.test, Columns: o.columns, TrainLabels: o.trainLabels, TestLabels: o.testLabels,
		Owners: o.owners, OwnerColumn: o.ownerColumn, ByPlace: o.match == "place", Options: options,
	}, err
}

// read reads the data set, with labels or one column of targets.
func (o *rowFiles) read(want tabular.Want) (*tabular.Data, error) {
	d, err := o.readAll(want)
	if err == nil && want == tabular.Targets && len(d.TargetNames) != 1 {
		return nil, usageError{fmt.Errorf("--column: %d columns of targets: want one", len(d.TargetNames))}
	}
	return d, err
}

// readAll reads the data set, with labels or any columns of targets.
func (o *rowFiles) readAll(want tabular.Want) (*tabular.Data, error) {
	files, err := o.files()
	if err != nil {
		return nil, err
	}
	d, err := tabular.ReadData(files, want)
	if errors.Is(err, tabular.ErrFiles) {
		return nil, usageError{err}
	}
	return d, err
}
