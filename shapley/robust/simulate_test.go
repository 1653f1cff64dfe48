package robust_test

import (
	"math/big"
	"slices"
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
		Made: []robust.Made{{Name: leak, Update: robust.Along(validation, r.Updates[2], -1)}},
		Play: func(updates [][][]float32, sizes []uint64, prepared bool) (shapley.Game, error) {
			played, o := r, o
			played.Updates, played.Sizes, o.Harmless = updates, sizes, prepared
			return round.New(t.Context(), played, o)
		},
		Closed: func(updates [][][]float32, sizes []uint64) ([]int64, error) {
			played := r
			played.Updates, played.Sizes = updates, sizes
			s, err := round.SecondOrder(t.Context(), played, o)
			if err != nil {
				return nil, err
			}
			return s.Values, nil
		},
	}
}

const leak = "leak"

// gain is what an attacker gains: worth is by values, and paid is the share of all values above zero.
type gain struct{ worth, paid float64 }

// gains are those of each attack, "fair NAME" of the prepared round.
func gains(t *testing.T, s robust.Scenario) map[string]gain {
	t.Helper()
	exact := shapley.Options{Estimator: "exact"}
	table, err := robust.Simulate(t.Context(), s, []robust.Way{{Options: exact}, {Options: exact, Prepared: true}})
	if err != nil {
		t.Fatal(err)
	}
	g := map[string]gain{}
	for _, o := range table {
		name := o.Attack
		if o.Prepared {
			name = "fair " + name
		}
		worth, _ := o.Gain.Float64()
		g[name] = gain{worth, share(&o.Attacked) / share(&o.Honest)}
		t.Logf("%-24s worth %6.3f, paid %6.3f", name, worth, g[name].paid)
	}
	return g
}

// share is the attacker's of what is paid where nothing is paid below zero.
func share(e *robust.Earned) float64 {
	mine, all := 0.0, 0.0
	for i, v := range e.Values {
		x, _ := new(big.Float).SetInt(v).Float64()
		all += max(0, x)
		if slices.Contains(e.Mine, i) {
			mine += max(0, x)
		}
	}
	return mine / all
}

func TestAFairRoundPaysNobodyForHowManyNamesHeHasOrForHowFarHeWent(t *testing.T) {
	g := gains(t, scenario(t, 3, 4, round.Options{Device: device}))
	for name, least := range map[string]float64{
		robust.Duplicate: 1.1, robust.NearDuplicate: 1.1, robust.Disguise: 1.1, robust.OppositeTwo: 1.5, robust.OppositeThree: 1.5, robust.Scaling: 1.3,
	} {
		if as := g[name].paid; as < least {
			t.Errorf("%s gains %.3f where values are taken as they come: the attack is not one", name, as)
		}
	}
	for _, name := range []string{
		robust.Duplicate, robust.NearDuplicate, robust.Disguise, robust.SplitInTwo, robust.OppositeTwo, robust.OppositeThree, robust.Scaling, robust.Variance,
	} {
		if fair := g["fair "+name].paid; fair > 1.05 {
			t.Errorf("%s gains %.3f in a fair round", name, fair)
		}
	}
	for _, name := range []string{robust.Duplicate, robust.SplitInTwo, robust.OppositeTwo, robust.Variance} { // nothing but another name
		if d := g["fair "+name].worth - 1; d > 1e-3 || d < -1e-3 {
			t.Errorf("%s is worth %v in a fair round", name, g["fair "+name].worth)
		}
	}
	for _, name := range []string{robust.ZeroUpdate, "fair " + robust.ZeroUpdate} {
		if g[name].worth != 0 {
			t.Errorf("an update of zeros is worth %v", g[name].worth)
		}
	}
	if g[robust.Noise].worth >= 0.5 || g["fair "+leak].paid <= 1 {
		t.Errorf("noise is worth %.3f, a leak gains %.3f", g[robust.Noise].worth, g["fair "+leak].paid)
	}
}

func TestRenormalisedWeightsPayAnUpdateOfZeros(t *testing.T) {
	s := scenario(t, 1, 40, round.Options{Device: device, Renormalised: true})
	s.Only = robust.ZeroUpdate
	table, err := robust.Simulate(t.Context(), s, []robust.Way{{Options: shapley.Options{Estimator: "exact"}}})
	if err != nil || len(table) != 1 || table[0].Gain.Sign() <= 0 {
		t.Errorf("an update of zeros is worth %+v: %v", table, err)
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
	_, err := robust.Simulate(t.Context(), s, []robust.Way{{Options: shapley.Options{Estimator: "exact"}}})
	if err == nil || !strings.Contains(err.Error(), "earns 0 honestly") {
		t.Error(err)
	}
	s = scenario(t, 3, 4, round.Options{Device: device})
	s.Closed = nil
	_, err = robust.Simulate(t.Context(), s, []robust.Way{{Options: shapley.Options{Estimator: robust.Second}}})
	if err == nil || !strings.Contains(err.Error(), "closed: missing") {
		t.Error(err)
	}
}
