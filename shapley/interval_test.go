package shapley

import (
	"context"
	"math"
	"math/big"
	"slices"
	"testing"

	"github.com/verifyd/verifyd/kernels"
)

func TestQuantilesAreThoseOfTheTables(t *testing.T) {
	for _, c := range []struct {
		nu   int
		miss int64 // thousandths
		want float64
	}{{1, 50, 12.7062}, {2, 50, 4.30265}, {3, 50, 3.18245}, {7, 50, 2.36462}, {10, 10, 3.16927}, {30, 50, 2.04227}, {1000, 50, 1.96234}, {4, 1, 8.61030}} {
		got, _ := tQuantile(c.nu, big.NewRat(c.miss, 1000)).Float64()
		if math.Abs(got-c.want) > 1e-4*c.want {
			t.Errorf("nu %d, miss 0.%03d: %.5f, want %.5f", c.nu, c.miss, got, c.want)
		}
	}
}

func TestPermutationsAreUniform(t *testing.T) {
	counts := map[[4]int]int{}
	var order [4]int
	for p := range uint64(24_000) {
		Seed{9}.permutation(p, order[:])
		counts[order]++
	}
	chi := 0.0
	for _, n := range counts {
		chi += float64((n-1000)*(n-1000)) / 1000
	}
	if len(counts) != 24 || chi > 49.7 { // 0.1 % of chi-squared with 23 degrees of freedom
		t.Errorf("%d orders, chi-squared %.1f", len(counts), chi)
	}
}

func TestASampleIsFixedForAllTime(t *testing.T) {
	var order [8]int
	Seed{1, 2, 3, 4, 5, 6, 7, 8}.permutation(1<<32+7, order[:])
	first := order
	Seed{1, 2, 3, 4, 5, 6, 7, 8, 99}.permutation(1<<32+7, order[:]) // only eight bytes are the key
	if first != order || !slices.Equal(order[:], []int{0, 3, 2, 5, 4, 7, 6, 1}) {
		t.Errorf("order %v", order)
	}
}

// The coverage of nominal 95 % intervals is measured, 400 times each.
func TestIntervalsCoverAsOftenAsTheySay(t *testing.T) {
	const n, runs = 6, 400
	u := make([]int64, 1<<n)
	for m := range u {
		u[m] = int64(kernels.Philox4x32([4]uint32{uint32(m)}, [2]uint32{77})[0] >> 8)
	}
	g := Table(u)
	want := g.Values()
	for _, pairs := range []int{8, 16, 64} {
		covered, together := 0, 0
		for k := range runs {
			o := Options{Estimator: "antithetic", Budget: pairs, Seed: Seed{byte(k), byte(k >> 8), byte(pairs)}}
			r, err := Estimate(context.Background(), g, o)
			if err != nil {
				t.Fatal(err)
			}
			single := tQuantile(pairs-1, big.NewRat(50, 1000))
			all := true
			for i, v := range r.Values {
				d := new(big.Rat).Sub(v.Rat(), want[i])
				d.Abs(d)
				half := new(big.Rat).SetInt(new(big.Int).SetUint64(r.StdErr[i]))
				if d.Cmp(half.Mul(half, single)) <= 0 {
					covered++
				}
				all = all && d.Cmp(new(big.Rat).SetInt(new(big.Int).SetUint64(r.HalfWidth[i]))) <= 0
			}
			if all {
				together++
			}
		}
		each := float64(covered) / (runs * n)
		// Simultaneous intervals reach further into the tails, where a sample of a few pairs of a rough game such as
		// this one is no normal distribution: they need more pairs to be as good as their word.
		floor := map[int]float64{8: 0.85, 16: 0.9, 64: 0.93}[pairs]
		t.Logf("%d pairs: a player's interval covers %.3f, all together %.3f", pairs, each, float64(together)/runs)
		if each < 0.92 || each > 0.97 || float64(together) < floor*runs {
			t.Errorf("%d pairs: a player's interval covers %.3f, all together %.3f", pairs, each, float64(together)/runs)
		}
	}
}

func TestBernsteinBoundsAreValidAndWide(t *testing.T) {
	u := make([]int64, 1<<5)
	for m := range u {
		u[m] = int64(kernels.Philox4x32([4]uint32{uint32(m)}, [2]uint32{78})[0] >> 8)
	}
	g := Table(u)
	o := Options{Estimator: "antithetic", Budget: 32, Width: 1 << 25}
	wide, err := Estimate(context.Background(), g, o)
	if err != nil {
		t.Fatal(err)
	}
	o.Width = 0
	narrow, err := Estimate(context.Background(), g, o)
	if err != nil {
		t.Fatal(err)
	}
	for i := range wide.HalfWidth {
		if wide.HalfWidth[i] <= narrow.HalfWidth[i] {
			t.Errorf("player %d: %d is no wider than %d", i, wide.HalfWidth[i], narrow.HalfWidth[i])
		}
	}
	o.Width = 1 << 10
	if _, err := Estimate(context.Background(), g, o); err == nil {
		t.Error("marginals beyond the width that was promised are accepted")
	}
	l, _ := logUp(800).Float64()
	if math.Abs(l-math.Log(800)) > 1e-5 || l < math.Log(800) {
		t.Errorf("ln 800 is %.7f", l)
	}
}
