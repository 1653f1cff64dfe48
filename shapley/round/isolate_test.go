package round_test

import (
	"math"
	"math/big"
	"slices"
	"testing"

	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/shapley/round"
	"github.com/verifyd/verifyd/shapley/shapleytest"
	"github.com/verifyd/verifyd/verify/engine"
)

// exploding are what a worker may hand in to stop a round, from an honest update.
var exploding = map[string]struct {
	alter  func(update [][]float32)
	reason string
}{
	"everything 1e8 further": {func(u [][]float32) { each(u, func(v float32) float32 { return v + 1e8 }) }, round.ReasonStep},
	"1e30 times as long":     {func(u [][]float32) { each(u, func(v float32) float32 { return v * 1e30 }) }, round.ReasonStep},
	"the largest numbers":    {func(u [][]float32) { each(u, func(float32) float32 { return math.MaxFloat32 }) }, round.ReasonStep},
	"no number":              {func(u [][]float32) { u[2][1] = float32(math.NaN()) }, round.ReasonNotFinite},
	"infinite":               {func(u [][]float32) { u[0][0] = float32(math.Inf(-1)) }, round.ReasonNotFinite},
	"a bias of thousands":    {func(u [][]float32) { u[len(u)-1][0] = 9999 }, round.ReasonLoss},
}

func each(tensors [][]float32, f func(float32) float32) {
	for _, t := range tensors {
		for e, v := range t {
			t[e] = f(v)
		}
	}
}

func TestAnUpdateThatExplodesIsIsolatedAndTheOthersAreWorthWhatTheyAreWithoutIt(t *testing.T) {
	for name, c := range exploding {
		for _, o := range []round.Options{{}, {Utility: round.Accuracy}, {Direct: true}, {Device: shapleytest.Apart(device)}} {
			r, idle := small(t, 4), small(t, 4)
			for _, u := range idle.Updates[0] {
				clear(u)
			}
			c.alter(r.Updates[0])
			g, without := newGame(t, r, o), newGame(t, idle, o)
			if got := g.Isolated(); len(got) != 1 || got[0] != (round.Isolated{Player: 0, Reason: c.reason}) {
				t.Fatalf("%s, %+v: isolated %v", name, o, got)
			}
			if !slices.Equal(table(t, g), table(t, without)) {
				t.Errorf("%s, %+v: others are worth something else than if it had done nothing", name, o)
			}
			if g.Root() == without.Root() {
				t.Errorf("%s: the game has the root of another one", name)
			}
			if !slices.Equal(g.Facts().Null, []int{0, 1}) {
				t.Errorf("%s: null players %v", name, g.Facts().Null)
			}
			if o.Utility == round.Loss {
				if _, err := round.SecondOrder(t.Context(), g.Played(), round.Options{Device: device}); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
}

func TestAnUpdateThatDoesHarmAloneIsIsolatedWhereThatIsAskedForAndNobodyElseIs(t *testing.T) {
	for _, o := range []round.Options{{}, {Utility: round.Accuracy}, {Device: shapleytest.Apart(device)}} {
		r := small(t, 4)
		each(r.Updates[0], func(v float32) float32 { return -v }) // what it learned, unlearned
		if got := newGame(t, r, o).Isolated(); len(got) != 0 {
			t.Errorf("%+v: isolated %v without being asked for", o, got)
		}
		o.Harmless = true
		g := newGame(t, r, o)
		if got := g.Isolated(); len(got) != 1 || got[0] != (round.Isolated{Player: 0, Reason: round.ReasonHarm}) {
			t.Errorf("%+v: isolated %v", o, got)
		}
		for _, u := range r.Updates[0] {
			clear(u)
		}
		if !slices.Equal(table(t, g), table(t, newGame(t, r, o))) {
			t.Errorf("%+v: others are worth something else than if it had done nothing", o)
		}
		if got := newGame(t, small(t, 4), o).Isolated(); len(got) != 0 {
			t.Errorf("%+v: isolated %v of an honest round", o, got)
		}
	}
}

func TestAnHonestRoundIsolatesNobody(t *testing.T) {
	for _, o := range []round.Options{{}, {Utility: round.Accuracy}, {Renormalised: true}} {
		if got := newGame(t, small(t, 5), o).Isolated(); len(got) != 0 {
			t.Errorf("%+v: isolated %v", o, got)
		}
	}
	// A base that is itself beyond the limit says nothing of those who start there.
	r := small(t, 4)
	r.Base[len(r.Base)-1][2] = 5000
	if got := newGame(t, r, round.Options{}).Isolated(); len(got) != 0 {
		t.Errorf("from a ruined base: isolated %v", got)
	}
}

func TestWhoIsIsolatedDoesNotDependOnOthers(t *testing.T) {
	r := small(t, 5)
	exploding["a bias of thousands"].alter(r.Updates[0])
	exploding["infinite"].alter(r.Updates[4])
	want := []round.Isolated{{Player: 0, Reason: round.ReasonLoss}, {Player: 4, Reason: round.ReasonNotFinite}}
	if got := newGame(t, r, round.Options{}).Isolated(); !slices.Equal(got, want) {
		t.Errorf("isolated %v", got)
	}
}

func TestAnAccuracyIsAShareOnTheScaleOfAllGames(t *testing.T) {
	r := small(t, 4)
	for _, d := range []engine.Device{device, shapleytest.Apart(device)} {
		g := newGame(t, r, round.Options{Utility: round.Accuracy, Device: d})
		rows := int64(len(r.Y.I))
		for m, u := range append(table(t, g), g.Empty()) {
			share := big.NewRat(u, shapley.Unit)
			share.Mul(share, big.NewRat(rows, 1))
			if f, _ := share.Float64(); math.Abs(f-math.Round(f)) > 1e-6 || math.Abs(f) > float64(rows) {
				t.Errorf("coalition %#x: %d is no share of %d rows", m, u, rows)
			}
		}
		b := g.Facts().Bounds
		if b == nil || b.High-b.Low != shapley.Unit || b.Low != -g.Empty() {
			t.Errorf("bounds %+v of a game that begins at %d", b, g.Empty())
		}
	}
}

func TestARoundWithAnUpdateThatExplodesIsCertifiedAndAudited(t *testing.T) {
	for name, c := range exploding {
		r := small(t, 6)
		c.alter(r.Updates[4])
		var transcript []int64
		o := shapley.Options{Estimator: "antithetic", Budget: 4, Record: func(u []int64) error {
			transcript = append(transcript, u...)
			return nil
		}}
		res, err := shapley.Estimate(t.Context(), newGame(t, r, round.Options{}), o)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if res.Values[4].Numerator.Sign() != 0 || res.HalfWidth[4] != 0 || res.Values[0].Numerator.Sign() <= 0 {
			t.Errorf("%s: the one that explodes is worth %s, an honest one %s", name, res.Values[4].Rat(), res.Values[0].Rat())
		}
		again := newGame(t, r, round.Options{})
		a, err := shapley.Check(t.Context(), again, nil, res, transcript, [32]byte{1}, 1000)
		if err != nil || len(a.Wrong) != 0 {
			t.Errorf("%s: %v, %+v", name, err, a)
		}
	}
}
