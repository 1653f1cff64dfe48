package knn_test

import (
	"context"
	"math/big"
	"testing"

	"github.com/verifyd/verifyd/shapley/detect"
	"github.com/verifyd/verifyd/shapley/knn"
)

// planes draws rows of Breiman's 2dplanes ("Classification and Regression Trees", 1984): ten features, and whether the
// target is above its mean, which is 0. The noise is the sum of twelve uniform numbers less 6, of variance 1.
func planes(r *source, n int) (x []float32, y []int32) {
	const unit = 1 << 20
	for range n {
		var f [10]int
		f[0] = 2*r.below(2) - 1
		for j := 1; j < len(f); j++ {
			f[j] = r.below(3) - 1
		}
		t := -6 * unit
		for range 12 {
			t += r.below(unit)
		}
		if f[0] == 1 {
			t += (3 + 3*f[1] + 2*f[2] + f[3]) * unit
		} else {
			t += (-3 + 3*f[4] + 2*f[5] + f[6]) * unit
		}
		for _, v := range f {
			x = append(x, float32(v))
		}
		if t > 0 {
			y = append(y, 1)
		} else {
			y = append(y, 0)
		}
	}
	return x, y
}

func TestFlippedLabelsOf2dplanesHaveTheLowestValues(t *testing.T) {
	const (
		n, m, seeds = 2000, 200, 10
		flips       = n / 10
	)
	area, score := new(big.Rat), new(big.Rat)
	for seed := range uint32(seeds) {
		r := &source{key: 1000 + seed}
		d := knn.Data{Width: 10}
		d.Train, d.TrainLabels = planes(r, n)
		d.Test, d.TestLabels = planes(r, m)
		flagged := make([]bool, n)
		for left := flips; left > 0; {
			if i := r.below(n); !flagged[i] {
				flagged[i] = true
				d.TrainLabels[i] = 1 - d.TrainLabels[i]
				left--
			}
		}
		values, err := knn.Values(context.Background(), d, knn.Options{Device: device, K: 5})
		if err != nil {
			t.Fatal(err)
		}
		a, err := detect.AUROC(values.Numerators, flagged, (*big.Int).Cmp)
		if err != nil {
			t.Fatal(err)
		}
		f, err := detect.F1(values.Numerators, flagged, flips, (*big.Int).Cmp)
		if err != nil {
			t.Fatal(err)
		}
		area.Add(area, a)
		score.Add(score, f)
	}
	mean := area.Mul(area, big.NewRat(1, seeds))
	t.Logf("AUROC %s, F1 of the lowest tenth %s", mean.FloatString(4), score.Mul(score, big.NewRat(1, seeds)).FloatString(4))
	if off := new(big.Rat).Sub(mean, big.NewRat(90, 100)); off.Abs(off).Cmp(big.NewRat(3, 100)) > 0 {
		t.Errorf("AUROC %s, want 0.90 +- 0.03", mean.FloatString(4))
	}
}
