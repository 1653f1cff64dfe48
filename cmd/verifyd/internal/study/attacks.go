package study

import (
	"context"
	"fmt"
	"math/big"
	"strings"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/valuation"
	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/policy"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/shapley/robust"
)

// open are the attacks that values do not stop, and what does. They are paid for what they are worth on rows that nobody knew, and no more.
var open = map[string]string{
	robust.Stale:     "no work, which a replay finds",
	robust.Collusion: "the partner's steps are not its own, which a replay finds",
	leakedMany:       "what leaked are data, like any others",
	leakedAll:        "keep the committed rows until the updates are in",
}

// most is what an attack may gain under the recommended policy, and what it may gain beyond its worth.
var most = big.NewRat(105, 100)

// attacks is what attacks bring through values, score and policy: where values are paid as they come, by 16 pairs or by the closed second
// order, whose surrogate can be gamed, and under the recommended policy.
func attacks(ctx context.Context, o Options) ([]Row, error) {
	a, err := newArena(ctx, o)
	if err != nil {
		return nil, err
	}
	unknown, err := a.worth(ctx, a.made)
	if err != nil {
		return nil, err
	}
	scenario := a.scenario(ctx, a.drawn(0), a.made)
	scenario.Gradient = a.gradient
	outcomes, err := robust.Simulate(ctx, scenario, []robust.Way{pairs, closed, recommended})
	if err != nil {
		return nil, err
	}
	rows := []Row{honestRow(outcomes)}
	for ; len(outcomes) > 0; outcomes = outcomes[3:] {
		name, before := outcomes[0].Attack, &outcomes[0]
		if name == valuation.MadeSurrogate {
			before = &outcomes[1]
		}
		r, err := attackRow(name, before, []robust.Outcome{outcomes[2]}, unknown[name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		rows = append(rows, r)
	}
	for _, l := range []struct {
		name  string
		known int
	}{{leaked, few}, {leakedMany, many}, {leakedAll, committed}} {
		r, err := a.leak(ctx, l.name, l.known, o.repeats(draws))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", l.name, err)
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// The ways to values that are paid.
var (
	pairs       = robust.Way{Options: shapley.Options{Estimator: "antithetic", Budget: 16, Seed: shapley.Seed{0x5e}}}
	closed      = robust.Way{Options: shapley.Options{Estimator: robust.Second}}
	exact       = robust.Way{Prepared: true, Options: shapley.Options{Estimator: "exact"}}
	recommended = robust.Way{Prepared: true, Options: shapley.Options{
		Estimator: valuation.RecommendedEstimator, Budget: valuation.RecommendedBudget, Seed: shapley.Seed{0x5e}}}
)

// asTheyCome pays for values with no bound that any comes near.
func asTheyCome() *policy.Policy {
	p := valuation.RecommendedPolicy()
	p.Metrics.Value.By, p.Metrics.Value.Hi.Int128 = nil, proofs.Int(1<<60)
	return p
}

// attackRow is an attack's: one outcome where values are paid as they come, and those under the recommended policy, of as many rounds: what it gets in all of them.
func attackRow(name string, before *robust.Outcome, after []robust.Outcome, worth *big.Rat) (Row, error) {
	first, err := valuation.Effect(asTheyCome(), before)
	if err != nil {
		return Row{}, err
	}
	var honest, attacked, others big.Rat
	for i := range after {
		e, err := valuation.Effect(valuation.RecommendedPolicy(), &after[i])
		if err != nil {
			return Row{}, err
		}
		honest.Add(&honest, e.Honest)
		attacked.Add(&attacked, e.Attacked)
		others.Add(&others, e.Others)
	}
	n := big.NewRat(1, int64(len(after)))
	for _, x := range []*big.Rat{&honest, &attacked, &others} {
		x.Mul(x, n)
	}
	gain := new(big.Rat).Quo(&attacked, &honest)
	r, limit := Row{Measure: name, Promised: "gain at most 1.05"}, most
	if why := open[name]; why != "" {
		r.Promised = "open: " + why + "; at most 1.05 times its worth"
		if worth.Cmp(big.NewRat(1, 1)) > 0 {
			limit = new(big.Rat).Mul(most, worth)
		}
	}
	r.Verdict = verdict(gain.Cmp(limit) <= 0)
	r.Measured = fmt.Sprintf("gain %s, recommended %s; share %s to %s, recommended %s to %s; others keep %s, recommended %s; worth %s",
		short(first.Gain), short(gain), short(first.Honest), short(first.Attacked), short(&honest), short(&attacked), short(first.Others), short(&others), short(worth))
	return r, nil
}

// honestRow is what the recommended policy costs or brings the workers while nobody attacks.
func honestRow(outcomes []robust.Outcome) Row {
	shares := func(e *robust.Earned) string {
		all, text := new(big.Int), []string{}
		for _, v := range e.Values {
			if v.Sign() > 0 {
				all.Add(all, v)
			}
		}
		for _, v := range e.Values {
			text = append(text, short(new(big.Rat).SetFrac(v, all)))
		}
		return strings.Join(text, " ")
	}
	return Row{Measure: "nobody attacks", Measured: fmt.Sprintf("values in shares of those above zero: %s; recommended %s", shares(&outcomes[0].Honest), shares(&outcomes[2].Honest)), Verdict: Reported}
}

// short is a ratio as text.
func short(x *big.Rat) string { return x.FloatString(2) }

// leak has the attacker train on validation rows that it knows. Without a draw these are the rows that it is judged by; under the recommended
// policy the beacon draws from all that are committed. What the update is worth are the committed rows that the attacker did not know, or the rows
// that nobody did.
func (a *arena) leak(ctx context.Context, name string, known, draws int) (Row, error) {
	rows := a.known(known)
	update, err := a.trained(ctx, a.pool.some(rows), leakSteps*a.setting.steps)
	if err != nil {
		return Row{}, err
	}
	made := []robust.Made{{Name: name, Update: update}}
	foreign := between(committed, a.pool.rows)
	if known < committed {
		foreign = a.order()[known:]
	}
	worth, err := a.only(ctx, foreign, made, exact)
	if err != nil {
		return Row{}, err
	}
	static, err := a.only(ctx, rows, made, pairs)
	if err != nil {
		return Row{}, err
	}
	var after []robust.Outcome
	for d := range draws {
		drawn, err := a.only(ctx, a.drawn(d), made, recommended)
		if err != nil {
			return Row{}, err
		}
		after = append(after, *drawn)
	}
	return attackRow(name, static, after, worth.Gain)
}
