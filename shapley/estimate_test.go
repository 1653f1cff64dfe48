package shapley_test

import (
	"context"
	"encoding/json"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/shapley/classic"
)

// words draws numbers below 2^20 for tests, less 2^19.
func words(key uint32) func() int64 {
	ctr := uint32(0)
	return func() int64 {
		ctr++
		return int64(kernels.Philox4x32([4]uint32{ctr}, [2]uint32{key})[0]>>12) - 1<<19
	}
}

// table is an arbitrary game of n players; player null never changes anything, if it is one.
func table(t testing.TB, n, null int, key uint32) shapley.Table {
	t.Helper()
	next := words(key)
	u := make([]int64, 1<<n)
	for m := range u {
		u[m] = next() * 1000
	}
	if null >= 0 {
		for m := range u {
			u[m] = u[m&^(1<<null)]
		}
	}
	table, err := shapley.NewTable(u)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// byDefinition is the Shapley value as the mean marginal over all orders, by recursion on subsets.
func byDefinition(g shapley.Table) []*big.Rat {
	n := g.Players()
	factorial := func(k int) *big.Int { return new(big.Int).MulRange(1, int64(max(k, 1))) }
	values := make([]*big.Rat, n)
	for i := range n {
		v := new(big.Rat)
		for m := range g {
			if m>>i&1 != 0 {
				continue
			}
			s := shapley.Coalition{uint64(m)}.Size()
			w := new(big.Int).Mul(factorial(s), factorial(n-s-1))
			w.Mul(w, big.NewInt(g[m|1<<i]-g[m]))
			v.Add(v, new(big.Rat).SetFrac(w, factorial(n)))
		}
		values[i] = v
	}
	return values
}

func estimate(t testing.TB, g shapley.Game, o shapley.Options) *shapley.Result {
	t.Helper()
	r, err := shapley.Estimate(context.Background(), g, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func wantValues(t testing.TB, name string, r *shapley.Result, want []*big.Rat) {
	t.Helper()
	for i, v := range r.Values {
		if v.Rat().Cmp(want[i]) != 0 {
			t.Errorf("%s: player %d has %s, want %s", name, i, v.Rat(), want[i])
		}
	}
}

func TestExactIsTheDefinition(t *testing.T) {
	for n := 1; n <= 12; n++ {
		g := table(t, n, -1, uint32(n))
		want := byDefinition(g)
		wantValues(t, "exact", estimate(t, g, shapley.Options{Estimator: "exact"}), want)
		for i, v := range g.Values() {
			if v.Cmp(want[i]) != 0 {
				t.Errorf("%d players: the table's value %d is %s, want %s", n, i, v, want[i])
			}
		}
	}
}

func games(t *testing.T) []classic.Game {
	t.Helper()
	next := words(7)
	b, q := make([]int64, 9), make([]int64, 81)
	for i := range b {
		b[i] = next()
	}
	for i := range q {
		q[i] = next()
	}
	var all []classic.Game
	for _, make := range []func() (classic.Game, error){
		func() (classic.Game, error) { return classic.Airport([]int64{1, 2, 3, 4, 5, 6, 7, 7, 9, 10}) },
		func() (classic.Game, error) { return classic.Voting(9, 5, 9000) },
		func() (classic.Game, error) {
			return classic.Unanimity(8, []uint64{1, 6, 0b10110000, 0xff}, []int64{5, -8, 9, 800})
		},
		func() (classic.Game, error) { return classic.SpanningTree(10, 1, 11) },
		func() (classic.Game, error) { return classic.Quadratic(b, q) },
		func() (classic.Game, error) { return classic.WeightedVoting([]int{9, 5, 4, 3, 0, 2, 2, 1}, 14, 1000) },
	} {
		g, err := make()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, g)
	}
	return all
}

func TestGamesOfTheLiteratureHaveTheirKnownValues(t *testing.T) {
	for _, g := range games(t) {
		wantValues(t, g.Name, estimate(t, g, shapley.Options{Estimator: "exact"}), g.Values)
	}
}

func TestTheAirportOfTheLiteratureHasItsPublishedValues(t *testing.T) {
	// Castro, Gomez and Tejada (2009): counts of aircraft that need runways 1 to 10, and what each pays.
	counts := []int64{8, 12, 6, 14, 8, 9, 13, 10, 10, 10}
	published := []string{"0.010000000", "0.020869565", "0.033369565", "0.046883079", "0.063549745",
		"0.082780515", "0.106036329", "0.139369662", "0.189369662", "0.289369662"}
	v := new(big.Rat)
	for k, want := range published {
		users := int64(0)
		for _, c := range counts[k:] {
			users += c
		}
		if v.Add(v, big.NewRat(1, users)); v.FloatString(9) != want {
			t.Errorf("class %d pays %s, want %s", k, v.FloatString(9), want)
		}
	}
	// The same formula is the package's, on as many aircraft as a word holds.
	var costs []int64
	for k := range int64(10) {
		for range counts[k] / 2 {
			costs = append(costs, k+1)
		}
	}
	g, err := classic.Airport(costs)
	if err != nil {
		t.Fatal(err)
	}
	r := estimate(t, g, shapley.Options{Estimator: "antithetic", Budget: 64})
	within := 0
	for i, v := range r.Values {
		d := new(big.Rat).Sub(v.Rat(), g.Values[i])
		if d.Abs(d).Cmp(new(big.Rat).SetInt(new(big.Int).SetUint64(r.HalfWidth[i]))) <= 0 {
			within++
		}
	}
	if within < len(costs)*9/10 {
		t.Errorf("%d of %d intervals hold the known value", within, len(costs))
	}
}

func TestOneAntitheticPairIsExactOnEveryQuadraticGame(t *testing.T) {
	g := games(t)[4]
	wantValues(t, g.Name, estimate(t, g, shapley.Options{Estimator: "antithetic", Budget: 1}), g.Values)
}

// budgets are enough for every estimator on a game of eight players.
var budgets = map[string]int{
	"antithetic": 8, "permutation": 16, "truncated": 16, "gtg": 16, "banzhaf": 300, "beta": 16, "owen": 40,
	"stratified": 300, "kernel": 100, "leverage": 100,
}

func options(e shapley.Estimator) shapley.Options {
	return shapley.Options{Estimator: e.Name, Budget: budgets[e.Name], Alpha: 4, Beta: 1, Seed: shapley.Seed{1, 2, 3}, Sampled: true}
}

func TestAxiomsHoldExactlyWhereTheyAreSaidTo(t *testing.T) {
	a, b := table(t, 8, 3, 1), table(t, 8, 3, 2)
	sum := make([]int64, len(a))
	for m := range sum {
		sum[m] = 2*a[m] - 3*b[m]
	}
	both, err := shapley.NewTable(sum)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range shapley.Estimators() {
		ra, rb, rc := estimate(t, a, options(e)), estimate(t, b, options(e)), estimate(t, both, options(e))
		if strings.Contains(e.Axioms, "efficiency") && ra.Residual.Numerator.Sign() != 0 {
			t.Errorf("%s: residual %s", e.Name, ra.Residual.Rat())
		}
		if strings.Contains(e.Axioms, "null") && ra.Values[3].Numerator.Sign() != 0 {
			t.Errorf("%s: a null player gets %s", e.Name, ra.Values[3].Rat())
		}
		if strings.Contains(e.Axioms, "linearity") {
			for i := range rc.Values {
				x := new(big.Rat).Mul(big.NewRat(2, 1), ra.Values[i].Rat())
				x.Sub(x, new(big.Rat).Mul(big.NewRat(3, 1), rb.Values[i].Rat()))
				if x.Cmp(rc.Values[i].Rat()) != 0 {
					t.Errorf("%s: value %d of 2a-3b is %s, want %s", e.Name, i, rc.Values[i].Rat(), x)
				}
			}
		}
	}
}

func TestEveryEstimatorApproachesItsExactValue(t *testing.T) {
	exact := map[string]string{"banzhaf": "exact-banzhaf", "beta": "exact-beta"}
	large := map[string]int{"antithetic": 3000, "permutation": 6000, "truncated": 6000, "gtg": 6000, "banzhaf": 60000,
		"beta": 6000, "owen": 3000, "stratified": 60000, "kernel": 20000, "leverage": 20000}
	// A game with interactions of all orders, none of which dominates.
	next := words(5)
	sets, prizes := []uint64{}, []int64{}
	for k := range 40 {
		sets, prizes = append(sets, uint64(next()+1<<19)%255+1), append(prizes, next()+int64(k))
	}
	g, err := classic.Unanimity(8, sets, prizes)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range shapley.Estimators() {
		if e.Unit == "" {
			continue
		}
		o := options(e)
		o.Budget = large[e.Name]
		kind := "exact"
		if k, ok := exact[e.Name]; ok {
			kind = k
		}
		want := estimate(t, g, shapley.Options{Estimator: kind, Alpha: 4, Beta: 1})
		got := estimate(t, g, o)
		dist, norm := 0.0, 0.0
		for i, v := range got.Values {
			w, _ := want.Values[i].Rat().Float64()
			x, _ := v.Rat().Float64()
			dist, norm = dist+(x-w)*(x-w), norm+w*w
		}
		if dist > norm*0.05*0.05 {
			t.Errorf("%s: squared relative error %.2g", e.Name, dist/norm)
		}
	}
}

func TestTheSameRunGivesTheSameBytesOnAnyNumberOfThreads(t *testing.T) {
	g := table(t, 8, -1, 9)
	for _, e := range shapley.Estimators() {
		var first []byte
		for _, threads := range []int{1, 2, 8} {
			f := shapley.Func{N: 8, Threads: threads, Utility: func(_ context.Context, c shapley.Coalition) (int64, error) {
				return g[c[0]], nil
			}}
			data, err := json.Marshal(estimate(t, f, options(e)))
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = data
			}
			if !slices.Equal(data, first) {
				t.Errorf("%s with %d threads: other bytes", e.Name, threads)
			}
		}
	}
}

func TestACancelledRunResumesToTheSameBytes(t *testing.T) {
	g := table(t, 8, -1, 11)
	for _, e := range shapley.Estimators() {
		whole, _ := json.Marshal(estimate(t, g, options(e)))
		for _, stop := range []int{1, 3, 40} {
			ctx, cancel := context.WithCancel(context.Background())
			var known []int64
			o := options(e)
			o.Record = func(u []int64) error {
				if known = append(known, u...); len(known) >= stop {
					cancel()
				}
				return nil
			}
			if _, err := shapley.Estimate(ctx, g, o); err != nil && !errors.Is(err, context.Canceled) {
				t.Fatalf("%s: %v", e.Name, err)
			}
			cancel()
			o.Known, o.Record = known, nil
			if again, _ := json.Marshal(estimate(t, g, o)); !slices.Equal(again, whole) {
				t.Errorf("%s stopped after %d utilities: other bytes", e.Name, stop)
			}
		}
	}
}

func TestAControlVariateThatIsTheGameLeavesNoErrorAndIsNoProofOfIt(t *testing.T) {
	g := games(t)[2]
	for _, name := range []string{"antithetic", "permutation"} {
		o := shapley.Options{Estimator: name, Budget: 8, Control: &shapley.Control{Game: g, Values: g.Values}}
		r := estimate(t, g, o)
		wantValues(t, g.Name, r, g.Values)
		if slices.Min(r.HalfWidth) == 0 {
			t.Errorf("%s: half-widths %v", name, r.HalfWidth)
		}
	}
}

func TestADeclaredTargetEndsARunEarlyAndShowsInTheResult(t *testing.T) {
	g := games(t)[4]
	first := estimate(t, g, shapley.Options{Estimator: "antithetic", Budget: 8, Sampled: true})
	target := 2 * slices.Max(first.HalfWidth)
	r := estimate(t, g, shapley.Options{Estimator: "antithetic", Budget: 1000, Target: target, Sampled: true})
	if r.Samples != 8 || r.Target != target || !r.Met() {
		t.Errorf("%d pairs, target %d; the first look meets it", r.Samples, r.Target)
	}
	r = estimate(t, g, shapley.Options{Estimator: "antithetic", Budget: 16, Target: 1, Sampled: true})
	if r.Samples != 16 || r.Met() {
		t.Errorf("%d pairs, met: %t; samples that are all the same prove nothing", r.Samples, r.Met())
	}
}

func TestFixedValuesSumToTheRoundedTotal(t *testing.T) {
	g, err := classic.Voting(7, 3, 100)
	if err != nil {
		t.Fatal(err)
	}
	sum := new(big.Int)
	for _, v := range estimate(t, g, shapley.Options{Estimator: "exact"}).Fixed() {
		sum.Add(sum, v)
	}
	if sum.Int64() != 100 {
		t.Errorf("seven sevenths of 100 are %v", sum)
	}
}

func TestBadOptionsAndGamesAreRefused(t *testing.T) {
	fine := table(t, 3, -1, 1)
	flow := shapley.Func{N: 2, Utility: func(context.Context, shapley.Coalition) (int64, error) { return shapley.MaxUtility + 1, nil }}
	for want, c := range map[string]struct {
		g shapley.Game
		o shapley.Options
	}{
		`estimator: "x" is unknown`:                     {fine, shapley.Options{Estimator: "x"}},
		"budget: 0 pairs is outside 1":                  {fine, shapley.Options{Estimator: "antithetic"}},
		"budget: exact takes none, 5 given":             {fine, shapley.Options{Estimator: "exact", Budget: 5}},
		"level: 1000 thousandths is outside":            {fine, shapley.Options{Estimator: "exact", Level: 1000}},
		"alpha, beta: 0, 0":                             {fine, shapley.Options{Estimator: "beta", Budget: 5}},
		"players: 25 is outside 1 to 24":                {shapley.Func{N: 25}, shapley.Options{Estimator: "exact"}},
		"players: 0 is outside":                         {shapley.Func{}, shapley.Options{Estimator: "loo"}},
		"utility overflows the scale":                   {flow, shapley.Options{Estimator: "exact"}},
		"do not tell all 3 players apart":               {fine, shapley.Options{Estimator: "kernel", Budget: 1}},
		"3 utilities known, 2 asked for":                {table(t, 1, -1, 1), shapley.Options{Estimator: "antithetic", Budget: 1, Known: []int64{1, 2, 3}}},
		"control: its game or its values are not those": {fine, shapley.Options{Estimator: "antithetic", Budget: 1, Control: &shapley.Control{}}},
	} {
		if _, err := shapley.Estimate(context.Background(), c.g, c.o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	for _, bad := range [][]int64{nil, {1}, {1, 2, 3}, {0, shapley.MaxUtility + 1}} {
		if _, err := shapley.NewTable(bad); err == nil {
			t.Errorf("table %v is accepted", bad)
		}
	}
}

func TestAConstantGameGivesEveryoneNothing(t *testing.T) {
	g := shapley.Func{N: 6, Utility: func(context.Context, shapley.Coalition) (int64, error) { return 77, nil }}
	for _, e := range shapley.Estimators() {
		o := options(e)
		for i, v := range estimate(t, g, o).Values {
			if v.Numerator.Sign() != 0 {
				t.Errorf("%s: player %d gets %s", e.Name, i, v.Rat())
			}
		}
	}
}
