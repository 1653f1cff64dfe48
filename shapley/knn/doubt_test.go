package knn_test

import (
	"cmp"
	"math"
	"math/big"
	"slices"
	"testing"

	"github.com/verifyd/verifyd/shapley/knn"
	"github.com/verifyd/verifyd/shapley/shapleytest"
)

// blurred is data of which one column of the test rows ranges so widely that the step is coarse for the others.
func blurred(key uint32, n, m, width, wide int) knn.Data {
	r := &source{key: key}
	d := made(key, n, m, width, 3)
	for _, x := range [][]float32{d.Train, d.Test} {
		for i := range x {
			x[i] = float32(r.below(1<<20)) * 0x1p-18 // 0 to 4
		}
	}
	for i := range m {
		d.Test[i*width] = float32(r.below(wide))
	}
	return d
}

// unrounded is the values with the distances of the features as they are: of each test row's order alone, on a line.
func unrounded(t *testing.T, d knn.Data, o knn.Options) []*big.Rat {
	n, m := len(d.Train)/d.Width, len(d.Test)/d.Width
	total := make([]*big.Rat, n)
	for i := range total {
		total[i] = new(big.Rat)
	}
	for test := range m {
		order, distances := make([]int, n), make([]float64, n)
		for i := range n {
			order[i] = i
			for j := range d.Width {
				off := float64(d.Train[i*d.Width+j]) - float64(d.Test[test*d.Width+j])
				distances[i] += off * off
			}
		}
		slices.SortFunc(order, func(a, b int) int { return cmp.Compare(distances[a], distances[b]) })
		line := knn.Data{Width: 1, Train: make([]float32, n), Test: []float32{float32(-n)}, TrainLabels: d.TrainLabels, TestLabels: d.TestLabels[test : test+1]}
		for place, row := range order {
			line.Train[row] = float32(place - n)
		}
		r := values(t, line, o)
		if !r.Features.Exact {
			t.Fatal("the line is not exact")
		}
		for i := range total {
			total[i].Add(total[i], new(big.Rat).Mul(r.Value(i), big.NewRat(1, int64(m))))
		}
	}
	return total
}

func TestRoundingChangesNoValueByMoreThanItsBound(t *testing.T) {
	slack := big.NewRat(1, 1_000_000_000_000) // of the tables, which have other scales
	changed, within := 0, 0
	for _, n := range []int{2, 5, 40} {
		for _, wide := range []int{2, 300, 10_000} {
			for name, o := range map[string]knn.Options{
				"unweighted":          {K: 3},
				"unweighted, nearest": {K: 2, Epsilon: 200_000_000},
				"weighted":            {Variant: knn.Weighted, K: 4, Weights: weights(4)},
				"soft-label":          {Variant: knn.SoftLabel, K: 2},
				"soft-label of all":   {Variant: knn.SoftLabel, K: 50},
			} {
				d := blurred(uint32(n+wide), n, 7, 3, wide)
				got := values(t, d, o)
				if got.Features.Exact || got.Rounding == nil || (got.Doubtful > 0) != (got.Rounding.Sign() > 0) {
					t.Fatalf("%s: %+v, %d doubtful, %v", name, got.Features, got.Doubtful, got.Rounding)
				}
				// The classes of the line are those of one test row: an empty coalition's utility is of no interest here.
				if o.Variant == knn.SoftLabel {
					d.TestLabels = slices.Repeat([]int32{d.TestLabels[0]}, 7)
					for i := range d.TrainLabels {
						d.TrainLabels[i] = int32(i % 2)
					}
					d.TestLabels = slices.Repeat([]int32{1}, 7)
					got = values(t, d, o)
				}
				limit := new(big.Rat).Add(got.Rounding, slack)
				for i, want := range unrounded(t, d, o) {
					off := new(big.Rat).Sub(got.Value(i), want)
					if off.Abs(off).Cmp(limit) > 0 {
						t.Errorf("%s, N %d, range %d: row %d is off by %s, bound %s", name, n, wide, i, off.FloatString(9), limit.FloatString(9))
					}
					if off.Cmp(slack) > 0 {
						changed++
					}
				}
				if got.Rounding.Sign() == 0 {
					within++
				}
				o.Device = shapleytest.Apart(device)
				if a, b := text(t, values(t, d, o)), text(t, got); a != b {
					t.Errorf("%s: a device has\n%s, want\n%s", name, a, b)
				}
			}
		}
	}
	if changed == 0 || within == 0 {
		t.Errorf("%d values were changed by rounding, %d games were certain: the test shows nothing", changed, within)
	}
}

func TestNothingIsInDoubtWhereNothingWasRounded(t *testing.T) {
	for name, game := range games(60, 9) {
		d, o := game()
		r := values(t, d, o)
		if o.Scale != knn.None {
			if r.Features.Exact {
				t.Errorf("%s: said to be exact", name)
			}
			continue
		}
		if !r.Features.Exact || r.Doubtful != 0 || r.Rounding == nil || r.Rounding.Sign() != 0 {
			t.Errorf("%s: %+v, %d doubtful, %v", name, r.Features, r.Doubtful, r.Rounding)
		}
	}
}

func TestDoubtIsCountedWhereNoBoundIsClaimed(t *testing.T) {
	d := blurred(3, 40, 7, 3, 300)
	onFence := 0.0 // the squared distance of two rows
	for j := range d.Width {
		off := float64(d.Train[j]) - float64(d.Test[j])
		onFence += off * off
	}
	r := values(t, d, knn.Options{Variant: knn.Threshold, Radius: onFence})
	if r.Rounding != nil || r.Doubtful == 0 {
		t.Errorf("threshold: %d doubtful, %v", r.Doubtful, r.Rounding)
	}
	if r := values(t, d, knn.Options{Variant: knn.Threshold, Radius: math.MaxFloat32}); r.Doubtful != 0 {
		t.Errorf("threshold of all: %d doubtful", r.Doubtful)
	}
	o := knn.Options{Variant: knn.Regression, K: 3}
	regression := withTargets(d)
	r = values(t, regression, o)
	if r.Rounding != nil || r.Doubtful == 0 {
		t.Errorf("regression: %d doubtful, %v", r.Doubtful, r.Rounding)
	}
	o.Device = shapleytest.Apart(device)
	if a, b := text(t, values(t, regression, o)), text(t, r); a != b {
		t.Errorf("a device has\n%s, want\n%s", a, b)
	}
}

// More rows than are looked at: the order of the others counts as uncertain.
func TestRowsThatAreNotLookedAtAreInDoubt(t *testing.T) {
	d := blurred(4, 1500, 5, 2, 2)
	r := values(t, d, knn.Options{K: 3})
	if r.Doubtful != 5 || r.Rounding.Cmp(big.NewRat(1, 3)) > 0 || r.Rounding.Cmp(new(big.Rat).Sub(big.NewRat(1, 1024), big.NewRat(1, 1499))) < 0 {
		t.Errorf("%d doubtful, %s", r.Doubtful, r.Rounding.FloatString(9))
	}
	if a := text(t, values(t, d, knn.Options{K: 3, Device: shapleytest.Apart(device)})); a != text(t, r) {
		t.Errorf("a device has %s", a)
	}
}
