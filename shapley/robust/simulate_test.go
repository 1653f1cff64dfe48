package robust_test

import (
	"math/big"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/shapley/robust"
	"github.com/verifyd/verifyd/shapley/round"
	"github.com/verifyd/verifyd/shapley/round/roundtest"
	"github.com/verifyd/verifyd/shapley/shapleytest"
)

// device is this machine's processor.
var device = shapleytest.CPU(kernels.Options{})

// scenario is a round of synthetic digits, of which each worker has some classes, that worker 2 attacks.
func scenario(t *testing.T, classes, steps int, o round.Options) robust.Scenario {
	t.Helper()
	workers := make([]roundtest.Worker, 7)
	for i := range workers {
		all := roundtest.Digits(200+20*i, 16, 5, 2, uint32(i+1))
		for r, label := range all.Y { // some classes of five, others for each worker
			if (int(label)+i)%5 < classes {
				workers[i].X = append(workers[i].X, all.X[r*16:(r+1)*16]...)
				workers[i].Y = append(workers[i].Y, label)
			}
		}
	}
	r, err := roundtest.New(roundtest.MLP(16, 5, 20, 0.1, 12), 1, workers, steps, roundtest.Digits(200, 16, 5, 2, 99))
	if err != nil {
		t.Fatal(err)
	}
	validation, err := roundtest.Train(roundtest.MLP(16, 5, 200, 0.01, 12), r.Base, roundtest.Digits(200, 16, 5, 2, 99), 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range validation { // minus the rate times the gradient
		for e := range u {
			u[e] = -u[e]
		}
	}
	return robust.Scenario{
		Updates: r.Updates, Sizes: r.Sizes, Attacker: 2, Partner: 4, Gradient: validation,
		Limits: robust.Limits{Cosine: 995_000_000},
		Play: func(updates [][][]float32, sizes []uint64) (shapley.Game, error) {
			played := r
			played.Updates, played.Sizes = updates, sizes
			return round.New(t.Context(), played, o)
		},
	}
}

// gains are those of each attack, "clustered NAME" with clusters.
func gains(t *testing.T, s robust.Scenario) map[string]float64 {
	t.Helper()
	table, err := robust.Simulate(t.Context(), s, []shapley.Options{{Estimator: "exact"}})
	if err != nil {
		t.Fatal(err)
	}
	g := map[string]float64{}
	for _, o := range table {
		if new(big.Rat).Mul(o.Gain, o.Honest).Cmp(o.Attacked) != 0 {
			t.Errorf("%s: gain %v of %v is not %v", o.Attack, o.Gain, o.Honest, o.Attacked)
		}
		name := o.Attack
		if o.Clustered {
			name = "clustered " + name
			if o.Escaped.A < 0 || o.Escaped.Similarity >= s.Limits.Cosine {
				t.Errorf("%s: escaped %+v", name, o.Escaped)
			}
		}
		g[name], _ = o.Gain.Float64()
		t.Logf("%-24s %6.3f escaped %.4f", name, g[name], float64(o.Escaped.Similarity)/robust.One)
	}
	return g
}

func TestADuplicateEarnsNothingMoreOnceItIsClustered(t *testing.T) {
	g := gains(t, scenario(t, 3, 4, round.Options{Device: device}))
	for _, name := range []string{robust.Duplicate, robust.NearDuplicate} {
		if g[name] < 1.15 || g["clustered "+name] > 1.05 || g["clustered "+name] < 0.95 {
			t.Errorf("%s gains %.3f, clustered %.3f", name, g[name], g["clustered "+name])
		}
	}
	for _, name := range []string{robust.SplitInTwo, "clustered " + robust.SplitInTwo} {
		if d := g[name] - 1; d > 1e-3 || d < -1e-3 {
			t.Errorf("%s gains %v", name, g[name])
		}
	}
	if g[robust.ZeroUpdate] != 0 || g["clustered "+robust.ZeroUpdate] != 0 {
		t.Errorf("an update of zeros earns %v", g[robust.ZeroUpdate])
	}
	if g[robust.Noise] >= 0.5 || g[robust.Leak] <= 1 {
		t.Errorf("noise gains %.3f, a leak %.3f", g[robust.Noise], g[robust.Leak])
	}
}

func TestRenormalisedWeightsPayAnUpdateOfZeros(t *testing.T) {
	if g := gains(t, scenario(t, 1, 40, round.Options{Device: device, Renormalised: true})); g[robust.ZeroUpdate] <= 0 {
		t.Errorf("an update of zeros earns %v", g[robust.ZeroUpdate])
	}
}

func TestAScenarioWithoutAnHonestValueIsRefused(t *testing.T) {
	s := scenario(t, 3, 4, round.Options{Device: device})
	s.Updates[2] = s.Updates[2][:1:1]
	if _, err := robust.Simulate(t.Context(), s, nil); err == nil || !strings.Contains(err.Error(), "updates[2]") {
		t.Error(err)
	}
	s = scenario(t, 3, 4, round.Options{Device: device})
	for _, u := range s.Updates[2] {
		clear(u)
	}
	_, err := robust.Simulate(t.Context(), s, []shapley.Options{{Estimator: "exact"}})
	if err == nil || !strings.Contains(err.Error(), "earns 0 honestly") {
		t.Error(err)
	}
}
