package shapley

import (
	"math"
	"math/big"
	"slices"
	"testing"
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
