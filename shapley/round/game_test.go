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
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/program"
)

// device is this machine's processor.
var device = shapleytest.CPU(kernels.Options{})

// small is a round of n workers of a small MLP: player 1 has no update, player 3 repeats player 2's.
func small(t *testing.T, n int) round.Round {
	t.Helper()
	workers := make([]roundtest.Worker, n)
	for i := range workers {
		workers[i] = roundtest.Digits(40+10*i, 16, 5, 2, uint32(i+1))
	}
	r, err := roundtest.New(roundtest.MLP(16, 5, 20, 0.1, 12, 8), 1, workers, 5, roundtest.Digits(307, 16, 5, 2, 99))
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range r.Updates[1] {
		clear(u)
	}
	r.Updates[3], r.Sizes[3] = r.Updates[2], r.Sizes[2]
	return r
}

func newGame(t *testing.T, r round.Round, o round.Options) *round.Game {
	t.Helper()
	if o.Device == nil {
		o.Device = device
	}
	g, err := round.New(t.Context(), r, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

// table evaluates every coalition.
func table(t *testing.T, g shapley.Game) []int64 {
	t.Helper()
	all := make([]shapley.Coalition, 1<<g.Players())
	for m := range all {
		all[m] = shapley.Coalition{uint64(m)}
	}
	out := make([]int64, len(all))
	if err := g.Utilities(t.Context(), all, out); err != nil {
		t.Fatal(err)
	}
	return out
}

// exact is n! times each player's Shapley value, from a table.
func exact(u []int64) []int64 {
	n := 0
	for 1<<n < len(u) {
		n++
	}
	factorial := func(k int) int64 {
		f := int64(1)
		for i := 2; i <= k; i++ {
			f *= int64(i)
		}
		return f
	}
	phi := make([]int64, n)
	for m := range u {
		c := shapley.Coalition{uint64(m)}
		for i := range n {
			if !c.Has(i) {
				phi[i] += factorial(c.Size()) * factorial(n-1-c.Size()) * (u[m|1<<i] - u[m])
			}
		}
	}
	return phi
}

func TestUtilitiesAreTheSameForAnyThreadsBatchAndInstructionSet(t *testing.T) {
	r := small(t, 5)
	for _, o := range []round.Options{{}, {Direct: true}, {Utility: round.Accuracy}, {Renormalised: true}} {
		var want []int64
		var root [32]byte
		for _, isa := range kernels.Available() {
			for _, threads := range []int{1, 2, 8} {
				o.Device = shapleytest.CPU(kernels.Options{ISA: isa, Threads: threads})
				g := newGame(t, r, o)
				got := table(t, g)
				if want == nil {
					want, root = got, g.Root()
				}
				if !slices.Equal(got, want) || g.Root() != root {
					t.Fatalf("%v with %d threads, %+v: other utilities or root", isa, threads, o)
				}
				alone := make([]int64, 1)
				if err := g.Utilities(t.Context(), []shapley.Coalition{{21}}, alone); err != nil || alone[0] != want[21] {
					t.Fatalf("coalition 21 alone: %d, %v: want %d", alone[0], err, want[21])
				}
			}
		}
	}
}

func TestAZeroUpdateEarnsExactlyZero(t *testing.T) {
	for _, o := range []round.Options{{}, {Direct: true}, {Utility: round.Accuracy}} {
		u := table(t, newGame(t, small(t, 5), o))
		if u[0] != 0 || u[len(u)-1] <= 0 {
			t.Fatalf("%+v: nobody earns %d and everyone %d", o, u[0], u[len(u)-1])
		}
		for m := range u {
			if u[m] != u[m|2] {
				t.Fatalf("%+v: player 1 adds %d to %#x", o, u[m|2]-u[m], m)
			}
		}
		phi := exact(u)
		if phi[2] != phi[3] {
			t.Fatalf("%+v: equal updates earn %d and %d", o, phi[2], phi[3])
		}
		sum := int64(0)
		for _, v := range phi {
			sum += v
		}
		if sum != 120*u[len(u)-1] {
			t.Fatalf("%+v: the values sum to %d/120, not %d", o, sum, u[len(u)-1])
		}
	}
}

func TestRenormalisedWeightsPayAZeroUpdate(t *testing.T) {
	if phi := exact(table(t, newGame(t, small(t, 5), round.Options{Device: device, Renormalised: true}))); phi[1] == 0 {
		t.Fatal("the warning of Options.Renormalised is out of date")
	}
}

func TestASharedFirstLayerIsWithinAMillionthOfTheDirectEvaluation(t *testing.T) {
	r := small(t, 5)
	shared, direct := newGame(t, r, round.Options{Device: device}), newGame(t, r, round.Options{Device: device, Direct: true})
	a, b := table(t, shared), table(t, direct)
	for m := range a {
		if d := a[m] - b[m]; d > shapley.Unit/1e6 || d < -shapley.Unit/1e6 {
			t.Fatalf("coalition %#x: %d shared, %d direct", m, a[m], b[m])
		}
	}
	if shared.Root() == direct.Root() {
		t.Fatal("two definitions have one root")
	}
}

func TestTheDirectLossIsThatOfTheMachine(t *testing.T) {
	r := small(t, 4)
	g := newGame(t, r, round.Options{Device: device, Direct: true})
	p := *r.Program
	p.BatchSize = len(r.Y.I)
	plan, err := program.Compile(&p, kernels.ProfileF32)
	if err != nil {
		t.Fatal(err)
	}
	cpu, err := kernels.NewCPU(kernels.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer cpu.Close()
	m, err := program.NewMachine(plan, cpu, 0)
	if err != nil {
		t.Fatal(err)
	}
	copy(m.X().F, r.X.F)
	copy(m.Y().I, r.Y.I)
	for k, b := range r.Base {
		copy(m.Tensors()[k], b)
	}
	loss, _, err := m.Evaluate()
	if err != nil {
		t.Fatal(err)
	}
	if d := math.Abs(float64(loss)*1e9 - float64(g.Empty())); d > 1000 {
		t.Fatalf("loss %v, the game says %d", loss, g.Empty())
	}
}

func TestASplitUpdateGainsNothing(t *testing.T) {
	r := small(t, 4)
	for i := range r.Sizes {
		r.Sizes[i] *= 2
	}
	whole := exact(table(t, newGame(t, r, round.Options{Device: device})))
	r.Sizes[0] /= 2
	r.Sizes = append(r.Sizes, r.Sizes[0])
	r.Updates = append(r.Updates, r.Updates[0])
	halves := exact(table(t, newGame(t, r, round.Options{Device: device})))
	ratio := float64(halves[0]+halves[4]) / 5 / float64(whole[0])
	if math.Abs(ratio-1) > 1e-3 {
		t.Fatalf("two halves earn %v of the whole", ratio)
	}
}

func TestTheRootCommitsToEveryPartOfTheGame(t *testing.T) {
	seen := map[[32]byte]string{}
	for name, change := range map[string]func(r *round.Round, o *round.Options){
		"as it is":     func(*round.Round, *round.Options) {},
		"program":      func(r *round.Round, _ *round.Options) { p := *r.Program; p.BatchSize++; r.Program = &p },
		"base":         func(r *round.Round, _ *round.Options) { r.Base[1][0]++ },
		"update":       func(r *round.Round, _ *round.Options) { r.Updates[1][2][5]++ },
		"size":         func(r *round.Round, _ *round.Options) { r.Sizes[0]++ },
		"x":            func(r *round.Round, _ *round.Options) { r.X.F[7]++ },
		"y":            func(r *round.Round, _ *round.Options) { r.Y.I[7] ^= 1 },
		"utility":      func(_ *round.Round, o *round.Options) { o.Utility = round.Accuracy },
		"renormalised": func(_ *round.Round, o *round.Options) { o.Renormalised = true },
		"direct":       func(_ *round.Round, o *round.Options) { o.Direct = true },
	} {
		r, o := small(t, 4), round.Options{Device: shapleytest.CPU(kernels.Options{Threads: 1})}
		change(&r, &o)
		root := newGame(t, r, o).Root()
		if other, ok := seen[root]; ok {
			t.Errorf("%s and %s have one root", name, other)
		}
		seen[root] = name
	}
}

func TestARoundThatDoesNotFitIsRefused(t *testing.T) {
	for want, change := range map[string]func(r *round.Round){
		"program: missing": func(r *round.Round) { r.Program = nil },
		"updates: 0":       func(r *round.Round) { r.Updates = nil },
		"sizes: 3 given":   func(r *round.Round) { r.Sizes = r.Sizes[:3] },
		"sizes: all are 0": func(r *round.Round) { clear(r.Sizes) },
		"sizes[1]":         func(r *round.Round) { r.Sizes[1] = math.MaxUint64 },
		`loss "masked_cross_entropy": rounds are valued by`: func(r *round.Round) {
			p := *r.Program
			p.Loss, p.Labels, r.Program = program.MaskedCrossEntropy, &program.Labels{}, &p
		},
		"x: 4911":         func(r *round.Round) { r.X.F = r.X.F[1:] },
		"y: 306":          func(r *round.Round) { r.Y.I = r.Y.I[1:] },
		"label 5":         func(r *round.Round) { r.Y.I[0] = 5 },
		"base: 5 tensors": func(r *round.Round) { r.Base = r.Base[1:] },
		"base: net.0.weight: element 3 is not finite": func(r *round.Round) { r.Base[0][3] = float32(math.NaN()) },
		"updates[2]: net.0.weight: 3 elements given":  func(r *round.Round) { r.Updates[2][0] = r.Updates[2][0][:3] },
	} {
		r := small(t, 4)
		change(&r)
		if _, err := round.New(t.Context(), r, round.Options{Device: device}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v: want %q", err, want)
		}
	}
}

// More validation rows than a device evaluates at a time, and the last of its chunks is not full.
func TestChunksOfADeviceNeverShow(t *testing.T) {
	workers := make([]roundtest.Worker, 11)
	for i := range workers {
		workers[i] = roundtest.Digits(20, 16, 5, 2, uint32(i+1))
	}
	r, err := roundtest.New(roundtest.MLP(16, 5, 10, 0.1, 6), 1, workers, 3, roundtest.Digits(4103, 16, 5, 2, 99))
	if err != nil {
		t.Fatal(err)
	}
	var coalitions []shapley.Coalition
	for k := range uint64(21) { // more than a device sums at a time, twice, and some
		coalitions = append(coalitions, shapley.Coalition{k * 97 % (1 << 11)})
	}
	for _, o := range []round.Options{{}, {Utility: round.Accuracy}, {Renormalised: true}, {Direct: true}} {
		var got [2][]int64
		for i, d := range []engine.Device{device, shapleytest.Apart(device)} {
			o.Device = d
			got[i] = make([]int64, len(coalitions))
			if err := newGame(t, r, o).Utilities(t.Context(), coalitions, got[i]); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(got[0], got[1]) {
			t.Errorf("%+v: %v apart, want %v", o, got[1], got[0])
		}
	}
}
