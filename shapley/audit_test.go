package shapley_test

import (
	"context"
	"errors"
	"math/big"
	"testing"

	"github.com/verifyd/verifyd/shapley"
)

// recorded is a run with its transcript.
func recorded(t *testing.T, g shapley.Game, o shapley.Options) (*shapley.Result, []int64) {
	t.Helper()
	var all []int64
	o.Record = func(u []int64) error {
		all = append(all, u...)
		return nil
	}
	return estimate(t, g, o), all
}

func TestEveryRunCanBeAuditedFromItsTranscript(t *testing.T) {
	g := table(t, 8, -1, 21)
	for _, e := range shapley.Estimators() {
		r, u := recorded(t, g, options(e))
		a, err := shapley.Check(context.Background(), g, nil, r, u, [32]byte{5}, 20)
		if err != nil {
			t.Fatalf("%s: %v", e.Name, err)
		}
		if len(a.Wrong) != 0 || a.Leaves != uint64(len(u)) || a.Checked != min(20, a.Leaves) {
			t.Errorf("%s: %+v", e.Name, a)
		}
	}
}

func TestAlteredUtilitiesAreFoundAndAlteredArithmeticIsRefused(t *testing.T) {
	g := table(t, 8, -1, 22)
	lie := append(shapley.Table(nil), g...)
	lie[5] += 1000
	r, u := recorded(t, lie, shapley.Options{Estimator: "exact"})
	a, err := shapley.Check(context.Background(), g, nil, r, u, [32]byte{}, uint64(len(u)))
	if err != nil || len(a.Wrong) != 1 || a.Wrong[0] != 2+5 {
		t.Fatalf("%+v, %v", a, err)
	}
	check := func(what string) {
		t.Helper()
		if _, err := shapley.Check(context.Background(), g, nil, r, u, [32]byte{}, 5); !errors.Is(err, shapley.ErrTranscript) {
			t.Errorf("%s: %v", what, err)
		}
	}
	r.Values[2].Numerator = new(big.Int).Add(r.Values[2].Numerator, big.NewInt(1))
	check("a value that was raised")
	r, u = recorded(t, g, shapley.Options{Estimator: "exact"})
	u[9]++
	check("a utility that was raised after the run")
	u[9]--
	u = u[:len(u)-1]
	check("a utility that is missing")
}

func TestTheOddsOfMissingTamperingAreThoseOfTheUrn(t *testing.T) {
	g := table(t, 10, -1, 23)
	r, u := recorded(t, g, shapley.Options{Estimator: "exact"})
	a, err := shapley.Check(context.Background(), g, nil, r, u, [32]byte{1}, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range a.Missed {
		n, k := new(big.Int).Binomial(int64(a.Leaves-m.Altered), 100), new(big.Int).Binomial(int64(a.Leaves), 100)
		want := new(big.Rat).SetFrac(n, k)
		got, _ := new(big.Rat).SetString(m.Probability)
		d := new(big.Rat).Sub(got, want)
		if d.Sign() < 0 || d.Cmp(big.NewRat(1, 1_000_000_000)) > 0 {
			t.Errorf("%d altered: %s, want %s", m.Altered, m.Probability, want.FloatString(12))
		}
	}
}
