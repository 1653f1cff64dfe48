package plan

import (
	"flag"
	"math/big"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/verify/odds"
)

var long = flag.Bool("long", false, "fifty times as many claims are played")

// terms are those of claims of n segments that cost so many hundredths of their pay.
func terms(n uint64, cost int64) odds.Terms {
	least, most := odds.Usual(n)
	return odds.Terms{
		Pay: big.NewRat(1, 1), Cost: big.NewRat(cost, 100), Bond: new(big.Rat), Hold: odds.DefaultHold, Segments: n,
		Least: least, Most: most, Audit: big.NewRat(1, 1), Miss: new(big.Rat), Power: new(big.Rat),
	}
}

func TestDiceAndFormulaAgreeForEveryStrategyUnderEveryRule(t *testing.T) {
	claims := 60_000
	if *long {
		claims *= 50
	}
	for _, cost := range []int64{60, 100} {
		cells, err := Play(t.Context(), terms(100, cost), claims, 1)
		if err != nil {
			t.Fatal(err)
		}
		if len(cells) < 7*6 {
			t.Errorf("%d cells, want seven strategies by six rules", len(cells))
		}
		for _, c := range cells {
			t.Logf("cost 0.%03d  %-11s against %-11s: %+.4f, dice %+.4f (%.4f); paid %.3f, dice %.3f", 10*cost, c.Strategy, c.Rule, c.Gain, c.Seen, c.Error, c.Paid, c.SeenPaid)
			if c.Off() > 3 {
				t.Errorf("cost %d, %s against %s: %v by formula, %v by dice: %v standard errors", cost, c.Strategy, c.Rule, c.Gain, c.Seen, c.Off())
			}
		}
	}
}

func TestNoStrategyEarnsMoreThanWorkUnderTheDefaultForAnyCostUpToThePay(t *testing.T) {
	for _, n := range []uint64{20, 100, 1000, odds.MaxDrawn} {
		for cost := int64(0); cost <= 100; cost += 5 {
			for _, r := range Rules(terms(n, cost)) {
				if r.Name != "default" && r.Name != "bonded" {
					continue
				}
				for _, s := range Strategies {
					if got := s.Expected(r); got.Gain > 1e-9 {
						t.Errorf("%d segments, cost %d, %s against %s: %v more than work", n, cost, s.Name, r.Name, got.Gain)
					}
				}
			}
		}
	}
}

func TestEveryOtherRuleIsBeatenByAStrategy(t *testing.T) {
	for _, r := range Rules(terms(100, 100)) {
		if r.Name == "default" || r.Name == "bonded" {
			continue
		}
		best := 0.0
		for _, s := range Strategies {
			best = max(best, s.Expected(r).Gain)
		}
		if best < 0.04 || r.Terms.Meets() {
			t.Errorf("%s: the best strategy gains %v, and no lie pays is %v", r.Name, best, r.Terms.Meets())
		}
	}
}

func TestTermsOfOnesOwnArePlayedToo(t *testing.T) {
	own := terms(100, 90)
	if got := len(Rules(own)); got != 6 {
		t.Errorf("%d rules for the usual terms, want six", got)
	}
	own.Bond = big.NewRat(1, 2)
	rules := Rules(own)
	if last := rules[len(rules)-1]; len(rules) != 7 || last.Name != "yours" || last.Terms.Bond.Cmp(own.Bond) != 0 {
		t.Errorf("%+v", last)
	}
}

func TestTheFormulaOfNewKeysIsThatOfTheTerms(t *testing.T) {
	for _, r := range Rules(terms(100, 90)) {
		got, _ := r.Terms.NewKeys().Gain.Float64()
		for _, s := range Strategies {
			if s.Name != "whitewash" {
				continue
			}
			if want := s.Expected(r).Gain; got < want-1e-9 || got > want+1e-9 {
				t.Errorf("%s: %v, and %v", r.Name, got, want)
			}
		}
	}
}

func TestTheSizeOfAnOpeningGrowsWithTheShareAndFallsWithTheStride(t *testing.T) {
	// GPT-2: 124,439,808 parameters with two moments.
	w := Work{Steps: 10_000, Stride: 10, State: 12 * 124_439_808}
	u := terms(w.Segments(), 100)
	if got := w.Cost(u.Least); got.Segments != 51 || got.Bytes != 51*w.State || got.Bytes/1e9 != 76 || got.Steps != 510 {
		t.Errorf("%+v", got)
	}
	wide, terms, ok := w.Wider(u, 10e9)
	if got := wide.Cost(terms.Least).Bytes; !ok || got > 10e9 || terms.Segments != wide.Segments() {
		t.Errorf("%+v, %+v, %v", wide, terms, ok)
	}
	narrower := wide
	narrower.Stride--
	least, _ := odds.Usual(narrower.Segments())
	if narrower.Cost(least).Bytes <= 10e9 {
		t.Errorf("a stride of %d does as well", narrower.Stride)
	}
	if _, _, ok := w.Wider(u, 3*w.State); ok {
		t.Error("three drawn segments and the last are four states at least")
	}
	if got := (Work{Steps: 1 << 24, Stride: 1, State: 1 << 60}).Cost(4096); got.Bytes != 1<<64-1 {
		t.Errorf("%d: does not stop at the largest number", got.Bytes)
	}
}

// TestRulesThatHardlyEverFindALieAreNotPlayed: a key's life would last, and be kept claim by claim, for hours.
func TestRulesThatHardlyEverFindALieAreNotPlayed(t *testing.T) {
	rare, large := terms(1000, 50), terms(odds.MaxSegments, 50)
	rare.Audit = big.NewRat(1, 1_000_000)
	for _, u := range []odds.Terms{rare, large} {
		if _, err := Play(t.Context(), u, 1, 1); err == nil || !strings.Contains(err.Error(), "is not played") {
			t.Error(err)
		}
	}
}
