package cli

import (
	"bytes"
	"context"
	"fmt"
	"math/big"
	"slices"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/tabular"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/valuation"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/shapley/retrain"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/merkle"
)

func (a *app) valueOOBCommand() *cobra.Command {
	var do dataOptions
	var learners int
	var randomness, plot, bags string
	cmd := &cobra.Command{
		Use:   "oob --learners N --train FILE --test FILE (--column NAME | --train-labels FILE --test-labels FILE) --randomness HEX",
		Short: "Value rows out of the bag: how often learners that did not see them are right",
		Long: `oob gives each training row its Data-OOB value: of the logistic models that were
trained on a bootstrap sample without it, the share that predicts its label rightly,
and beside it how many there were. A row that every sample has gets no value.
It needs no test rows, but takes them as verifyd value data does.`,
		Example: `  verifyd value oob --learners 1000 --train train.csv --test test.csv --column label --randomness $BEACON`,
		Args:    cobra.NoArgs,
		RunE: a.runs(func(cmd *cobra.Command, _ []string) error {
			beacon, err := merkle.ParseHash(randomness)
			if err != nil {
				return usageError{fmt.Errorf("--randomness: %w", err)}
			}
			return a.onDevice(cmd.Context(), func(device engine.Device) error {
				return a.valueOOB(cmd.Context(), device, &do, learners, beacon, plot, bags)
			})
		}),
	}
	do.classFlags(cmd)
	f := cmd.Flags()
	f.IntVar(&learners, "learners", 1000, "models to train")
	f.StringVar(&randomness, "randomness", "", "64 hex digits of a beacon, from which the samples follow")
	f.StringVar(&plot, "plot", "", "SVG file to draw the values into")
	f.StringVar(&bags, "bags", "", "CSV file to write the samples into: learner, row, and how often it was drawn")
	require(cmd, append(rowFlags, "randomness")...)
	return cmd
}

func (a *app) valueOOB(ctx context.Context, device engine.Device, do *dataOptions, learners int, beacon merkle.Hash, plot, bags string) error {
	for _, path := range []string{plot, bags} {
		if err := fresh(path); err != nil {
			return err
		}
	}
	g, err := do.open(ctx, a, device, false)
	if err != nil {
		return err
	}
	defer g.close()
	game, seed := g.game.(*retrain.Game), shapley.DeriveSeed(beacon, g.root)
	values, out, err := game.OutOfBag(ctx, learners, seed)
	if err != nil {
		return err
	}
	if err := writeBags(bags, game, learners, seed); err != nil {
		return fmt.Errorf("--bags: %w", err)
	}
	type view struct {
		Learners int         `json:"learners"`
		Game     merkle.Hash `json:"game"`
		Values   []*string   `json:"values"` // exact fractions; null of a row that all learners saw
		Out      []int64     `json:"out"`    // learners that did not see a row
	}
	v := &valued{title: "Value of the training rows, out of the bag", notes: [][2]string{{"learners", fmt.Sprint(learners)}, {"game", g.root.String()}}}
	v.counts = out
	shown := view{Learners: learners, Game: g.root, Out: out}
	unit := big.NewRat(shapley.Unit, 1)
	for i, x := range values {
		if x == nil {
			shown.Values = append(shown.Values, nil)
			v.rows = append(v.rows, valuedRow{player: g.players[i]})
			continue
		}
		text := x.RatString()
		shown.Values = append(shown.Values, &text)
		whole := new(big.Rat).Mul(x, unit)
		v.rows = append(v.rows, valuedRow{player: g.players[i], value: new(big.Int).Quo(whole.Num(), whole.Denom()),
			numerator: whole.Num().String(), denominator: whole.Denom().String()})
	}
	v.document = shown
	return a.emitValued(v, plot)
}

// writeBags writes what each learner was trained on; nothing without a path.
func writeBags(path string, g *retrain.Game, learners int, seed shapley.Seed) error {
	if path == "" {
		return nil
	}
	var b bytes.Buffer
	err := tabular.WriteCSV(&b, []string{"learner", "row", "times"}, func(yield func([]string) bool) {
		for l := range learners {
			drawn := g.Bag(l, seed)
			slices.Sort(drawn)
			for len(drawn) > 0 {
				r, times := drawn[0], 0
				for times < len(drawn) && drawn[times] == r {
					times++
				}
				if drawn = drawn[times:]; !yield([]string{fmt.Sprint(l), fmt.Sprint(r), fmt.Sprint(times)}) {
					return
				}
			}
		}
	})
	if err != nil {
		return err
	}
	return valuation.WriteWhole(path, b.Bytes())
}
