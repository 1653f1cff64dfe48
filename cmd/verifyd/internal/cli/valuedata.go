package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/tabular"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/shapley/retrain"
	"github.com/verifyd/verifyd/verify/engine"
)

// dataKind names the game of retraining in certificates.
const dataKind = "data"

// rowFiles are the files of rows to learn from and rows to be judged by.
type rowFiles struct {
	train, trainLabels, test, testLabels, column, header string
}

func (o *rowFiles) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.train, "train", "", "features of the training rows (.npy, .csv or .safetensors)")
	f.StringVar(&o.trainLabels, "train-labels", "", "their labels; not with --column")
	f.StringVar(&o.test, "test", "", "features of the rows to judge by")
	f.StringVar(&o.testLabels, "test-labels", "", "their labels; not with --column")
	f.StringVar(&o.column, "column", "", "column (name, or number from 1, -1 the last) or tensor of both files that holds the labels")
	f.StringVar(&o.header, "header", "auto", "whether a CSV begins with a line of names: auto, yes or no")
	complete(cmd, "header", "auto", "yes", "no")
}

// rowFlags are those that rows cannot do without.
var rowFlags = []string{"train", "test"}

// read reads both files, with labels or targets.
func (o *rowFiles) read(want tabular.Want) (train, test tabular.Table, err error) {
	if o.train == "" || o.test == "" {
		return train, test, usageError{errors.New("--train or --test is missing: the game is one of data")}
	}
	header, err := tabular.ParseHeader(o.header)
	if err != nil {
		return train, test, usageError{fmt.Errorf("--header: %w", err)}
	}
	if (o.column == "") == (o.trainLabels == "") || (o.column == "") == (o.testLabels == "") {
		return train, test, usageError{errors.New("labels: give either --column, or --train-labels and --test-labels")}
	}
	if train, err = readRows(o.train, o.trainLabels, want, tabular.Options{Header: header, Column: o.column}); err != nil {
		return train, test, err
	}
	if test, err = readRows(o.test, o.testLabels, want, tabular.Options{Header: header, Column: o.column}); err != nil {
		return train, test, err
	}
	if train.Cols != test.Cols {
		return train, test, fmt.Errorf("%s: %d features, %s has %d", o.test, test.Cols, o.train, train.Cols)
	}
	return train, test, nil
}

// readRows reads features with what is to be predicted of them, from one file or two.
func readRows(features, labels string, want tabular.Want, o tabular.Options) (t tabular.Table, err error) {
	if o.Column != "" {
		return tabular.ReadTable(features, want, o)
	}
	if t.Matrix, err = tabular.ReadMatrix(features, o); err != nil {
		return t, err
	}
	n := 0
	if want == tabular.Targets {
		t.Targets, err = tabular.ReadTargets(labels, o)
		n = len(t.Targets)
	} else {
		t.Labels, err = tabular.ReadLabels(labels, o)
		n = len(t.Labels)
	}
	if err == nil && n != t.Rows {
		err = fmt.Errorf("%s: %d labels, %s has %d rows", labels, n, features, t.Rows)
	}
	return t, err
}

// dataOptions are the rows of a game of retraining, and its model.
type dataOptions struct {
	rowFiles
	owners string
	linear bool
	steps  int
	decay  float64
}

func (o *dataOptions) flags(cmd *cobra.Command) {
	o.rowFiles.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.owners, "owners", "", "owner of each training row, numbers from 0: values are of owners; without it of rows")
	f.BoolVar(&o.linear, "linear", false, "a linear model of targets, judged by squared error, instead of a logistic one of classes")
	f.IntVar(&o.steps, "steps", 20, "accelerated Newton steps of each training")
	f.Float64Var(&o.decay, "decay", 1, "decay of the weights")
}

// maxNamedRows bounds the rows whose names a game keeps.
const maxNamedRows = shapley.MaxPlayers

func (o *dataOptions) open(ctx context.Context, _ *app, device engine.Device, control bool) (*openGame, error) {
	if control {
		return nil, usageError{errors.New("--control: the game of retraining has no surrogate")}
	}
	want := tabular.Labels
	if o.linear {
		want = tabular.Targets
	}
	train, test, err := o.read(want)
	if err != nil {
		return nil, err
	}
	d := retrain.Data{Width: train.Cols, Train: train.F, Validation: test.F, Labels: train.Labels, ValidationLabels: test.Labels}
	if o.linear {
		d.Targets, d.ValidationTargets = numbers(train.Targets), numbers(test.Targets)
	}
	if o.owners != "" {
		if d.Owners, err = tabular.ReadLabels(o.owners, tabular.Options{}); err != nil {
			return nil, err
		}
	}
	g, err := retrain.New(ctx, d, retrain.Options{Steps: o.steps, Decay: o.decay, Device: device})
	if err != nil {
		return nil, err
	}
	if g.Players() > maxNamedRows {
		g.Close()
		return nil, fmt.Errorf("%s: %d rows are above the limit %d", o.train, g.Players(), maxNamedRows)
	}
	return &openGame{kind: dataKind, title: "Value of the training data", game: g, root: g.Root(), players: numbered(g.Players()), close: g.Close}, nil
}

// numbers are fixed-point numbers as float32, rounded once from the nearest float64.
func numbers(fixed []int64) []float32 {
	f := make([]float32, len(fixed))
	for i, v := range fixed {
		f[i] = float32(float64(v) / shapley.Unit)
	}
	return f
}

// numbered are the names of n players without names.
func numbered(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprint(i)
	}
	return names
}

func (a *app) valueDataCommand() *cobra.Command {
	var do dataOptions
	var eo estimateOptions
	cmd := &cobra.Command{
		Use:   "data --train FILE --test FILE (--column NAME | --train-labels FILE --test-labels FILE) --randomness HEX",
		Short: "Value data, or who brought them, by retraining a small model",
		Long: `data values rows of training data, or their owners, by what a logistic or linear
model trained on a coalition's rows achieves on the test rows. All models of a batch
are trained together.

With --out the transcript is kept, an interrupted run goes on where it stopped and
ends with the same bytes, and verifyd value audit checks it.`,
		Example: `  verifyd value data --train train.csv --test test.csv --column label --owners owners.npy \
      --randomness $BEACON --out value7 --plot value7.svg
  verifyd value data --train x.npy --train-labels y.npy --test xt.npy --test-labels yt.npy \
      --estimator banzhaf --budget 20000 --randomness $BEACON -o csv`,
		Args: cobra.NoArgs,
		RunE: a.runs(func(cmd *cobra.Command, _ []string) error { return a.estimate(cmd.Context(), &do, eo) }),
	}
	do.flags(cmd)
	eo.flags(cmd)
	require(cmd, rowFlags...)
	return cmd
}
