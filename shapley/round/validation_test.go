package round_test

import (
	"math"
	"slices"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/shapley/round"
	"github.com/verifyd/verifyd/shapley/shapleytest"
)

func TestTheValidationErrorIsWhatABootstrapOfTheRowsFinds(t *testing.T) {
	resamples, within := 300, 0.2
	if testing.Short() {
		resamples, within = 40, 0.5
	}
	r := small(t, 5)
	seed := shapley.Seed{7}
	for _, utility := range []round.Utility{round.Loss, round.Accuracy} {
		g := newGame(t, r, round.Options{Device: device, Utility: utility})
		errs, err := g.ValidationError(t.Context(), seed)
		if err != nil {
			t.Fatal(err)
		}
		if errs[1] != 0 {
			t.Errorf("%v: the error of a player without an update is %d", utility, errs[1])
		}
		rows, width := len(r.Y.I), len(r.X.F)/len(r.Y.I)
		sum, squares := make([]float64, 5), make([]float64, 5)
		drawn := make([]uint32, rows)
		for b := range resamples {
			seed.Draws(uint64(b), uint64(rows), drawn)
			again := r
			again.X, again.Y = kernels.Buf{F: make([]float32, len(r.X.F))}, kernels.Buf{I: make([]int32, rows)}
			for i, from := range drawn {
				copy(again.X.F[i*width:(i+1)*width], r.X.F[int(from)*width:])
				again.Y.I[i] = r.Y.I[from]
			}
			h, err := round.New(t.Context(), again, round.Options{Utility: utility, Device: shapleytest.CPU(kernels.Options{Threads: 1})})
			if err != nil {
				t.Fatal(err)
			}
			res, err := shapley.Estimate(t.Context(), h, shapley.Options{Estimator: "antithetic", Budget: 1, Seed: seed})
			h.Close()
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range res.Values {
				x, _ := v.Rat().Float64()
				sum[i], squares[i] = sum[i]+x, squares[i]+x*x
			}
		}
		for i := range sum {
			mean := sum[i] / float64(resamples)
			spread := math.Sqrt(squares[i]/float64(resamples) - mean*mean)
			if e := float64(errs[i]); math.Abs(e-spread) > within*spread+1 {
				t.Errorf("%v: player %d: error %.0f, a bootstrap's is %.0f", utility, i, e, spread)
			}
		}
		other := newGame(t, r, round.Options{Utility: utility, Device: shapleytest.CPU(kernels.Options{ISA: kernels.Generic, Threads: 1})})
		if again, err := other.ValidationError(t.Context(), seed); err != nil || !slices.Equal(again, errs) {
			t.Errorf("%v: %v on another code path, %v: %v", utility, again, errs, err)
		}
	}
}
