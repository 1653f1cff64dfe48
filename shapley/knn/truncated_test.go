package knn_test

import (
	"context"
	"math/big"
	"testing"

	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/shapley/knn"
)

func TestATruncatedValueIsOffByEpsilonAtMost(t *testing.T) {
	for n := 1; n <= 60; n += 7 {
		for _, k := range []int{1, 3, 9} {
			d := made(uint32(n+k), n, 4, 2, 2)
			exact, err := knn.Values(context.Background(), d, knn.Options{Device: device, K: k})
			if err != nil {
				t.Fatal(err)
			}
			for _, epsilon := range []int64{shapley.Unit, 300_000_000, 100_000_000, 40_000_000, 1_000_000} {
				r, err := knn.Values(context.Background(), d, knn.Options{Device: device, K: k, Epsilon: epsilon})
				if err != nil {
					t.Fatal(err)
				}
				if new(big.Rat).Abs(r.Residual).Cmp(r.Bound) > 0 {
					t.Errorf("N %d, K %d, epsilon %d: the residual is %s, bound %s", n, k, epsilon, r.Residual.FloatString(9), r.Bound.FloatString(9))
				}
				if r.Full.Cmp(exact.Full) != 0 {
					t.Errorf("N %d, K %d, epsilon %d: everybody has %v, want %v", n, k, epsilon, r.Full, exact.Full)
				}
				for i := range r.Numerators {
					off := new(big.Rat).Sub(r.Value(i), exact.Value(i))
					if off.Abs(off).Cmp(big.NewRat(epsilon+1, shapley.Unit)) > 0 {
						t.Errorf("N %d, K %d, epsilon %d: row %d is off by %s", n, k, epsilon, i, off.FloatString(9))
					}
				}
			}
		}
	}
}

func TestTruncationBeyondTheRowsChangesNothing(t *testing.T) {
	d := made(3, 40, 9, 3, 3)
	exact, err := knn.Values(context.Background(), d, knn.Options{Device: device, K: 5})
	if err != nil {
		t.Fatal(err)
	}
	r, err := knn.Values(context.Background(), d, knn.Options{Device: device, K: 5, Epsilon: shapley.Unit / 40})
	if err != nil {
		t.Fatal(err)
	}
	for i := range r.Numerators {
		if r.Numerators[i].Cmp(exact.Numerators[i]) != 0 {
			t.Errorf("row %d has %v, want %v", i, r.Numerators[i], exact.Numerators[i])
		}
	}
}

func TestEqualWeightsAreNone(t *testing.T) {
	for _, n := range []int{1, 4, 30} {
		d := made(8, n, 5, 3, 3)
		for _, epsilon := range []int64{0, shapley.Unit / 10} {
			plain, err := knn.Values(context.Background(), d, knn.Options{Device: device, K: 6, Epsilon: epsilon})
			if err != nil {
				t.Fatal(err)
			}
			o := knn.Options{Device: device, Variant: knn.Weighted, K: 6, Weights: []uint32{9, 9, 9, 9, 9, 9}, Epsilon: epsilon}
			r, err := knn.Values(context.Background(), d, o)
			if err != nil {
				t.Fatal(err)
			}
			for i := range r.Numerators {
				if !near(r.Value(i), plain.Value(i)) {
					t.Errorf("N %d: row %d has %v, want %v", n, i, r.Value(i), plain.Value(i))
				}
			}
		}
	}
}
