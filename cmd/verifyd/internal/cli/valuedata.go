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

// dataOptions are the rows of a game of retraining, and its model.
type dataOptions struct {
	rowFiles
	linear bool
	unit   uint64 // of targets
	steps  int
	decay  float64
}

func (o *dataOptions) flags(cmd *cobra.Command) {
	o.classFlags(cmd)
	o.ownerFlags(cmd)
	cmd.Flags().BoolVar(&o.linear, "linear", false, "a linear model of targets, judged by squared error, instead of a logistic one of classes")
	cmd.Flags().Uint64Var(&o.unit, "target-unit", 1, "with --linear: what targets are divided by, for such as prices; values are in its square")
}

// classFlags are those of games of rows with classes alone.
func (o *dataOptions) classFlags(cmd *cobra.Command) {
	o.rowFiles.flags(cmd)
	f := cmd.Flags()
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
	rows, err := o.read(want)
	if err != nil {
		return nil, err
	}
	if o.linear && (o.unit < 1 || o.unit > maxTargetUnit) || !o.linear && o.unit > 1 {
		return nil, usageError{fmt.Errorf("--target-unit %d: want 1 to %d, with --linear", o.unit, int64(maxTargetUnit))}
	}
	d := retrain.Data{Width: rows.Width, Train: rows.Train.F, Validation: rows.Test.F, Labels: rows.TrainLabels, ValidationLabels: rows.TestLabels, Owners: rows.Owners}
	if o.linear {
		d.Targets, d.ValidationTargets = numbers(rows.TrainTargets[0], o.unit), numbers(rows.TestTargets[0], o.unit)
	}
	g, err := retrain.New(ctx, d, retrain.Options{Steps: o.steps, Decay: o.decay, Device: device})
	if errors.Is(err, shapley.ErrOverflow) {
		return nil, hint(err, "--target-unit 1000 values such as prices in thousands")
	}
	if err != nil {
		return nil, err
	}
	if g.Players() > maxNamedRows {
		g.Close()
		return nil, fmt.Errorf("%s: %d rows are above the limit %d", o.train, g.Players(), maxNamedRows)
	}
	players := rows.Players
	if players == nil {
		players = numbered(g.Players())
	}
	return &openGame{kind: dataKind, title: "Value of the training data", game: g, root: g.Root(), players: players, close: g.Close}, nil
}

// maxTargetUnit bounds the unit of targets, which are at most 2^63 of 1e-9.
const maxTargetUnit = 1_000_000_000

// numbers are fixed-point numbers as float32 in a unit, rounded once from the nearest float64.
func numbers(fixed []int64, unit uint64) []float32 {
	f := make([]float32, len(fixed))
	for i, v := range fixed {
		f[i] = float32(float64(v) / float64(shapley.Unit*unit))
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
		Example: `  verifyd value data --train train.csv --test test.csv --column label --owners owners.csv \
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
