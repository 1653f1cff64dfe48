package study

import (
	"context"
	"fmt"
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/digits"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/valuation"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/shapley/robust"
	"github.com/verifyd/verifyd/shapley/round"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/program"
)

func processor(t *testing.T) engine.Device {
	t.Helper()
	cpu, err := kernels.NewCPU(kernels.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cpu.Close)
	return engine.NewCPU("cpu", cpu, cpu.Threads())
}

func TestTheTableOfAttacksThroughThePayIsWhatASimulationFinds(t *testing.T) {
	page, err := os.ReadFile("../../../../docs/paying.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for line := range strings.Lines(string(page)) {
		if strings.HasPrefix(line, "| attacks | ") {
			documented = append(documented, strings.TrimSpace(line))
		}
	}
	if testing.Short() {
		t.Logf("with the race detector the %d rows are not simulated again", len(documented))
		return
	}
	rows, err := Run(context.Background(), Options{Only: []string{"attacks"}, Device: processor(t)})
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range rows {
		if r.Verdict == Missed || r.Promised == "" && i > 0 {
			t.Errorf("%s: %s: %s", r.Measure, r.Promised, r.Measured)
		}
		row := fmt.Sprintf("| %s | %s | %s | %s | %s |", r.Study, r.Measure, r.Promised, r.Measured, r.Verdict)
		if i >= len(documented) || documented[i] != row {
			t.Errorf("docs/paying.md lacks in this place, of %d:\n%s", len(documented), row)
		}
	}
	if len(documented) != len(rows) {
		t.Errorf("docs/paying.md has %d rows, there are %d", len(documented), len(rows))
	}
}

// An attacker who sets two updates against each other makes what others are worth depend on who came before, and so their standard errors, which
// the policy deducts. Fourteen workers are too many for all coalitions: their values are sampled.
func TestHonestWorkersKeepTheirPayWhereAnAttackerBlowsUpTheVariance(t *testing.T) {
	if testing.Short() {
		t.Log("not with the race detector")
		return
	}
	ctx, o := context.Background(), Options{Device: processor(t)}
	s, err := mlpSetting("", 0.5, 5, 14)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.play(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	for i := range r.Sizes {
		r.Sizes[i] *= 2 // so that halves are whole, and have the update as their mean
	}
	a := &arena{setting: s, pool: s.val, round: r, options: o}
	scenario := a.scenario(ctx, between(0, 200), nil)
	scenario.Only = robust.Variance
	outcomes, err := robust.Simulate(ctx, scenario, []robust.Way{pairs, recommended})
	if err != nil {
		t.Fatal(err)
	}
	keep := make([]*big.Rat, 2)
	for k := range outcomes {
		if len(outcomes[k].Attacked.StdErr) == 0 {
			t.Fatalf("%+v: nothing was sampled", outcomes[k])
		}
		e, err := valuation.Effect(valuation.RecommendedPolicy(), &outcomes[k])
		if err != nil {
			t.Fatal(err)
		}
		keep[k] = e.Others
		t.Logf("prepared %v: others keep %s; standard errors %v, with the attack %v", outcomes[k].Prepared, e.Others.FloatString(3), outcomes[k].Honest.StdErr, outcomes[k].Attacked.StdErr)
	}
	if keep[0].Cmp(big.NewRat(9, 10)) > 0 {
		t.Errorf("others keep %s where values are taken as they come: the attack is not one", keep[0].FloatString(3))
	}
	if keep[1].Cmp(big.NewRat(98, 100)) < 0 {
		t.Errorf("others keep %s in a fair round", keep[1].FloatString(3))
	}
}

// Two parts of a worker that are neither parallel nor opposite are two players. The one is what the worker has, the other is meant to have the round bend so that the
// first is worth more; it may be worth less than nothing, which nobody pays for.
func TestPartsThatAreNoOppositesGainNothingEither(t *testing.T) {
	if testing.Short() {
		t.Log("not with the race detector")
		return
	}
	ctx, o := context.Background(), Options{Device: processor(t)}
	s, err := mlpSetting("", 1, 20, 8)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.play(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	for i := range r.Sizes {
		r.Sizes[i] *= 1000 // so that a twentieth is whole
	}
	// share is a worker's of all values above zero, with so many of its rows under another name and update.
	share := func(worker int, second [][]float32, rows uint64) float64 {
		played, mine := *r, []int{worker}
		if rows > 0 {
			mine = append(mine, len(r.Updates))
			played.Updates, played.Sizes = append(slices.Clone(r.Updates), second), append(slices.Clone(r.Sizes), rows)
			played.Sizes[worker] -= rows
		}
		p, err := robust.Prepare(ctx, played.Updates, played.Sizes, nil)
		if err != nil {
			t.Fatal(err)
		}
		sizes := played.Sizes
		played.Updates, played.Sizes = p.Updates, p.Sizes
		g, err := round.New(ctx, played, round.Options{Device: o.Device, Harmless: true})
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		res, err := shapley.Estimate(ctx, g, shapley.Options{Estimator: "exact"})
		if err != nil {
			t.Fatal(err)
		}
		values, _, err := p.Clusters.Divide(res.Fixed(), nil, sizes)
		if err != nil {
			t.Fatal(err)
		}
		paid, err := valuation.Pay(valuation.RecommendedPolicy(), &robust.Earned{Values: values, Mine: mine})
		if err != nil {
			t.Fatal(err)
		}
		x, _ := paid.Share().Float64()
		return x
	}
	for _, worker := range []int{4, 5} {
		own := r.Updates[worker]
		others, noise := copied(own), copied(own)
		draw := &source{key: 5, name: 3}
		for k, tensor := range others {
			for e := range tensor {
				tensor[e], noise[k][e] = 0, float32(draw.normal())
				for i, u := range r.Updates {
					if i != worker {
						tensor[e] += u[k][e]
					}
				}
			}
		}
		against := func(length float64) [][]float32 { // the update undone, and noise of so many times its length
			u, n := robust.Along(own, own, -1), robust.Along(noise, own, length)
			for k, tensor := range u {
				for e := range tensor {
					tensor[e] += n[k][e]
				}
			}
			return u
		}
		before := share(worker, nil, 0)
		for name, second := range map[string][][]float32{"against the others": robust.Along(others, own, -1), "at a small angle": against(0.25), "at a large angle": against(1)} {
			for _, part := range []uint64{20, 2} {
				gain := share(worker, second, r.Sizes[worker]/part) / before
				t.Logf("worker %d, 1/%d %s: gain %.3f", worker, part, name, gain)
				if gain > 1.05 {
					t.Errorf("worker %d gains %.3f by 1/%d %s", worker, gain, part, name)
				}
			}
		}
	}
}

// Convolutions trained for five steps lead over rough ground, where updates of one length still make much of each other. Thirds that do harm are there to
// be undone by the last one.
func TestWhereALossIsRoughWhatDoesHarmAloneIsIsolated(t *testing.T) {
	if testing.Short() {
		t.Log("not with the race detector")
		return
	}
	ctx, o := context.Background(), Options{Device: processor(t)}
	train, val, err := images()
	if err != nil {
		t.Fatal(err)
	}
	s := setting{
		steps: 5, train: train, val: val, class: train.y, workers: 7, key: 12,
		program: plainSGD(program.CNN(program.CNNConfig{InChannels: 1, Height: digits.Side, Width: digits.Side, Channels: []int{8, 16}, Classes: digits.Classes}), 32, 0.1),
	}
	r, err := s.play(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	a := &arena{setting: s, pool: s.val, round: r, options: o}
	of := func(harmless bool) (gain, others float64) {
		scenario := a.scenario(ctx, between(0, 120), nil)
		scenario.Only = robust.OppositeThree
		play := scenario.Play
		scenario.Play = func(updates [][][]float32, sizes []uint64, _ bool) (shapley.Game, error) {
			return play(updates, sizes, harmless)
		}
		outcomes, err := robust.Simulate(ctx, scenario, []robust.Way{recommended})
		if err != nil {
			t.Fatal(err)
		}
		e, err := valuation.Effect(valuation.RecommendedPolicy(), &outcomes[0])
		if err != nil {
			t.Fatal(err)
		}
		gain, _ = e.Gain.Float64()
		others, _ = e.Others.Float64()
		return gain, others
	}
	gain, others := of(false)
	t.Logf("nobody isolated: gain %.2f, others keep %.2f", gain, others)
	if gain < 1.05 || others > 0.6 {
		t.Error("the attack is not one")
	}
	gain, others = of(true)
	t.Logf("harm isolated: gain %.2f, others keep %.2f", gain, others)
	if gain > 0.9 || others < 0.75 {
		t.Error("the attack is not held")
	}
}

func TestRowsAreDrawnThatNobodyKnewAndPayFollowsWorth(t *testing.T) {
	if testing.Short() {
		t.Log("not with the race detector")
		return
	}
	ctx := context.Background()
	a, err := newArena(ctx, Options{Device: processor(t)})
	if err != nil {
		t.Fatal(err)
	}
	update, err := a.trained(ctx, a.pool.some(a.known(few)), leakSteps*a.setting.steps)
	if err != nil {
		t.Fatal(err)
	}
	made := []robust.Made{{Name: leaked, Update: update}}
	way := robust.Way{Prepared: true, Options: shapley.Options{Estimator: "exact"}}
	gain := func(rows []int) float64 {
		x, err := a.only(ctx, rows, made, way)
		if err != nil {
			t.Fatal(err)
		}
		g, _ := x.Gain.Float64()
		return g
	}
	known, drawn, unknown := gain(a.known(few)), gain(a.drawn(1)), gain(a.order()[few:])
	t.Logf("judged by the %d rows that leaked: %.2f; by %d drawn: %.2f; by all that did not leak: %.2f", few, known, valuation.RecommendedRows, drawn, unknown)
	if known < 1.5*unknown || drawn > 1.15*unknown {
		t.Errorf("a leak of %d rows is worth %.2f by them, %.2f by rows that are drawn and %.2f in truth", few, known, drawn, unknown)
	}
}
