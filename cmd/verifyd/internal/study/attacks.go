package study

import (
	"context"
	"strings"

	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/shapley/robust"
	"github.com/verifyd/verifyd/shapley/round"
)

// attacks is what an attacker gains under each estimator, in the round of the digits that round-mlp studies first.
func attacks(ctx context.Context, o Options) ([]Row, error) {
	s, err := mlpSetting("", 0.5, 5, o.workers(8))
	if err != nil {
		return nil, err
	}
	r, err := s.play(ctx, o)
	if err != nil {
		return nil, err
	}
	scenario := robust.Scenario{
		Updates: r.Updates, Sizes: r.Sizes, Attacker: 4, Partner: 5, Seed: shapley.Seed{0xa7},
		Limits: robust.Limits{Cosine: 995_000_000},
		Play: func(updates [][][]float32, sizes []uint64) (shapley.Game, error) {
			played := *r
			played.Updates, played.Sizes = updates, sizes
			return round.New(ctx, played, round.Options{Device: o.Device})
		},
	}
	if scenario.Gradient, err = round.Gradient(ctx, *r, round.Options{Device: o.Device}); err != nil {
		return nil, err
	}
	n := len(r.Updates)
	estimators := []shapley.Options{
		{Estimator: "exact"}, {Estimator: "antithetic", Budget: 8}, {Estimator: "permutation", Budget: 16}, {Estimator: "gtg", Budget: 16},
		{Estimator: "banzhaf", Budget: 16 * n}, {Estimator: "beta", Budget: 16, Alpha: 4, Beta: 1}, {Estimator: "leverage", Budget: 8 * n}, {Estimator: "loo"},
	}
	for i := range estimators {
		estimators[i].Seed, estimators[i].Sampled = shapley.Seed{0x5e}, true // it is they that are studied
	}
	outcomes, err := robust.Simulate(ctx, scenario, estimators)
	if err != nil {
		return nil, err
	}
	return attackRows(outcomes, len(estimators)), nil
}

// attackRows has two rows for each attack: without and with clusters, which follow one another for each estimator.
func attackRows(outcomes []robust.Outcome, estimators int) []Row {
	var rows []Row
	for ; len(outcomes) > 0; outcomes = outcomes[2*estimators:] {
		for clustered := range 2 {
			first, gains := outcomes[clustered], []string{}
			for k := clustered; k < 2*estimators; k += 2 {
				gains = append(gains, outcomes[k].Estimator+" "+outcomes[k].Gain.FloatString(3))
			}
			row := Row{Measure: "gain of " + first.Attack, Measured: strings.Join(gains, ", "), Verdict: Reported}
			if first.Clustered {
				row.Measure += ", clustered"
			}
			exact, _ := first.Gain.Float64()
			copies := first.Attack == robust.Duplicate || first.Attack == robust.NearDuplicate
			switch {
			case first.Attack == robust.ZeroUpdate:
				row.Promised, row.Verdict = "exact: 0", verdict(first.Gain.Sign() == 0)
			case first.Attack == robust.SplitInTwo, first.Clustered && copies:
				row.Promised, row.Verdict = "exact: at most 1.01", verdict(exact <= 1.01)
			}
			rows = append(rows, row)
		}
	}
	return rows
}
