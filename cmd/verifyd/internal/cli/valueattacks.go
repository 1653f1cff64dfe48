package cli

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/tabular"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/shapley/robust"
	"github.com/verifyd/verifyd/shapley/round"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/merkle"
)

// attackOptions say who attacks and how values are made.
type attackOptions struct {
	attacker, partner int
	estimators        []string
	budget            int
	cosine            float64
	randomness        string
}

func (a *app) valueAttacksCommand() *cobra.Command {
	var ro roundOptions
	var o attackOptions
	cmd := &cobra.Command{
		Use:   "attacks --program FILE --base FILE --update FILE... --sizes N,N... --validation FILE --randomness HEX",
		Short: "Simulate attacks on a round and print what each would gain under each estimator",
		Long: `attacks plays what a worker may try on a real round: a copy of itself under another
name, a near copy, splitting in two, an update of zeros, noise, an update made for the
validation rows, and a partner who repeats its update. It prints what the attacker's
identities earn in units of what it earns honestly, under each estimator, and again
where updates that point the same way count as one player.

1 is an attack that changes nothing; above 1 it pays.`,
		Example: `  verifyd value attacks --program program.json --base round7.safetensors \
      --update alice.safetensors --update bob.safetensors --sizes 4096,4096 \
      --validation validation.safetensors --randomness $BEACON`,
		Args: cobra.NoArgs,
		RunE: a.runs(func(cmd *cobra.Command, _ []string) error {
			return a.onDevice(cmd.Context(), func(device engine.Device) error { return a.valueAttacks(cmd.Context(), device, &ro, o) })
		}),
	}
	ro.fileFlags(cmd)
	f := cmd.Flags()
	f.IntVar(&o.attacker, "attacker", 0, "number of the worker who attacks, from 0")
	f.IntVar(&o.partner, "partner", 1, "number of the worker who helps")
	f.StringSliceVar(&o.estimators, "estimator", []string{"antithetic", "banzhaf", "loo"}, "ways to the values, repeated or with commas")
	f.IntVar(&o.budget, "budget", 8, "pairs of an antithetic estimate; others get about as many evaluations")
	f.Float64Var(&o.cosine, "cosine", 0.99, "updates with at least this cosine count as one player")
	f.StringVar(&o.randomness, "randomness", "", "64 hex digits, from which all random choices follow")
	require(cmd, append(slices.Clone(roundFlags), "randomness")...)
	return cmd
}

// attackView is an attack's row.
type attackView struct {
	Attack    string `json:"attack"`
	Estimator string `json:"estimator"`
	Clustered bool   `json:"clustered"`
	Honest    string `json:"honest"` // exact, in 1e-9
	Attacked  string `json:"attacked"`
	Gain      string `json:"gain"` // decimal
}

func (a *app) valueAttacks(ctx context.Context, device engine.Device, o *roundOptions, ao attackOptions) error {
	beacon, err := merkle.ParseHash(ao.randomness)
	if err != nil {
		return usageError{fmt.Errorf("--randomness: %w", err)}
	}
	if !(ao.cosine > 0 && ao.cosine <= 1) {
		return usageError{fmt.Errorf("--cosine %v: want a number above 0 and up to 1", ao.cosine)}
	}
	r, ro, err := o.read(device)
	if err != nil {
		return err
	}
	n := len(r.Updates)
	if ao.attacker < 0 || ao.attacker >= n || ao.partner < 0 || ao.partner >= n {
		return usageError{fmt.Errorf("--attacker %d, --partner %d: want 0 to %d", ao.attacker, ao.partner, n-1)}
	}
	seed := shapley.DeriveSeed(beacon, r.Program.Digest())
	s := robust.Scenario{
		Updates: r.Updates, Sizes: r.Sizes, Attacker: ao.attacker, Partner: ao.partner, Seed: seed,
		Limits: robust.Limits{Cosine: int64(ao.cosine * shapley.Unit)},
		Play: func(updates [][][]float32, sizes []uint64) (shapley.Game, error) {
			again := *r
			again.Updates, again.Sizes = updates, sizes
			return round.New(ctx, again, ro)
		},
	}
	if s.Gradient, err = round.Gradient(ctx, *r, ro); err != nil {
		return err
	}
	var estimates []shapley.Options
	for _, name := range ao.estimators {
		e, err := attackEstimate(name, ao.budget, n)
		if err != nil {
			return err
		}
		e.Seed = seed
		estimates = append(estimates, e)
	}
	outcomes, err := robust.Simulate(ctx, s, estimates)
	if err != nil {
		return err
	}
	var rows []attackView
	for _, x := range outcomes {
		rows = append(rows, attackView{x.Attack, x.Estimator, x.Clustered, x.Honest.RatString(), x.Attacked.RatString(), x.Gain.FloatString(4)})
	}
	if a.output == "csv" {
		return tabular.WriteCSV(a.stdout, []string{"attack", "estimator", "clustered", "honest", "attacked", "gain"}, func(yield func([]string) bool) {
			for _, v := range rows {
				if !yield([]string{v.Attack, v.Estimator, fmt.Sprint(v.Clustered), v.Honest, v.Attacked, v.Gain}) {
					return
				}
			}
		})
	}
	return a.emit(rows, func(w io.Writer) {
		row(w, "attack", "estimator", "gain", "gain of clusters")
		for _, x := range outcomes {
			if !x.Clustered {
				row(w, x.Attack, x.Estimator, x.Gain.FloatString(4), clusteredGain(outcomes, x))
			}
		}
	})
}

// clusteredGain is the gain of the same attack under the same estimator where clusters play.
func clusteredGain(all []robust.Outcome, x robust.Outcome) string {
	for _, y := range all {
		if y.Clustered && y.Attack == x.Attack && y.Estimator == x.Estimator {
			return y.Gain.FloatString(4)
		}
	}
	return "-"
}

// attackEstimate is an estimate with about as many evaluations as so many antithetic pairs of n players.
func attackEstimate(name string, pairs, n int) (shapley.Options, error) {
	o := shapley.Options{Estimator: name, Alpha: 4, Beta: 1}
	e, err := shapley.Named(name)
	if err != nil {
		return o, usageError{fmt.Errorf("--estimator %.40q: verifyd value estimators lists them", name)}
	}
	switch e.Unit {
	case shapley.None:
	case shapley.PermutationPairs:
		o.Budget = pairs
	case shapley.Permutations:
		o.Budget = 2 * pairs
	case shapley.CoalitionPairs:
		o.Budget = pairs * n
	case shapley.Coalitions:
		o.Budget = 2 * pairs * n
	default:
		return o, fmt.Errorf("--estimator %s: how many %s cost as much as a pair of permutations is not said", name, e.Unit)
	}
	return o, nil
}
