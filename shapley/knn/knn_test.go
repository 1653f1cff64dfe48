package knn_test

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/shapley/knn"
	"github.com/verifyd/verifyd/shapley/shapleytest"
)

// device is this machine's processor.
var device = shapleytest.CPU(kernels.Options{})

// source is seeded words.
type source struct{ ctr, key uint32 }

func (s *source) below(n int) int {
	s.ctr++
	return int(uint64(kernels.Philox4x32([4]uint32{s.ctr}, [2]uint32{s.key})[0]) * uint64(n) >> 32)
}

// made is data on a small grid, so that there are ties.
func made(key uint32, n, m, width, classes int) knn.Data {
	r := &source{key: key}
	fill := func(rows int) []float32 {
		x := make([]float32, rows*width)
		for i := range x {
			x[i] = float32(r.below(7) - 3)
		}
		return x
	}
	labels := func(rows int) []int32 {
		y := make([]int32, rows)
		for i := range y {
			y[i] = int32(r.below(classes))
		}
		return y
	}
	return knn.Data{Width: width, Train: fill(n), Test: fill(m), TrainLabels: labels(n), TestLabels: labels(m)}
}

func withTargets(d knn.Data) knn.Data {
	of := func(labels []int32) []int64 {
		y := make([]int64, len(labels))
		for i, l := range labels {
			y[i] = int64(l-1)*700_000_000 + int64(i)*12_345_678
		}
		return y
	}
	d.TrainTargets, d.TestTargets = of(d.TrainLabels), of(d.TestLabels)
	d.TrainLabels, d.TestLabels = nil, nil
	return d
}

// weights neither fall nor rise.
func weights(k int) []uint32 {
	w := make([]uint32, k)
	for i := range w {
		w[i] = [...]uint32{7, 2, 5, 0, 3}[i%5]
	}
	return w
}

// utility is what a coalition achieves for a test row, by the definition of the variant.
func utility(d knn.Data, o knn.Options, classes int64, test int, in func(i int) bool) *big.Rat {
	type row struct {
		at, distance int
		tie          int64 // of equal distances the smaller comes first
	}
	var rows []row
	for i := range len(d.Train) / d.Width {
		if !in(i) {
			continue
		}
		s := 0
		for j := range d.Width {
			e := int(d.Train[i*d.Width+j] - d.Test[test*d.Width+j])
			s += e * e
		}
		tie := int64(0)
		if o.Variant == knn.Regression {
			tie = d.TrainTargets[i]
		} else if d.TrainLabels[i] == d.TestLabels[test] {
			tie = 1
		}
		rows = append(rows, row{i, s, tie})
	}
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Or(a.distance-b.distance, cmp.Compare(a.tie, b.tie)) })
	k := min(o.K, len(rows))
	if o.Variant == knn.Threshold {
		k = 0
		for k < len(rows) && float64(rows[k].distance) <= o.Radius {
			k++
		}
	}
	match, weight := int64(0), int64(0)
	sum := new(big.Rat)
	for place, r := range rows[:k] {
		if o.Variant == knn.Regression {
			sum.Add(sum, big.NewRat(d.TrainTargets[r.at], shapley.Unit))
		} else if d.TrainLabels[r.at] == d.TestLabels[test] {
			match++
			if o.Variant == knn.Weighted {
				weight += int64(o.Weights[place])
			}
		}
	}
	switch o.Variant {
	case knn.Unweighted:
		return big.NewRat(match, int64(o.K))
	case knn.Weighted:
		all := int64(0)
		for _, w := range o.Weights {
			all += int64(w)
		}
		return big.NewRat(weight, all)
	case knn.Regression:
		sum.Mul(sum, big.NewRat(1, int64(o.K)))
		sum.Sub(sum, big.NewRat(d.TestTargets[test], shapley.Unit))
		return sum.Neg(sum.Mul(sum, sum))
	}
	if k == 0 {
		return big.NewRat(1, classes)
	}
	return big.NewRat(match, int64(k))
}

// bruteForce is the Shapley values from all coalitions.
func bruteForce(d knn.Data, o knn.Options) (values []*big.Rat, empty, full *big.Rat) {
	n, m := len(d.Train)/d.Width, len(d.Test)/d.Width
	seen := map[int32]bool{}
	for _, y := range append(slices.Clone(d.TrainLabels), d.TestLabels...) {
		seen[y] = true
	}
	u := make([]*big.Rat, 1<<n)
	for mask := range u {
		u[mask] = new(big.Rat)
		for t := range m {
			u[mask].Add(u[mask], utility(d, o, int64(len(seen)), t, func(i int) bool { return mask>>i&1 == 1 }))
		}
		u[mask].Mul(u[mask], big.NewRat(1, int64(m)))
	}
	for i := range n {
		v := new(big.Rat)
		for mask := range u {
			if mask>>i&1 == 1 {
				continue
			}
			s := shapley.Coalition{uint64(mask)}.Size()
			w := new(big.Int).Binomial(int64(n-1), int64(s))
			w.Mul(w, big.NewInt(int64(n)))
			d := new(big.Rat).Sub(u[mask|1<<i], u[mask])
			v.Add(v, d.Mul(d, new(big.Rat).SetFrac(big.NewInt(1), w)))
		}
		values = append(values, v)
	}
	return values, u[0], u[len(u)-1]
}

func near(a, b *big.Rat) bool {
	d := new(big.Rat).Sub(a, b)
	return d.Abs(d).Cmp(big.NewRat(1, 1_000_000_000_000)) < 0
}

func TestEveryVariantIsWhatAllCoalitionsSay(t *testing.T) {
	for n := 1; n <= 9; n++ {
		for _, k := range []int{1, 2, 3, 5, 12} {
			for _, v := range []knn.Variant{knn.Unweighted, knn.SoftLabel, knn.Threshold, knn.Regression, knn.Weighted} {
				d := made(uint32(100*n+k), n, 3, 2, 3)
				o := knn.Options{Device: device, Variant: v, K: k}
				switch v {
				case knn.Threshold:
					o.K, o.Radius = 0, float64(2*k)
				case knn.Regression:
					d = withTargets(d)
				case knn.Weighted:
					o.Weights = weights(k)
				}
				want, empty, full := bruteForce(d, o)
				r, err := knn.Values(context.Background(), d, o)
				if err != nil {
					t.Fatal(err)
				}
				for i := range want {
					if !near(r.Value(i), want[i]) {
						t.Errorf("%v, N %d, K %d: row %d has %s, want %s", v, n, k, i, r.Value(i).FloatString(12), want[i].FloatString(12))
					}
				}
				if !near(r.Empty, empty) || !near(r.Full, full) || !near(r.Residual, new(big.Rat)) {
					t.Errorf("%v, N %d, K %d: from %s to %s, residual %s; want %s to %s", v, n, k, r.Empty.FloatString(6), r.Full.FloatString(6), r.Residual.FloatString(15), empty.FloatString(6), full.FloatString(6))
				}
			}
		}
	}
}

func TestTheSameBitsForAnyThreadsAndInstructionSet(t *testing.T) {
	d := made(5, 700, 130, 9, 4)
	for i := range d.Train {
		d.Train[i] += float32(i%11) * 0.37
	}
	for _, v := range []knn.Variant{knn.Unweighted, knn.SoftLabel, knn.Threshold, knn.Regression, knn.Weighted} {
		o, data := knn.Options{Device: device, Variant: v, K: 5}, d
		if v == knn.Threshold {
			o.Radius = 70
		}
		if v == knn.Regression {
			data = withTargets(d)
		}
		if v == knn.Weighted {
			o.Weights = weights(o.K)
		}
		var first string
		for _, isa := range kernels.Available() {
			for _, threads := range []int{1, 2, 8} {
				o.Device = shapleytest.CPU(kernels.Options{ISA: isa, Threads: threads})
				r, err := knn.Values(context.Background(), data, o)
				if err != nil {
					t.Fatal(err)
				}
				got := fmt.Sprint(r.Numerators, r.Denominator, r.Full, r.Residual)
				if first == "" {
					first = got
				}
				if new(big.Rat).Abs(r.Residual).Cmp(r.Bound) > 0 || r.Bound.Cmp(big.NewRat(1, 1_000_000)) > 0 {
					t.Errorf("%v: the residual is %s, bound %s", v, r.Residual.FloatString(18), r.Bound.FloatString(18))
				}
				if got != first {
					t.Errorf("%v on %v with %d threads: other values", v, isa, threads)
				}
			}
		}
	}
}

func TestDataThatDoNotFitAreRefused(t *testing.T) {
	for want, change := range map[string]func(*knn.Data, *knn.Options){
		"k: 0 is outside":                          func(_ *knn.Data, o *knn.Options) { o.K = 0 },
		"variant: 9 is unknown":                    func(_ *knn.Data, o *knn.Options) { o.Variant = 9 },
		"width: 0 features":                        func(d *knn.Data, _ *knn.Options) { d.Width = 0 },
		"train: 0 numbers":                         func(d *knn.Data, _ *knn.Options) { d.Train = nil },
		"test: 19 numbers are not whole rows of 2": func(d *knn.Data, _ *knn.Options) { d.Test = d.Test[1:] },
		"train: row 1: feature 1 is not finite":    func(d *knn.Data, _ *knn.Options) { d.Train[3] = float32(math.Inf(1)) },
		"labels: 29 and 10 for 30 and 10 rows":     func(d *knn.Data, _ *knn.Options) { d.TrainLabels = d.TrainLabels[1:] },
		"targets: only a regression":               func(d *knn.Data, _ *knn.Options) { d.TrainTargets = []int64{} },
		"targets: 0 and 0 for 30 and 10":           func(_ *knn.Data, o *knn.Options) { o.Variant = knn.Regression },
		"epsilon: -1 is outside":                   func(_ *knn.Data, o *knn.Options) { o.Epsilon = -1 },
		"weights: 2 for 3 neighbours":              func(_ *knn.Data, o *knn.Options) { o.Variant, o.Weights = knn.Weighted, []uint32{1, 2} },
		"weights: all 3 are 0":                     func(_ *knn.Data, o *knn.Options) { o.Variant, o.Weights = knn.Weighted, make([]uint32, 3) },
		"weights: place 2: 1048577 is above":       func(_ *knn.Data, o *knn.Options) { o.Variant, o.Weights = knn.Weighted, []uint32{0, 1<<20 + 1, 0} },
		"weights: only weighted has them":          func(_ *knn.Data, o *knn.Options) { o.Weights = make([]uint32, 3) },
		"epsilon: only unweighted and weighted":    func(_ *knn.Data, o *knn.Options) { o.Epsilon, o.Variant = 1, knn.SoftLabel },
		"radius: NaN is no":                        func(_ *knn.Data, o *knn.Options) { o.Variant, o.Radius = knn.Threshold, math.NaN() },
		"scale: 9 is unknown":                      func(_ *knn.Data, o *knn.Options) { o.Scale = 9 },
		"device: none is given":                    func(_ *knn.Data, o *knn.Options) { o.Device = nil },
	} {
		d, o := made(1, 30, 10, 2, 3), knn.Options{Device: device, K: 3}
		change(&d, &o)
		if _, err := knn.Values(context.Background(), d, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func bench(b *testing.B, n, m, width int, o knn.Options) {
	r := &source{key: 1}
	d := knn.Data{Width: width, Train: make([]float32, n*width), Test: make([]float32, m*width), TrainLabels: make([]int32, n), TestLabels: make([]int32, m)}
	for _, x := range [][]float32{d.Train, d.Test} {
		for i := range x {
			x[i] = float32(r.below(1<<20)-1<<19) * 0x1p-19
		}
	}
	for _, y := range [][]int32{d.TrainLabels, d.TestLabels} {
		for i := range y {
			y[i] = int32(r.below(10))
		}
	}
	for b.Loop() {
		if _, err := knn.Values(context.Background(), d, o); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkValues10000x500x784(b *testing.B) {
	bench(b, 10_000, 500, 784, knn.Options{Device: device, K: 5})
}
func BenchmarkValues50000x10000x512(b *testing.B) {
	bench(b, 50_000, 10_000, 512, knn.Options{Device: device, K: 5})
}
func BenchmarkTruncated50000x10000x512(b *testing.B) {
	bench(b, 50_000, 10_000, 512, knn.Options{Device: device, K: 5, Epsilon: shapley.Unit / 1000})
}
