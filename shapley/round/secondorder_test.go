package round_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/shapley/round"
	"github.com/verifyd/verifyd/shapley/round/roundtest"
	"github.com/verifyd/verifyd/shapley/shapleytest"
	"github.com/verifyd/verifyd/verify/program"
)

// dual is a number and its derivative along a direction.
type dual struct{ v, d float64 }

func (a dual) plus(b dual) dual  { return dual{a.v + b.v, a.d + b.d} }
func (a dual) times(b dual) dual { return dual{a.v * b.v, a.d*b.v + a.v*b.d} }

// exactGradient is the gradient of the mean cross-entropy of an MLP with tanh, and its derivative along a
// direction, the exact Hessian product, in float64. Tensors are weight, bias, weight, bias, ...
func exactGradient(r round.Round, direction [][]float64) (g, h [][]float64) {
	layers := len(r.Base) / 2
	w := make([][]dual, len(r.Base))
	grad := make([][]dual, len(r.Base))
	for k, t := range r.Base {
		grad[k] = make([]dual, len(t))
		for e, v := range t {
			w[k] = append(w[k], dual{float64(v), direction[k][e]})
		}
	}
	rows := len(r.Y.I)
	in := len(r.X.F) / rows
	for row, label := range r.Y.I {
		a := [][]dual{nil}
		for _, v := range r.X.F[row*in : (row+1)*in] {
			a[0] = append(a[0], dual{v: float64(v)})
		}
		for l := range layers {
			next := slices.Clone(w[2*l+1])
			for o := range next {
				for i, v := range a[l] {
					next[o] = next[o].plus(w[2*l][o*len(a[l])+i].times(v))
				}
				if l < layers-1 {
					t := math.Tanh(next[o].v)
					next[o] = dual{t, next[o].d * (1 - t*t)}
				}
			}
			a = append(a, next)
		}
		out := a[layers]
		var sum dual
		delta := make([]dual, len(out))
		for o, v := range out {
			e := math.Exp(v.v)
			delta[o] = dual{e, e * v.d}
			sum = sum.plus(delta[o])
		}
		inverse := dual{1 / sum.v, -sum.d / (sum.v * sum.v)}
		for o := range delta {
			delta[o] = delta[o].times(inverse)
		}
		delta[label].v--
		for l := layers - 1; l >= 0; l-- {
			before := make([]dual, len(a[l]))
			for o, d := range delta {
				grad[2*l+1][o] = grad[2*l+1][o].plus(d)
				for i, v := range a[l] {
					at := o*len(a[l]) + i
					grad[2*l][at] = grad[2*l][at].plus(d.times(v))
					before[i] = before[i].plus(d.times(w[2*l][at]))
				}
			}
			for i, v := range a[l] {
				slope := dual{1 - v.v*v.v, -2 * v.v * v.d}
				before[i] = before[i].times(slope)
			}
			delta = before
		}
	}
	for _, t := range grad {
		gk, hk := make([]float64, len(t)), make([]float64, len(t))
		for e, v := range t {
			gk[e], hk[e] = v.v/float64(rows), v.d/float64(rows)
		}
		g, h = append(g, gk), append(h, hk)
	}
	return g, h
}

func secondOrder(t *testing.T, r round.Round, o round.Options) *round.Second {
	t.Helper()
	s, err := round.SecondOrder(t.Context(), r, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheSecondOrderIsThatOfExactDerivatives(t *testing.T) {
	r := small(t, 5)
	s := secondOrder(t, r, round.Options{Device: device})
	total := 0.0
	for _, n := range r.Sizes {
		total += float64(n)
	}
	sum := make([][]float64, len(r.Base))
	for k := range sum {
		sum[k] = make([]float64, len(r.Base[k]))
		for i, u := range r.Updates {
			for e, v := range u[k] {
				sum[k][e] += float64(r.Sizes[i]) / total * float64(v)
			}
		}
	}
	g, h := exactGradient(r, sum)
	var off, size float64 // of the second-order terms alone
	for i, u := range r.Updates {
		var first, second float64
		for k, t := range u {
			for e, v := range t {
				a := float64(r.Sizes[i]) / total * float64(v)
				first -= a * g[k][e]
				second -= a * h[k][e] / 2
			}
		}
		if d := math.Abs(float64(s.First[i])/1e9 - first); d > 1e-6*math.Abs(first)+1e-9 {
			t.Errorf("player %d: first order %d, exactly %v", i, s.First[i], first)
		}
		got := float64(s.Values[i]-s.First[i]) / 1e9
		off += (got - second) * (got - second)
		size += second * second
	}
	e := math.Sqrt(off / size)
	t.Logf("relative error of the second-order terms: %.2g", e)
	if e > 1e-4 {
		t.Errorf("the second-order terms are off by %v", e)
	}
}

func TestSecondOrderValuesAreTheSameForAnyThreadsAndInstructionSet(t *testing.T) {
	r := small(t, 5)
	want := secondOrder(t, r, round.Options{Device: shapleytest.CPU(kernels.Options{ISA: kernels.Generic, Threads: 1})})
	if want.Values[1] != 0 || want.First[1] != 0 {
		t.Errorf("no update earns %d and %d", want.First[1], want.Values[1])
	}
	if want.Values[2] != want.Values[3] {
		t.Errorf("equal updates earn %d and %d", want.Values[2], want.Values[3])
	}
	for _, isa := range kernels.Available() {
		for _, threads := range []int{1, 2, 8} {
			got := secondOrder(t, r, round.Options{Device: shapleytest.CPU(kernels.Options{ISA: isa, Threads: threads})})
			if !slices.Equal(got.Values, want.Values) || !slices.Equal(got.First, want.First) || got.Everyone != want.Everyone {
				t.Fatalf("%v with %d threads: other values", isa, threads)
			}
		}
	}
}

func TestSecondOrderValuesSumToTheSurrogateAndComeNearTheExactOnes(t *testing.T) {
	r := small(t, 5)
	s, g := secondOrder(t, r, round.Options{Device: device}), newGame(t, r, round.Options{Device: device})
	sum := int64(0)
	for _, v := range s.Values {
		sum += v
	}
	u := table(t, g)
	gap, err := s.Gap(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	if sum != s.Everyone || gap != u[len(u)-1]-sum {
		t.Fatalf("values sum to %d, the surrogate says %d; gap %d", sum, s.Everyone, gap)
	}
	var off, size float64
	for i, phi := range exact(u) {
		want := float64(phi) / 120
		off += (float64(s.Values[i]) - want) * (float64(s.Values[i]) - want)
		size += want * want
	}
	e := math.Sqrt(off / size)
	t.Logf("relative error %.2g, gap %.2g", e, float64(gap)/float64(s.Everyone))
	if e > 0.12 {
		t.Errorf("the values are off by %v", e)
	}
}

func TestTheSecondOrderPaysTwoHalvesWhatItPaysTheWhole(t *testing.T) {
	r := small(t, 4)
	for i := range r.Sizes {
		r.Sizes[i] *= 2
	}
	whole := secondOrder(t, r, round.Options{Device: device})
	r.Sizes[0] /= 2
	r.Sizes, r.Updates = append(r.Sizes, r.Sizes[0]), append(r.Updates, r.Updates[0])
	halves := secondOrder(t, r, round.Options{Device: device})
	if ratio := float64(halves.Values[0]+halves.Values[4]) / float64(whole.Values[0]); math.Abs(ratio-1) > 1e-4 {
		t.Fatalf("two halves earn %v of the whole", ratio)
	}
}

func TestTheSecondOrderOfManyRowsIsThatOfTheirMean(t *testing.T) {
	r := small(t, 4)
	one := secondOrder(t, r, round.Options{Device: device})
	r.X.F, r.Y.I = slices.Repeat(r.X.F, 5), slices.Repeat(r.Y.I, 5)
	for i, v := range secondOrder(t, r, round.Options{Device: device}).Values {
		if d := math.Abs(float64(v - one.Values[i])); d > 1e-4*math.Abs(float64(one.Values[i]))+2 {
			t.Errorf("player %d: %d from five copies of the rows, %d from one", i, v, one.Values[i])
		}
	}
}

func TestTheSurrogateGameHasItsClosedFormValues(t *testing.T) {
	r := small(t, 5)
	s, err := round.NewSurrogate(t.Context(), r, round.Options{Device: device})
	if err != nil {
		t.Fatal(err)
	}
	u := table(t, s)
	for i, phi := range exact(u) {
		if phi != 120*s.Values()[i] {
			t.Errorf("player %d: %d/120 by enumeration, %d by the closed form", i, phi, s.Values()[i])
		}
	}
	order := []int{3, 0, 4, 2, 1}
	pair := make([]int64, 5) // sums of the marginals of an order and its reverse
	for range 2 {
		m := 0
		for _, i := range order {
			pair[i] += u[m|1<<i] - u[m]
			m |= 1 << i
		}
		slices.Reverse(order)
	}
	for i, v := range pair {
		if v != 2*s.Values()[i] {
			t.Errorf("player %d: an antithetic pair gives %d/2, not %d", i, v, s.Values()[i])
		}
	}
	if s.Values()[1] != 0 {
		t.Errorf("no update earns %d", s.Values()[1])
	}
	closed := secondOrder(t, r, round.Options{Device: device})
	for i, v := range closed.Values {
		if d := math.Abs(float64(v - s.Values()[i])); d > 1e-4*math.Abs(float64(v))+10 {
			t.Errorf("player %d: %d by one Hessian product, %d by one a player", i, v, s.Values()[i])
		}
	}
}

func TestASurrogateOfAnotherGameIsRefused(t *testing.T) {
	r := small(t, 4)
	for _, o := range []round.Options{{Device: device, Utility: round.Accuracy}, {Device: device, Renormalised: true}} {
		if _, err := round.SecondOrder(t.Context(), r, o); err == nil || !strings.Contains(err.Error(), "options") {
			t.Errorf("%+v: %v", o, err)
		}
	}
	r.Updates[0][0][0] = 1e30
	if _, err := round.SecondOrder(t.Context(), r, round.Options{Device: device}); err == nil {
		t.Error("an endless value is no error")
	}
}

func TestADirectGameOfConvolutionsAndSquaresIsEvaluated(t *testing.T) {
	p := roundtest.MLP(16, 5, 10, 0.1, 4)
	p.Graph = program.CNN(program.CNNConfig{InChannels: 1, Height: 4, Width: 4, Channels: []int{3}, Classes: 5, Dropout: 0.5})
	workers := []roundtest.Worker{roundtest.Digits(20, 16, 5, 1, 1), roundtest.Digits(30, 16, 5, 1, 2)}
	r, err := roundtest.New(p, 1, workers, 5, roundtest.Digits(50, 16, 5, 1, 9))
	if err != nil {
		t.Fatal(err)
	}
	u := table(t, newGame(t, r, round.Options{Device: device}))
	s := secondOrder(t, r, round.Options{Device: device})
	if d := math.Abs(float64(s.Everyone-u[3])) / math.Abs(float64(u[3])); d > 0.5 {
		t.Errorf("everyone: %d, second order %d", u[3], s.Everyone)
	}
	p.Graph = program.MLP(program.MLPConfig{Inputs: 16, Classes: 5})
	p.Loss = program.MSE
	base := [][]float32{make([]float32, 80), make([]float32, 5)}
	update := [][]float32{make([]float32, 80), {1, 1, 1, 1, 1}}
	g := newGame(t, round.Round{Program: p, Base: base, Updates: [][][]float32{update}, Sizes: []uint64{3},
		X: kernels.Buf{F: make([]float32, 32)}, Y: kernels.Buf{F: []float32{1, 1, 1, 1, 1, 3, 3, 3, 3, 3}}}, round.Options{Device: device})
	if got := table(t, g); got[1] != 3*shapley.Unit || g.Empty() != 5*shapley.Unit {
		t.Errorf("squares: %d from %d", got[1], g.Empty())
	}
}
