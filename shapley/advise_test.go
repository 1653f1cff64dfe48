package shapley_test

import (
	"context"
	"slices"
	"testing"

	"github.com/verifyd/verifyd/shapley"
)

func TestAdvisedSamplesHaveTheHalfWidthThatWasSaid(t *testing.T) {
	e, err := shapley.Named("antithetic")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{12, 40} {
		constant := shapley.Declared{Game: shapley.Func{N: n, Threads: 1, Utility: func(context.Context, shapley.Coalition) (int64, error) {
			return shapley.Unit / 2, nil
		}}, Known: shapley.Facts{Bounds: shapley.Share()}}
		budget, thousandths := e.Advised(constant.Known, n, 950)
		r := estimate(t, constant, shapley.Options{Estimator: "antithetic", Budget: budget, Sampled: true})
		if got := int(slices.Max(r.HalfWidth) / (shapley.Unit / 1000)); got != thousandths || got > 100 {
			t.Errorf("%d players, %d pairs: half-width %d thousandths, %d were said", n, budget, got, thousandths)
		}
	}
}
