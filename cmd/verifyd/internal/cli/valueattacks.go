package cli

import (
	"context"
	"fmt"
	"io"
	"math/big"
	"slices"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/tabular"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/valuation"
	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/policy"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/shapley/robust"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/merkle"
)

// attackOptions say who attacks, how values are made and who pays for them.
type attackOptions struct {
	attacker, partner int
	estimators        []string
	budget            int
	policy            string // file
	randomness        string
}

func (a *app) valueAttacksCommand() *cobra.Command {
	var ro roundOptions
	var o attackOptions
	cmd := &cobra.Command{
		Use:   "attacks --program FILE --base FILE --update FILE... --sizes N,N... --validation FILE --randomness HEX",
		Short: "Simulate attacks on a round and print what share of the pot each would get",
		Long: `attacks plays what a worker may try on a real round, through values, score and policy,
and prints the share of the pot that the attacker's identities get, without the attack
and with it: copies, disguised or not, splits into halves and thirds that are set
against each other, ruin and repair, scaling, variance, an update of zeros, noise, what
others did a round before, collusion, updates made of the validation rows' gradient and
of the loss' curvature. Nobody knows who is behind an identity: there is no roster.

Each estimator pays on the values as they come. The last way is the recommended one:
rows count once, owners are valued and not names, and all updates have one length.
With --policy it is the policy's own.

A gain of 1 is an attack that changes nothing; above 1 it pays. "others keep" is what
is left of the points of those who do not attack. An update of the validation rows'
gradient gains as long as these are known: let the beacon draw them. docs/paying.md
has what is held by what.`,
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
	f.StringSliceVar(&o.estimators, "estimator", []string{"antithetic", robust.Second}, "ways to the values as they come, repeated or with commas; "+robust.Second+" is the closed second order")
	f.IntVar(&o.budget, "budget", 16, "pairs of an antithetic estimate; others get about as many evaluations")
	f.StringVar(&o.policy, "policy", "", "scoring policy that pays; one of values alone, with the defaults of policy new, if not given")
	f.StringVar(&o.randomness, "randomness", "", "64 hex digits, from which all random choices follow")
	require(cmd, append(slices.Clone(roundFlags), "randomness")...)
	return cmd
}

// attackView is an attack's row.
type attackView struct {
	Attack    string `json:"attack"`
	Estimator string `json:"estimator"`
	Fair      bool   `json:"fair"`
	Honest    string `json:"honest"`   // share of the pot, decimal
	Attacked  string `json:"attacked"` // likewise
	Gain      string `json:"gain"`     // decimal; - if nothing is paid without the attack
	Others    string `json:"others"`   // what they keep, decimal
	Worth     string `json:"worth"`    // what the attacker is worth over what it was, paid or not
}

func (a *app) valueAttacks(ctx context.Context, device engine.Device, o *roundOptions, ao attackOptions) error {
	beacon, err := merkle.ParseHash(ao.randomness)
	if err != nil {
		return usageError{fmt.Errorf("--randomness: %w", err)}
	}
	p, err := ao.pays()
	if err != nil {
		return err
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
	ways, err := ao.ways(p, n, seed)
	if err != nil {
		return err
	}
	s, err := valuation.Attacked(ctx, r, ro, ao.attacker, ao.partner, seed)
	if err != nil {
		return err
	}
	outcomes, err := robust.Simulate(ctx, *s, ways)
	if err != nil {
		return err
	}
	var rows []attackView
	for _, x := range outcomes {
		e, err := valuation.Effect(p, &x)
		if err != nil {
			return fmt.Errorf("%s: %w", x.Attack, err)
		}
		rows = append(rows, attackView{x.Attack, x.Estimator, x.Prepared, e.Honest.FloatString(4), e.Attacked.FloatString(4), ratioText(e.Gain), ratioText(e.Others), x.Gain.FloatString(4)})
	}
	if a.output == "csv" {
		return tabular.WriteCSV(a.stdout, []string{"attack", "estimator", "fair", "honest", "attacked", "gain", "others", "worth"}, func(yield func([]string) bool) {
			for _, v := range rows {
				if !yield([]string{v.Attack, v.Estimator, fmt.Sprint(v.Fair), v.Honest, v.Attacked, v.Gain, v.Others, v.Worth}) {
					return
				}
			}
		})
	}
	return a.emit(rows, func(w io.Writer) {
		row(w, "attack", "values", "share", "attacked", "gain", "others keep")
		for _, v := range rows {
			values := v.Estimator
			if v.Fair {
				values += ", fair"
			}
			row(w, v.Attack, values, v.Honest, v.Attacked, v.Gain, v.Others)
		}
	})
}

// ratioText is a ratio as a decimal number; - of none.
func ratioText(x *big.Rat) string {
	if x == nil {
		return "-"
	}
	return x.FloatString(4)
}

// pays is the policy that pays.
func (o *attackOptions) pays() (*policy.Policy, error) {
	if o.policy == "" {
		return valuation.RecommendedPolicy(), nil
	}
	p, err := readPolicy(o.policy)
	if err == nil && p.Metrics.Value.Weight == (policy.Uint{}) {
		err = fmt.Errorf("%s: policy: field metrics.value.weight: zero: it pays for no value", o.policy)
	}
	return p, err
}

// ways are the estimators on values as they come, and last the policy's way.
func (o *attackOptions) ways(p *policy.Policy, n int, seed shapley.Seed) ([]robust.Way, error) {
	var ways []robust.Way
	for _, name := range o.estimators {
		e := shapley.Options{Estimator: robust.Second}
		if name != robust.Second {
			var err error
			if e, err = attackEstimate(name, o.budget, n); err != nil {
				return nil, err
			}
		}
		e.Seed = seed
		ways = append(ways, robust.Way{Options: e})
	}
	by := p.Metrics.Value.By
	if by == nil {
		by = valuation.Recommended(proofs.Uint128{}).By
	}
	return append(ways, robust.Way{Options: shapley.Options{Estimator: by.Estimator, Budget: int(by.Budget), Seed: seed}, Prepared: by.Fair}), nil
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
