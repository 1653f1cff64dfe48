package cli

import (
	"context"
	"fmt"
	"math/big"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/tabular"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/valuation"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/shapley/knn"
	"github.com/verifyd/verifyd/verify/engine"
)

// knnOptions are the rows, the predictor and where the values go.
type knnOptions struct {
	rowFiles
	k             int
	variant, plot string
	radius        uint32
	weights       []uint
	epsilon       int64
	out           string
}

func (a *app) valueKNNCommand() *cobra.Command {
	var o knnOptions
	cmd := &cobra.Command{
		Use:   "knn -k N --train FILE --test FILE (--column NAME | --train-labels FILE --test-labels FILE)",
		Short: "Value rows of data by their neighbours, exactly",
		Long: `knn gives each training row its exact Shapley value for a predictor by the K nearest
neighbours of the test rows, in integers: no sampling, no seed, the same bytes on
every machine.

Variants: unweighted and soft-label (classes), weighted (a neighbour counts by its
place: --weights), threshold (all neighbours within --radius; no sort), regression
(targets, squared error). --epsilon trades exact values for speed.`,
		Example: `  verifyd value knn -k 5 --train train.csv --test test.csv --column label -o csv
  verifyd value knn -k 5 --train x.npy --train-labels y.npy --test xt.npy --test-labels yt.npy --out values.csv`,
		Args: cobra.NoArgs,
		RunE: a.runs(func(cmd *cobra.Command, _ []string) error {
			return a.onDevice(cmd.Context(), func(device engine.Device) error { return a.valueKNN(cmd.Context(), device, o) })
		}),
	}
	o.flags(cmd)
	f := cmd.Flags()
	f.IntVarP(&o.k, "neighbours", "k", 0, "neighbours that vote; not for threshold")
	f.StringVar(&o.variant, "variant", "unweighted", "unweighted, soft-label, weighted, threshold or regression")
	f.Uint32Var(&o.radius, "radius", 0, "threshold: largest squared distance, in units of features quantised to 16 bits")
	f.UintSliceVar(&o.weights, "weights", nil, "weighted: weights of the nearest, the second nearest and so on, one for each neighbour")
	f.Int64Var(&o.epsilon, "epsilon", 0, "what each value may be off by, in 1e-9; for unweighted and weighted")
	f.StringVar(&o.plot, "plot", "", "SVG file to draw the values into")
	f.StringVar(&o.out, "out", "", "file for the values as CSV, which must not exist")
	require(cmd, rowFlags...)
	complete(cmd, "variant", "unweighted", "soft-label", "weighted", "threshold", "regression")
	return cmd
}

// knnView is the result with -o json.
type knnView struct {
	Variant     string   `json:"variant"`
	K           int      `json:"k,omitempty"`
	Radius      uint32   `json:"radius,omitempty"`
	Weights     []uint32 `json:"weights,omitempty"`
	Epsilon     int64    `json:"epsilon,omitempty"` // in 1e-9
	Rows        int      `json:"rows"`
	Numerators  []string `json:"numerators"` // over Denominator, in utility 1
	Denominator string   `json:"denominator"`
	Values      []int64  `json:"values"` // in 1e-9
	Empty       string   `json:"empty"`
	Full        string   `json:"full"`
	Residual    string   `json:"residual"` // Full - Empty - the sum of the values
	Bound       string   `json:"bound"`    // what the magnitude of Residual cannot exceed
}

func (a *app) valueKNN(ctx context.Context, device engine.Device, o knnOptions) error {
	for _, path := range []string{o.plot, o.out} {
		if err := fresh(path); err != nil {
			return err
		}
	}
	variant, err := knn.ParseVariant(o.variant)
	if err != nil {
		return usageError{fmt.Errorf("--variant: %w", err)}
	}
	weights, err := o.places()
	if err != nil {
		return err
	}
	want := tabular.Labels
	if variant == knn.Regression {
		want = tabular.Targets
	}
	rows, err := o.read(want)
	if err != nil {
		return err
	}
	d := knn.Data{Width: rows.Width, Train: rows.Train.F, Test: rows.Test.F, TrainLabels: rows.TrainLabels, TestLabels: rows.TestLabels}
	if want == tabular.Targets {
		d.TrainTargets, d.TestTargets = rows.TrainTargets[0], rows.TestTargets[0]
	}
	r, err := knn.Values(ctx, d, knn.Options{Variant: variant, K: o.k, Radius: o.radius, Weights: weights, Epsilon: o.epsilon,
		Device: device, Progress: a.progress("test rows")})
	if err != nil {
		return err
	}
	v := &valued{title: "Value of the training rows, by neighbours"}
	view := knnView{Variant: o.variant, K: o.k, Radius: o.radius, Weights: weights, Epsilon: o.epsilon,
		Rows: rows.Train.Rows, Denominator: r.Denominator.String(),
		Empty: r.Empty.RatString(), Full: r.Full.RatString(), Residual: r.Residual.RatString(), Bound: r.Bound.RatString()}
	unit := big.NewRat(shapley.Unit, 1)
	for i, n := range r.Numerators {
		fixed := r.Fixed(i)
		view.Numerators, view.Values = append(view.Numerators, n.String()), append(view.Values, fixed)
		whole := new(big.Rat).Mul(r.Value(i), unit)
		v.rows = append(v.rows, valuedRow{player: fmt.Sprint(i), value: big.NewInt(fixed), numerator: whole.Num().String(), denominator: whole.Denom().String()})
	}
	v.document = view
	v.notes = [][2]string{
		{"variant", o.variant},
		{"nobody, everybody", r.Empty.FloatString(9) + ", " + r.Full.FloatString(9)},
		{"efficiency residual", r.Residual.FloatString(15)},
	}
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
