package study

import (
	"context"
	"fmt"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/valuation"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/shapley/robust"
	"github.com/verifyd/verifyd/verify/engine"
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
