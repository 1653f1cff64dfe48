package shapley

import (
	"math"
	"math/big"
	"slices"
	"testing"

	"github.com/verifyd/verifyd/kernels"
)

// uniforms draws numbers on [0, 1), from a key alone.
func uniforms(key uint32) func() float64 {
	ctr := uint32(0)
	return func() float64 {
		ctr++
		return float64(kernels.Philox4x32([4]uint32{ctr}, [2]uint32{key, 7})[0]) * 0x1p-32
	}
}

// wellBehaved are distributions on [0, 1] whose deviation is at least a tenth of that range.
var wellBehaved = map[string]func(u func() float64) float64{
	"uniform":        func(u func() float64) float64 { return u() },
	"coin":           func(u func() float64) float64 { return math.Floor(2 * u()) },
	"off centre":     func(u func() float64) float64 { return 0.4 + 0.3*(u()+u()) },
	"a tenth, round": func(u func() float64) float64 { return 0.5 + 0.2*(u()+u()+u()-1.5) },
	"one in ten":     func(u func() float64) float64 { return math.Floor(u() + 0.1) },
}

func TestBettingIsAtMostTwiceAsWideAsStudentWhereSamplesAreWellBehaved(t *testing.T) {
	tail := big.NewRat(50, 1000*15)
	stake, _ := new(big.Rat).Quo(big.NewRat(2, 1), tail).Float64()
	l, _ := logUp(stake).Float64()
	for name, draw := range wellBehaved {
		for _, n := range []int{64, 256} {
			var ratios []float64
			for k := range 100 {
				u := uniforms(uint32(k))
				x := make([]float64, n)
				sum, squares := 0.0, 0.0
				for i := range x {
					x[i] = draw(u)
					sum, squares = sum+x[i], squares+x[i]*x[i]
				}
				low, high := betting(x, stake, l)
				mean := sum / float64(n)
				quantile, _ := tQuantile(n-1, tail).Float64()
				student := quantile * math.Sqrt((squares/float64(n)-mean*mean)/float64(n-1))
				ratios = append(ratios, max(high-mean, mean-low)/student)
			}
			slices.Sort(ratios)
			if t.Logf("%s, %d samples: %.2f", name, n, ratios[50]); ratios[50] > 2 {
				t.Errorf("%s, %d samples: the median width is %.2f of the t-interval's", name, n, ratios[50])
			}
		}
	}
}

func TestABettingIntervalHoldsWhateverTheSamplesAre(t *testing.T) {
	const runs, n = 2000, 32
	stake := 40.0 // 95 %
	l, _ := logUp(stake).Float64()
	for name, c := range map[string]struct {
		mean float64
		draw func(u func() float64) float64
	}{
		"one in a hundred":     {0.01, func(u func() float64) float64 { return math.Floor(u() + 0.01) }},
		"all but one in fifty": {0.98, func(u func() float64) float64 { return math.Floor(u() + 0.98) }},
		"always the same":      {0.3, func(func() float64) float64 { return 0.3 }},
		"always the least":     {0, func(func() float64) float64 { return 0 }},
		"always the most":      {1, func(func() float64) float64 { return 1 }},
		"a power's tail":       {1.0 / 9, func(u func() float64) float64 { return math.Pow(u(), 8) }},
		"uniform":              {0.5, func(u func() float64) float64 { return u() }},
	} {
		missed := 0
		for k := range runs {
			u := uniforms(uint32(k))
			x := make([]float64, n)
			for i := range x {
				x[i] = c.draw(u)
			}
			if low, high := betting(x, stake, l); c.mean < low || c.mean > high {
				missed++
			}
		}
		t.Logf("%s: %d of %d missed", name, missed, runs)
		if missed > runs*5/100 {
			t.Errorf("%s: %d of %d missed", name, missed, runs)
		}
	}
}
