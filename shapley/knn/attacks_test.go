package knn_test

import (
	"context"
	"encoding/json"
	"errors"
	"math/big"
	"slices"
	"testing"

	"github.com/verifyd/verifyd/shapley/knn"
	"github.com/verifyd/verifyd/shapley/shapleytest"
)

// text is all of a result.
func text(t *testing.T, r *knn.Result) string {
	t.Helper()
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func values(t *testing.T, d knn.Data, o knn.Options) *knn.Result {
	t.Helper()
	if o.Device == nil {
		o.Device = device
	}
	r, err := knn.Values(context.Background(), d, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// games are all variants for rows with many ties, with labels or targets.
func games(n, m int) map[string]func() (knn.Data, knn.Options) {
	labelled := func(o knn.Options) func() (knn.Data, knn.Options) {
		return func() (knn.Data, knn.Options) { return made(41, n, m, 2, 3), o }
	}
	return map[string]func() (knn.Data, knn.Options){
		"unweighted":             labelled(knn.Options{K: 3}),
		"unweighted, nearest":    labelled(knn.Options{K: 2, Epsilon: 150_000_000}),
		"weighted":               labelled(knn.Options{Variant: knn.Weighted, K: 4, Weights: weights(4)}),
		"soft-label":             labelled(knn.Options{Variant: knn.SoftLabel, K: 3}),
		"soft-label of all":      labelled(knn.Options{Variant: knn.SoftLabel, K: n + 1}),
		"threshold":              labelled(knn.Options{Variant: knn.Threshold, Radius: 4}),
		"unweighted, by columns": labelled(knn.Options{K: 3, Scale: knn.Standard}),
		"regression": func() (knn.Data, knn.Options) {
			return withTargets(made(41, n, m, 2, 3)), knn.Options{Variant: knn.Regression, K: 3}
		},
	}
}

// everywhere plays a game on the processor and on a device of another memory.
func everywhere(t *testing.T, f func(o func(knn.Options) knn.Options)) {
	t.Helper()
	f(func(o knn.Options) knn.Options { o.Device = device; return o })
	f(func(o knn.Options) knn.Options { o.Device = shapleytest.Apart(device); return o })
}

func TestIdenticalRowsHaveTheSameValueExactly(t *testing.T) {
	for name, game := range games(60, 9) {
		everywhere(t, func(on func(knn.Options) knn.Options) {
			d, o := game()
			for i := range 30 { // each of the first half is there again in the second, with its label or target
				copy(d.Train[(59-i)*d.Width:(60-i)*d.Width], d.Train[i*d.Width:])
				if d.TrainLabels != nil {
					d.TrainLabels[59-i] = d.TrainLabels[i]
				} else {
					d.TrainTargets[59-i] = d.TrainTargets[i]
				}
			}
			r := values(t, d, on(o))
			for i := range 30 {
				if r.Numerators[i].Cmp(r.Numerators[59-i]) != 0 {
					t.Errorf("%s: row %d has %v, the same row %d %v", name, i, r.Value(i), 59-i, r.Value(59-i))
				}
			}
		})
	}
}

func TestTheOrderOfRowsInAFileIsWorthNothing(t *testing.T) {
	const n, m = 60, 9
	for name, game := range games(n, m) {
		everywhere(t, func(on func(knn.Options) knn.Options) {
			d, o := game()
			want := values(t, d, on(o))
			for seed := range uint32(5) {
				train, test := shuffled(n, seed), shuffled(m, seed+100)
				p := knn.Data{Width: d.Width, Train: rowsOf(d.Train, train, d.Width), Test: rowsOf(d.Test, test, d.Width)}
				if d.TrainLabels != nil {
					p.TrainLabels, p.TestLabels = rowsOf(d.TrainLabels, train, 1), rowsOf(d.TestLabels, test, 1)
				} else {
					p.TrainTargets, p.TestTargets = rowsOf(d.TrainTargets, train, 1), rowsOf(d.TestTargets, test, 1)
				}
				got := values(t, p, on(o))
				for i, row := range train {
					if got.Numerators[i].Cmp(want.Numerators[row]) != 0 {
						t.Errorf("%s: row %d has %v at place %d, want %v", name, row, got.Value(i), i, want.Value(row))
					}
				}
			}
		})
	}
}

func TestTheNamesOfLabelsAreWorthNothing(t *testing.T) {
	for name, game := range games(60, 9) {
		everywhere(t, func(on func(knn.Options) knn.Options) {
			d, o := game()
			if d.TrainLabels == nil {
				return
			}
			want := text(t, values(t, d, on(o)))
			for _, codes := range [][]int32{{2, 1, 0}, {1, 2, 0}, {-7, 1 << 30, 5}} {
				p := d
				p.TrainLabels, p.TestLabels = slices.Clone(d.TrainLabels), slices.Clone(d.TestLabels)
				for _, labels := range [][]int32{p.TrainLabels, p.TestLabels} {
					for i, y := range labels {
						labels[i] = codes[y]
					}
				}
				if got := text(t, values(t, p, on(o))); got != want {
					t.Errorf("%s: with the codes %v:\n%s, want\n%s", name, codes, got, want)
				}
			}
		})
	}
}

func shuffled(n int, key uint32) []int {
	r, p := &source{key: 7000 + key}, make([]int, n)
	for i := range p {
		j := r.below(i + 1)
		p[i], p[j] = p[j], i
	}
	return p
}

// rowsOf are rows of x in another order.
func rowsOf[T any](x []T, order []int, width int) (to []T) {
	for _, row := range order {
		to = append(to, x[row*width:(row+1)*width]...)
	}
	return to
}

// clusters are n and m rows of two classes about +-1.2 in each of six features, with noise.
func clusters(n, m int) knn.Data {
	r := &source{key: 12}
	d := knn.Data{Width: 6}
	draw := func(rows int) (x []float32, y []int32) {
		for i := range rows {
			for range d.Width {
				noise := 0
				for range 4 {
					noise += r.below(1<<20) - 1<<19
				}
				x = append(x, float32(noise)*0x1p-19+float32(2*(i%2)-1)*1.2)
			}
			y = append(y, int32(i%2))
		}
		return x, y
	}
	d.Train, d.TrainLabels = draw(n)
	d.Test, d.TestLabels = draw(m)
	return d
}

// sum is that of the values of rows lo to hi-1.
func sum(r *knn.Result, lo, hi int) float64 {
	s := new(big.Rat)
	for i := lo; i < hi; i++ {
		s.Add(s, r.Value(i))
	}
	f, _ := s.Float64()
	return f
}

// withColumn adds a feature to each row.
func withColumn(d knn.Data, value func(test bool, row int) float32) knn.Data {
	add := func(x []float32, test bool) (to []float32) {
		for i := range len(x) / d.Width {
			to = append(append(to, x[i*d.Width:(i+1)*d.Width]...), value(test, i))
		}
		return to
	}
	d.Train, d.Test = add(d.Train, false), add(d.Test, true)
	d.Width++
	return d
}

func TestAConstantColumnChangesNoValue(t *testing.T) {
	d := clusters(200, 60)
	for _, scale := range []knn.Scale{knn.None, knn.Standard, knn.Robust} {
		o := knn.Options{K: 5, Scale: scale}
		// As wide, so that the grid is the same.
		want := values(t, withColumn(d, func(bool, int) float32 { return 0 }), o)
		for _, constant := range []float32{20261130, -1e30, 0.1} {
			got := values(t, withColumn(d, func(bool, int) float32 { return constant }), o)
			for i := range want.Numerators {
				if got.Numerators[i].Cmp(want.Numerators[i]) != 0 {
					t.Fatalf("%v: with a column of %v row %d has %v, want %v", scale, constant, i, got.Value(i), want.Value(i))
				}
			}
		}
		if all, _ := want.Full.Float64(); all < 0.9 {
			t.Errorf("%v: everybody achieves %v", scale, all)
		}
	}
}

func TestAFarRowIsRefusedByNameOrMovesNobodyElse(t *testing.T) {
	const at = 17
	far := func(x float32) knn.Data {
		d := clusters(200, 60)
		d.Train = slices.Clone(d.Train)
		d.Train[at*d.Width+4] = x
		return d
	}
	for _, scale := range []knn.Scale{knn.None, knn.Standard, knn.Robust} {
		_, err := knn.Values(context.Background(), far(1e5), knn.Options{Device: device, K: 5, Scale: scale})
		var outlier *knn.Outlier
		if !errors.As(err, &outlier) || outlier.Test || outlier.Row != at || outlier.Column != 4 || outlier.Value != 1e5 || !(outlier.High < 1000) {
			t.Errorf("%v: error %v, want the row and the column", scale, err)
		}
		// Out of everybody's sight, it might as well be a little nearer.
		near, clipped := values(t, far(30), knn.Options{K: 5, Scale: scale, Clip: true}), values(t, far(1e5), knn.Options{K: 5, Scale: scale, Clip: true})
		for i := range near.Numerators {
			if near.Numerators[i].Cmp(clipped.Numerators[i]) != 0 {
				t.Errorf("%v: row %d has %v because row %d is far, %v otherwise", scale, i, clipped.Value(i), at, near.Value(i))
			}
		}
		if f := clipped.Features; f.Clipped != 1 || f.Columns[4].Clipped != 1 || f.Exact {
			t.Errorf("%v: %+v", scale, f)
		}
	}
}

func TestFlippedRowsAreNeverPaidForAFarOne(t *testing.T) {
	d := clusters(1000, 200)
	for i := range 100 {
		d.TrainLabels[i] = 1 - d.TrainLabels[i]
	}
	want := sum(values(t, d, knn.Options{K: 5}), 0, 100)
	d.Train[0] = 1e5
	got := sum(values(t, d, knn.Options{K: 5, Clip: true}), 0, 100)
	if got > -0.05 || got > 0.95*want {
		t.Errorf("100 flipped rows have %v, %v without a far one", got, want)
	}
}

func TestFiveRowsAtTheTopOfAFileGainNothing(t *testing.T) {
	d := made(43, 300, 60, 2, 2) // 49 points, so that all distances are shared
	gain := func(train []int) float64 {
		p := d
		p.Train, p.TrainLabels = rowsOf(d.Train, train, d.Width), rowsOf(d.TrainLabels, train, 1)
		r := values(t, p, knn.Options{K: 5})
		s := new(big.Rat)
		for i, row := range train {
			if row >= 295 {
				s.Add(s, r.Value(i))
			}
		}
		f, _ := s.Float64()
		return f
	}
	last, first := make([]int, 300), make([]int, 300)
	for i := range last {
		last[i], first[i] = i, (i+295)%300
	}
	if a, b := gain(last), gain(first); a != b {
		t.Errorf("five rows have %v at the end of a file and %v at its top", a, b)
	}
}
