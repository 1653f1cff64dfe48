package retrain_test

import (
	"context"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/shapley/retrain"
	"github.com/verifyd/verifyd/shapley/shapleytest"
)

// device is this machine's processor.
var device = shapleytest.CPU(kernels.Options{})

// made is data of some classes, each round a centre of its own.
func made(rows, val, width, classes int) retrain.Data {
	ctr := uint32(0)
	noise := func() float32 { // of mean 0 and variance 1/3
		ctr++
		return float32(int32(kernels.Philox4x32([4]uint32{ctr}, [2]uint32{3})[0])) * 0x1p-31
	}
	fill := func(n int) ([]float32, []int32) {
		x, y := make([]float32, n*width), make([]int32, n)
		for r := range n {
			y[r] = int32(r % classes)
			for j := range width {
				x[r*width+j] = 1.5*noise() + float32((int(y[r])*(j+3)*7)%5)*0.25
			}
		}
		return x, y
	}
	d := retrain.Data{Width: width}
	d.Train, d.Labels = fill(rows)
	d.Validation, d.ValidationLabels = fill(val)
	return d
}

func game(t testing.TB, d retrain.Data, o retrain.Options) *retrain.Game {
	t.Helper()
	g, err := retrain.New(context.Background(), d, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

func utilities(t testing.TB, g shapley.Game, coalitions []shapley.Coalition) []int64 {
	t.Helper()
	out := make([]int64, len(coalitions))
	if err := g.Utilities(context.Background(), coalitions, out); err != nil {
		t.Fatal(err)
	}
	return out
}

// some are coalitions of n players, the empty one and all first.
func some(n, count int) []shapley.Coalition {
	all := []shapley.Coalition{shapley.NewCoalition(n), shapley.Everyone(n)}
	for k := len(all); k < count; k++ {
		c := shapley.NewCoalition(n)
		for i := range n {
			if kernels.Philox4x32([4]uint32{uint32(i), uint32(k)}, [2]uint32{8})[0]&1 == 1 {
				c.Add(i)
			}
		}
		all = append(all, c)
	}
	return all
}

func TestAUtilityDependsOnItsCoalitionAlone(t *testing.T) {
	count := 300 // more than a batch
	if testing.Short() {
		count = 20
	}
	for name, d := range map[string]retrain.Data{"two classes": made(90, 40, 7, 2), "four classes": made(120, 50, 9, 4), "targets": targets(made(90, 40, 7, 2))} {
		coalitions := some(len(d.Train)/d.Width, count)
		want := utilities(t, game(t, d, retrain.Options{Device: shapleytest.CPU(kernels.Options{ISA: kernels.Generic, Threads: 1})}), coalitions)
		for _, isa := range kernels.Available() {
			for _, threads := range []int{1, 2, 8} {
				g := game(t, d, retrain.Options{Device: shapleytest.CPU(kernels.Options{ISA: isa, Threads: threads})})
				if got := utilities(t, g, coalitions); !slices.Equal(got, want) {
					t.Errorf("%s on %v with %d threads: other utilities", name, isa, threads)
				}
				for _, k := range []int{0, 1, 5, count - 1} {
					if got := utilities(t, g, coalitions[k:k+1]); got[0] != want[k] {
						t.Errorf("%s on %v: coalition %d alone has %d, in a batch %d", name, isa, k, got[0], want[k])
					}
				}
			}
		}
	}
}

func targets(d retrain.Data) retrain.Data {
	of := func(y []int32) []float32 {
		f := make([]float32, len(y))
		for i, v := range y {
			f[i] = 2*float32(v) - 1
		}
		return f
	}
	d.Targets, d.ValidationTargets = of(d.Labels), of(d.ValidationLabels)
	d.Labels, d.ValidationLabels = nil, nil
	return d
}

// converged is the share of validation rows that the minimum of the objective predicts rightly: plain gradient descent
// in float64, in thousands of small steps.
func converged(d retrain.Data, in shapley.Coalition) float64 {
	w, n := d.Width, len(d.Train)/d.Width
	mean, dev := make([]float64, w), make([]float64, w)
	for i, v := range d.Train {
		mean[i%w] += float64(v) / float64(n)
	}
	for i, v := range d.Train {
		dev[i%w] += (float64(v) - mean[i%w]) * (float64(v) - mean[i%w]) / float64(n)
	}
	features := func(x []float32) []float64 {
		row := make([]float64, w+1)
		for j, v := range x {
			row[j] = (float64(v) - mean[j]) / math.Sqrt(dev[j])
		}
		row[w] = 1
		return row
	}
	p := make([]float64, w+1)
	for range 3000 {
		g := slices.Clone(p)
		for r := range n {
			if !in.Has(r) {
				continue
			}
			x, z := features(d.Train[r*w:(r+1)*w]), 0.0
			for j := range x {
				z += p[j] * x[j]
			}
			e := 1/(1+math.Exp(-z)) - float64(d.Labels[r])
			for j := range x {
				g[j] += e * x[j]
			}
		}
		for j := range p {
			p[j] -= g[j] * 4 / float64(4*n)
		}
	}
	right := 0
	for r, y := range d.ValidationLabels {
		z := 0.0
		for j, x := range features(d.Validation[r*w : (r+1)*w]) {
			z += p[j] * x
		}
		if (z > 0) == (y == 1) {
			right++
		}
	}
	return float64(right) / float64(len(d.ValidationLabels))
}

func TestTwentyStepsPredictAsTheMinimumDoes(t *testing.T) {
	d := made(60, 200, 5, 2)
	coalitions := some(60, 8)
	got := utilities(t, game(t, d, retrain.Options{Device: device}), coalitions)
	for k, c := range coalitions[1:] {
		want := converged(d, c)
		if have := float64(got[k+1]) / shapley.Unit; math.Abs(have-want) > 0.011 {
			t.Errorf("coalition %d: accuracy %.3f, that of the minimum is %.3f", k+1, have, want)
		}
	}
}

func TestAModelOfNobodyIsRightByOneOverTheClasses(t *testing.T) {
	for _, classes := range []int{2, 3, 5} {
		d := made(40, 40, 3, classes)
		for r := range d.ValidationLabels {
			d.ValidationLabels[r] = min(d.ValidationLabels[r], 1) // whatever the rows to be judged by are
		}
		got := utilities(t, game(t, d, retrain.Options{Device: device}), some(40, 1))
		if want := int64(math.RoundToEven(shapley.Unit / float64(classes))); got[0] != want {
			t.Errorf("%d classes: %d, want %d", classes, got[0], want)
		}
	}
}

// relabelled is d with other codes for its labels.
func relabelled(d retrain.Data, codes []int32) retrain.Data {
	of := func(y []int32) []int32 {
		out := make([]int32, len(y))
		for i, v := range y {
			out[i] = codes[v]
		}
		return out
	}
	d.Labels, d.ValidationLabels = of(d.Labels), of(d.ValidationLabels)
	return d
}

func TestOtherCodesForLabelsChangeNoBit(t *testing.T) {
	for _, codes := range [][]int32{{0, 1, 2}, {1, 0, 2}, {2, 1, 0}, {1, 2, 3}, {-1, 1, 0}, {0, 2, 7}, {5000, -7, math.MaxInt32}} {
		for classes := 2; classes <= 3; classes++ {
			d := made(50, 30, 4, classes)
			d.ValidationLabels[4] = 0
			plain, coded := game(t, d, retrain.Options{Device: device}), game(t, relabelled(d, codes), retrain.Options{Device: device})
			if plain.Root() != coded.Root() {
				t.Errorf("codes %v: another game", codes[:classes])
			}
			if a, b := utilities(t, plain, some(50, 20)), utilities(t, coded, some(50, 20)); !slices.Equal(a, b) {
				t.Errorf("codes %v: other utilities", codes[:classes])
			}
			a, _, err := plain.OutOfBag(context.Background(), 20, shapley.Seed{1})
			if err != nil {
				t.Fatal(err)
			}
			b, _, err := coded.OutOfBag(context.Background(), 20, shapley.Seed{1})
			if err != nil || !slices.EqualFunc(a, b, func(x, y *big.Rat) bool { return x.Cmp(y) == 0 }) {
				t.Errorf("codes %v: other values out of the bag: %v", codes[:classes], err)
			}
		}
	}
}

func TestAClassMayBeOfValidationRowsAlone(t *testing.T) {
	d := made(40, 40, 3, 2)
	for r := range 10 {
		d.ValidationLabels[r] = 9
	}
	got := utilities(t, game(t, d, retrain.Options{Device: device}), some(40, 2))
	if want := int64(math.RoundToEven(shapley.Unit / 3.0)); got[0] != want || got[1] > shapley.Unit*3/4 {
		t.Errorf("%v: want %d of nobody, and no more than three quarters right", got, want)
	}
}

func TestALinearModelExplainsItsTargets(t *testing.T) {
	d := targets(made(200, 100, 6, 2))
	got := utilities(t, game(t, d, retrain.Options{Device: device}), some(200, 2))
	if got[0] != 0 || got[1] < shapley.Unit/20 || got[1] > shapley.Unit {
		t.Errorf("utilities %v: want 0 of nothing, and a part of the variance 1 of everything", got)
	}
}

func TestOwnersPlayWithAllOfTheirRows(t *testing.T) {
	d := made(60, 40, 4, 3)
	rows := game(t, d, retrain.Options{Device: device})
	d.Owners = make([]int32, 60)
	for r := range d.Owners {
		d.Owners[r] = int32(r / 20)
	}
	owners := game(t, d, retrain.Options{Device: device})
	if owners.Players() != 3 || owners.Root() == rows.Root() {
		t.Fatalf("%d players", owners.Players())
	}
	c := shapley.NewCoalition(60)
	for r := 20; r < 60; r++ {
		c.Add(r)
	}
	if a, b := utilities(t, owners, []shapley.Coalition{{0b110}})[0], utilities(t, rows, []shapley.Coalition{c})[0]; a != b {
		t.Errorf("two owners have %d, their rows %d", a, b)
	}
}

func TestOutOfBagValuesFindFlippedLabels(t *testing.T) {
	d := made(150, 10, 6, 2)
	for r := range 15 {
		d.Labels[r*10] ^= 1
	}
	g := game(t, d, retrain.Options{Device: device})
	values, _, err := g.OutOfBag(context.Background(), 300, shapley.Seed{4})
	if err != nil {
		t.Fatal(err)
	}
	flipped, fine := new(big.Rat), new(big.Rat)
	for r, v := range values {
		if r%10 == 0 {
			flipped.Add(flipped, v)
		} else {
			fine.Add(fine, v)
		}
	}
	if flipped.Quo(flipped, big.NewRat(15, 1)).Cmp(fine.Quo(fine, big.NewRat(135, 1))) >= 0 {
		t.Errorf("flipped rows have %s on average, others %s", flipped.FloatString(3), fine.FloatString(3))
	}
	again, _, err := game(t, d, retrain.Options{Device: shapleytest.CPU(kernels.Options{ISA: kernels.Generic, Threads: 1})}).OutOfBag(context.Background(), 300, shapley.Seed{4})
	if err != nil || !slices.EqualFunc(values, again, func(a, b *big.Rat) bool { return a.Cmp(b) == 0 }) {
		t.Errorf("other values on another code path: %v", err)
	}
}

func TestARowThatEveryLearnerSawHasNoValueOutOfTheBag(t *testing.T) {
	d := made(12, 4, 2, 2)
	g := game(t, d, retrain.Options{Device: device})
	seed := shapley.Seed{5}
	values, out, err := g.OutOfBag(t.Context(), 2, seed)
	if err != nil {
		t.Fatal(err)
	}
	never := 0
	for r, v := range values {
		want := int64(0)
		for learner := range 2 {
			if !slices.Contains(g.Bag(learner, seed), uint32(r)) {
				want++
			}
		}
		if out[r] != want || (v == nil) != (want == 0) {
			t.Errorf("row %d: value %v from %d learners, %d did not see it", r, v, out[r], want)
		}
		if v == nil {
			never++
		}
	}
	if never == 0 || never == len(values) {
		t.Errorf("%d of %d rows were in every bag: the test shows nothing", never, len(values))
	}
}

func TestDataThatDoNotFitAreRefused(t *testing.T) {
	for want, change := range map[string]func(*retrain.Data, *retrain.Options){
		"train: 59 numbers are not whole rows of 3": func(d *retrain.Data, _ *retrain.Options) { d.Train = d.Train[1:] },
		"validation: 0 numbers":                     func(d *retrain.Data, _ *retrain.Options) { d.Validation = nil },
		"train: row 1: feature 2 is not finite":     func(d *retrain.Data, _ *retrain.Options) { d.Train[5] = float32(math.NaN()) },
		"width: 0 features":                         func(d *retrain.Data, _ *retrain.Options) { d.Width = 0 },
		"labels: 19 and 10 for 20 and 10 rows":      func(d *retrain.Data, _ *retrain.Options) { d.Labels = d.Labels[1:] },
		"labels: 1 different ones in all rows are outside 2": func(d *retrain.Data, _ *retrain.Options) {
			for _, y := range [][]int32{d.Labels, d.ValidationLabels} {
				for i := range y {
					y[i] = 7 // whatever the code of one class is
				}
			}
		},
		"want either labels or targets":                func(d *retrain.Data, _ *retrain.Options) { d.Targets = make([]float32, 20) },
		"owners: 2 for 20 training rows":               func(d *retrain.Data, _ *retrain.Options) { d.Owners = []int32{0, 1} },
		"owners: 1 players own rows, the highest is 1": func(d *retrain.Data, _ *retrain.Options) { d.Owners = slices.Repeat([]int32{1}, 20) },
		"steps: 10001 is outside":                      func(_ *retrain.Data, o *retrain.Options) { o.Steps = 10001 },
		"decay: -1 is outside":                         func(_ *retrain.Data, o *retrain.Options) { o.Decay = -1 },
		"device: none is given":                        func(_ *retrain.Data, o *retrain.Options) { o.Device = nil },
	} {
		d, o := made(20, 10, 3, 2), retrain.Options{Device: device}
		change(&d, &o)
		if g, err := retrain.New(context.Background(), d, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
			if g != nil {
				g.Close()
			}
		}
	}
}

// The size of the data set "adult" as benchmarks of data valuation use it.
func BenchmarkCoalitionsOf1000x108(b *testing.B) {
	g := game(b, made(1000, 500, 108, 2), retrain.Options{Device: device})
	coalitions := some(1000, 1024)
	out := make([]int64, len(coalitions))
	for b.Loop() {
		if err := g.Utilities(context.Background(), coalitions, out); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(coalitions))/b.Elapsed().Seconds(), "models/s")
}
