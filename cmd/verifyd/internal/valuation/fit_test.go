package valuation

import (
	"context"
	"math/big"
	"slices"
	"testing"

	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/verify/merkle"
)

// fair freezes the rig's list with rows to draw and owners to value.
func (r *rig) fair(t testing.TB, rows uint32, owners map[merkle.Hash]merkle.Hash) {
	t.Helper()
	w := way()
	w.Fair, w.Rows = true, rows
	r.list = must(List(r.jobs, r.policy, w, r.claims, nil, owners, r.list.Frozen))(t)
	r.freeze(t)
}

func TestRowsAreDrawnByTheListsBeaconFromTheWholeCommittedSet(t *testing.T) {
	r := newRig(t)
	r.fair(t, 7, nil)
	g := must(r.play(t, r.files))(t)
	r.certify(t, g)
	if err := r.confirm(t, g); err != nil {
		t.Fatal(err)
	}
	c := must(ReadCertificate(r.folder))(t)
	if c.Drawn == nil || *c.Drawn != (Drawn{Rows: 7, Of: 20}) || c.Rows != 7 || !c.Fair {
		t.Errorf("%+v of %+v", c.Drawn, c.Way)
	}
	// The same claims on another list, which has another digest, are judged by other rows; so nobody knows them before it is frozen.
	r.list.Frozen++
	r.freeze(t)
	if again := must(r.play(t, r.files))(t); again.Root == g.Root {
		t.Error("another list draws the same rows")
	}
	wants(t, r.confirm(t, g), "certifies the list of claims")
}

func TestRowsAreDrawnWithoutReplacementAndAsOftenAsEachOther(t *testing.T) {
	counts := make([]int, 10)
	for i := range 2000 {
		rows := drawRows(10, 3, merkle.Hash{byte(i), byte(i >> 8)}, merkle.Hash{1})
		if len(rows) != 3 || !slices.IsSorted(rows) || len(slices.Compact(rows)) != 3 {
			t.Fatalf("%v", rows)
		}
		for _, row := range rows {
			counts[row]++
		}
	}
	for row, n := range counts {
		if n < 520 || n > 680 { // 600, and four deviations
			t.Errorf("row %d is drawn %d times", row, n)
		}
	}
	if slices.Equal(drawRows(1000, 8, merkle.Hash{1}, merkle.Hash{}), drawRows(1000, 8, merkle.Hash{1}, merkle.Hash{1})) {
		t.Error("what the draw is bound to does not show")
	}
}

func TestMoreRowsThanThereAreAreAllOfThem(t *testing.T) {
	r := newRig(t)
	g := must(r.play(t, r.files))(t)
	r.list.Way.Rows = 256
	r.freeze(t)
	all := must(r.play(t, r.files))(t)
	if g.Root != all.Root {
		t.Error("rows were left out")
	}
	if e := must(all.Extra(shapley.Seed{}))(t); *e.Drawn != (Drawn{20, 20}) {
		t.Errorf("%+v", e.Drawn)
	}
}

func TestTheWorkersOfAnOwnerDivideWhatTheyAreWorthAsOne(t *testing.T) {
	r := newRig(t)
	owners := map[merkle.Hash]merkle.Hash{}
	for i := range 2 {
		owners[r.list.Claims[2*i].Worker] = merkle.Hash{0xee}
	}
	r.fair(t, 0, owners)
	g := must(r.play(t, r.files))(t)
	r.certify(t, g)
	if err := r.confirm(t, g); err != nil {
		t.Fatal(err)
	}
	c := must(ReadCertificate(r.folder))(t)
	if !slices.ContainsFunc(c.Joined, func(m []int) bool { return slices.Contains(m, 0) && slices.Contains(m, 2) }) {
		t.Fatalf("joined %v", c.Joined)
	}
	values, _, err := Divided(c, r.list)
	if err != nil {
		t.Fatal(err)
	}
	sum, want := new(big.Int), new(big.Int)
	for i, v := range c.Result.Fixed() {
		sum.Add(sum, values[i])
		want.Add(want, v)
	}
	// The three claims read the same rows, so that each counts a third of them.
	if d := new(big.Int).Sub(values[0], values[2]); sum.Cmp(want) != 0 || d.CmpAbs(big.NewInt(1)) > 0 || c.Result.Fixed()[2].Sign() != 0 {
		t.Errorf("%v of %v", values, c.Result.Fixed())
	}
	// Whoever says afterwards that they are two owners has another list.
	r.list.Claims[0].Owner = r.list.Claims[0].Worker
	r.freeze(t)
	wants(t, r.confirm(t, g), "certifies the list of claims")
}

func TestWhatShouldBeLookedAtIsSaidOfACertificate(t *testing.T) {
	game := shapley.Func{N: 3, Utility: func(_ context.Context, c shapley.Coalition) (int64, error) {
		u := int64(0)
		for i, v := range []int64{100, 7, -50} {
			if c.Has(i) {
				u += v
			}
		}
		return u, nil
	}}
	run := runOf("exact", 0)
	run.Kind = RoundKind
	c, err := Estimate(t.Context(), "", run, game, nil, func(shapley.Seed) (*Extra, error) {
		return &Extra{Second: &Second{Values: []int64{100, 4231, -50}, Gap: 57 - 4281}}, nil
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, d := range Doubts(c.Certificate) {
		said = append(said, d.Player+": "+d.What)
	}
	p := run.Players
	want := []string{p[0] + ": " + DoubtAbove, p[1] + ": " + DoubtClosed, p[2] + ": " + DoubtHarm, ": " + DoubtUnclear}
	if !slices.Equal(said, want) {
		t.Errorf("%q, want %q", said, want)
	}
}
