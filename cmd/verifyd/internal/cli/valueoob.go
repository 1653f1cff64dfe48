package cli

import (
	"context"
	"errors"
	"fmt"
	"math/big"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/shapley/retrain"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/merkle"
)

func (a *app) valueOOBCommand() *cobra.Command {
	var do dataOptions
	var learners int
	var randomness, plot string
	cmd := &cobra.Command{
		Use:   "oob --learners N --train FILE --test FILE (--column NAME | --train-labels FILE --test-labels FILE) --randomness HEX",
		Short: "Value rows out of the bag: how often learners that did not see them are right",
		Long: `oob gives each training row its Data-OOB value: of the logistic models that were
trained on a bootstrap sample without it, the share that predicts its label rightly.
It needs no test rows, but takes them as verifyd value data does.`,
		Example: `  verifyd value oob --learners 1000 --train train.csv --test test.csv --column label --randomness $BEACON`,
		Args:    cobra.NoArgs,
		RunE: a.runs(func(cmd *cobra.Command, _ []string) error {
			beacon, err := merkle.ParseHash(randomness)
			if err != nil {
				return usageError{fmt.Errorf("--randomness: %w", err)}
			}
			return a.onDevice(cmd.Context(), func(device engine.Device) error {
				return a.valueOOB(cmd.Context(), device, &do, learners, beacon, plot)
			})
		}),
	}
	do.flags(cmd)
	f := cmd.Flags()
	f.IntVar(&learners, "learners", 1000, "models to train")
	f.StringVar(&randomness, "randomness", "", "64 hex digits of a beacon, from which the samples follow")
	f.StringVar(&plot, "plot", "", "SVG file to draw the values into")
	require(cmd, append(rowFlags, "randomness")...)
	return cmd
}

func (a *app) valueOOB(ctx context.Context, device engine.Device, do *dataOptions, learners int, beacon merkle.Hash, plot string) error {
	if err := fresh(plot); err != nil {
		return err
	}
	if do.linear || do.owners != "" || do.ownerColumn != "" {
		return usageError{errors.New("--linear, --owners: values out of the bag are of rows with classes")}
	}
	g, err := do.open(ctx, a, device, false)
	if err != nil {
		return err
	}
	defer g.close()
	values, err := g.game.(*retrain.Game).OutOfBag(ctx, learners, shapley.DeriveSeed(beacon, g.root))
	if err != nil {
		return err
	}
	type view struct {
		Learners int         `json:"learners"`
		Game     merkle.Hash `json:"game"`
		Values   []string    `json:"values"` // exact fractions
	}
	v := &valued{title: "Value of the training rows, out of the bag", notes: [][2]string{{"learners", fmt.Sprint(learners)}, {"game", g.root.String()}}}
	shown := view{Learners: learners, Game: g.root}
	unit := big.NewRat(shapley.Unit, 1)
	for i, x := range values {
		shown.Values = append(shown.Values, x.RatString())
		whole := new(big.Rat).Mul(x, unit)
		v.rows = append(v.rows, valuedRow{player: g.players[i], value: new(big.Int).Quo(whole.Num(), whole.Denom()),
			numerator: whole.Num().String(), denominator: whole.Denom().String()})
	}
	v.document = shown
	return a.emitValued(v, plot)
}
