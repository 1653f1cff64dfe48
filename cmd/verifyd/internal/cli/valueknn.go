package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/tabular"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/valuation"
	"github.com/verifyd/verifyd/shapley/knn"
	"github.com/verifyd/verifyd/verify/engine"
)

// knnOptions are the rows, the predictor and where the values go.
type knnOptions struct {
	rowFiles
	k                    int
	variant, scale, plot string
	radius               float64
	weights              []uint
	epsilon              int64
	clip                 bool
	out                  string
}

func (a *app) valueKNNCommand() *cobra.Command {
	var o knnOptions
	cmd := &cobra.Command{
		Use:   "knn -k N --train FILE --test FILE (--column NAME | --train-labels FILE --test-labels FILE)",
		Short: "Value rows of data by their neighbours, in closed form",
		Long: `knn gives each training row its Shapley value for a predictor by the K nearest
neighbours of the test rows, in integers: no sampling, no seed, the same bytes on
every machine.

Features are put on a grid of 16 bits. Its centre and --scale come from the test rows
alone, so that no training row changes how another one is measured; one beyond the
grid is refused, or set to its edge with --clip. Values are exact where nothing was
rounded, as with whole numbers that fit. Otherwise the step is printed, and what
rounding cannot have changed a value by more than.

Of rows at the same distance those with another label count as nearer, or those with
the smaller target: neither the order of rows nor the names of labels matter, and
identical rows have equal values. A weight of --weights belongs to a place.

Variants: unweighted and soft-label (classes), weighted (a neighbour counts by its
place: --weights), threshold (all neighbours within --radius; no sort), regression
(targets, squared error; --column may be repeated, each target is a game of its own).
With --owners an owner's value is the sum of its rows': what the rows are worth, one by
one, and not a game of owners, which verifyd value data has. --epsilon trades
precision for speed.`,
		Example: `  verifyd value knn -k 5 --train train.csv --test test.csv --column label -o csv
  verifyd value knn -k 5 --scale standard --owners owners.csv --train train.csv --test test.csv --column label
  verifyd value knn -k 5 --train x.npy --train-labels y.npy --test xt.npy --test-labels yt.npy --out values.csv`,
		Args: cobra.NoArgs,
		RunE: a.runs(func(cmd *cobra.Command, _ []string) error {
			return a.onDevice(cmd.Context(), func(device engine.Device) error { return a.valueKNN(cmd.Context(), device, o) })
		}),
	}
	o.flags(cmd)
	o.ownerFlags(cmd)
	f := cmd.Flags()
	f.IntVarP(&o.k, "neighbours", "k", 0, "neighbours that vote; not for threshold")
	f.StringVar(&o.variant, "variant", "unweighted", "unweighted, soft-label, weighted, threshold or regression")
	f.StringVar(&o.scale, "scale", "none", "unit of each column, from the test rows: none, standard (deviations about the mean) or robust (quartiles about the median)")
	f.BoolVar(&o.clip, "clip", false, "set features beyond the grid to its edge, and count them, instead of refusing their row")
	f.Float64Var(&o.radius, "radius", 0, "threshold: largest squared distance, in units of --scale")
	f.UintSliceVar(&o.weights, "weights", nil, "weighted: weights of the nearest, the second nearest and so on, one for each neighbour")
	f.Int64Var(&o.epsilon, "epsilon", 0, "what each value may be off by, in 1e-9; for unweighted and weighted")
	f.StringVar(&o.plot, "plot", "", "SVG file to draw the values into")
	f.StringVar(&o.out, "out", "", "file for the values as CSV, which must not exist")
	require(cmd, rowFlags...)
	complete(cmd, "variant", "unweighted", "soft-label", "weighted", "threshold", "regression")
	complete(cmd, "scale", "none", "standard", "robust")
	return cmd
}

// game is the variant, the scale and the weights that the flags name.
func (o *knnOptions) game() (g knn.Options, err error) {
	if g.Variant, err = knn.ParseVariant(o.variant); err != nil {
		return g, usageError{fmt.Errorf("--variant: %w", err)}
	}
	if g.Scale, err = knn.ParseScale(o.scale); err != nil {
		return g, usageError{fmt.Errorf("--scale: %w", err)}
	}
	g.K, g.Radius, g.Epsilon, g.Clip = o.k, o.radius, o.epsilon, o.clip
	g.Weights, err = o.places()
	return g, err
}

func (a *app) valueKNN(ctx context.Context, device engine.Device, o knnOptions) error {
	for _, path := range []string{o.plot, o.out} {
		if err := fresh(path); err != nil {
			return err
		}
	}
	g, err := o.game()
	if err != nil {
		return err
	}
	g.Device, g.Progress = device, a.progress("test rows")
	want := tabular.Labels
	if g.Variant == knn.Regression {
		want = tabular.Targets
	}
	rows, err := o.readAll(want)
	if err != nil {
		return err
	}
	if o.plot != "" && len(rows.TargetNames) > 1 {
		return usageError{fmt.Errorf("--plot: %d columns of targets: want one", len(rows.TargetNames))}
	}
	view, v := newKNNView(&o, g, rows), &valued{title: "Value of the training rows, by neighbours"}
	d := knn.Data{Width: rows.Width, Train: rows.Train.F, Test: rows.Test.F, TrainLabels: rows.TrainLabels, TestLabels: rows.TestLabels}
	for i := range max(1, len(rows.TargetNames)) {
		target := ""
		if want == tabular.Targets {
			d.TrainTargets, d.TestTargets, target = rows.TrainTargets[i], rows.TestTargets[i], rows.TargetNames[i]
		}
		if target == "" && len(rows.TargetNames) > 1 {
			target = fmt.Sprint(i + 1)
		}
		r, err := knn.Values(ctx, d, g)
		if err != nil {
			return o.named(err, rows)
		}
		view.add(v, r, target, rows)
	}
	v.document = view
	if o.out != "" {
		data, err := v.csv()
		if err == nil {
			err = valuation.WriteWhole(o.out, data)
		}
		if err != nil {
			return err
		}
	}
	return a.emitValued(v, o.plot)
}

// named is an error with the names of file and column, where it is about a feature.
func (o *knnOptions) named(err error, rows *tabular.Data) error {
	var out *knn.Outlier
	if !errors.As(err, &out) {
		return err
	}
	file, remedy := o.train, "--scale robust takes its unit from the middle half of the test rows, "
	if out.Test {
		file = o.test
	}
	if o.scale == knn.Robust.String() {
		remedy = ""
	}
	return fmt.Errorf("%s: row %d: column %s: %v is outside %.6g to %.6g, which the grid of the test rows reaches: %s--clip sets it to the edge",
		file, out.Row, columnName(rows.Names, out.Column), out.Value, out.Low, out.High, remedy)
}

// columnName is the name of a feature, or its number from 1.
func columnName(names []string, column int) string {
	if names == nil {
		return fmt.Sprint(column + 1)
	}
	return fmt.Sprintf("%.80s", names[column])
}

// places are the weights of the places; nil if there are none.
func (o *knnOptions) places() ([]uint32, error) {
	var weights []uint32
	for i, w := range o.weights {
		if w > knn.MaxWeight {
			return nil, fmt.Errorf("--weights: place %d: %d is above the limit %d", i+1, w, knn.MaxWeight)
		}
		weights = append(weights, uint32(w))
	}
	return weights, nil
}
