package robust_test

import (
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/shapley/robust"
)

func vector(x ...float32) [][]float32 { return [][]float32{x[:1], x[1:]} }

func clusters(t *testing.T, updates [][][]float32, rows [][]robust.Fingerprint, l robust.Limits) *robust.Clusters {
	t.Helper()
	c, err := robust.New(t.Context(), updates, rows, l)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestClustersAreLinkedThroughChainsAndKnowNoLength(t *testing.T) {
	updates := [][][]float32{
		vector(1, 0, 0), vector(0, 0, 1), vector(0x1p-60*10, 0x1p-60*2, 0), vector(0, 0, 0), vector(0x1p60*10, 0x1p60*4, 0), vector(0, 0, 0), vector(-1, 0, 0),
	}
	c := clusters(t, updates, nil, robust.Limits{Cosine: 975_000_000})
	if want := []int{0, 1, 0, 2, 0, 3, 4}; !slices.Equal(c.Of, want) {
		t.Errorf("clusters %v, want %v", c.Of, want)
	}
	if len(c.Members) != 5 || !slices.Equal(c.Members[0], []int{0, 2, 4}) {
		t.Errorf("members %v", c.Members)
	}
	if want := (robust.Pair{A: 0, B: 1}); c.Cosine != want {
		t.Errorf("escaped %+v, want %+v", c.Cosine, want)
	}
	c = clusters(t, updates[:3], nil, robust.Limits{Cosine: robust.One})
	if len(c.Members) != 3 || c.Cosine != (robust.Pair{A: 0, B: 2, Similarity: 980_580_676}) {
		t.Errorf("of parallel updates: %+v", c)
	}
	same := clusters(t, [][][]float32{vector(0.1, 0.7, -3), vector(0.1, 0.7, -3)}, nil, robust.Limits{Cosine: robust.One})
	if len(same.Members) != 1 || same.Cosine.A != -1 {
		t.Errorf("of copies: %+v", same)
	}
}

func TestSharedRowsJoinPlayersByTheSmallerSet(t *testing.T) {
	f := func(rows ...byte) (all []robust.Fingerprint) {
		for _, r := range rows {
			all = append(all, robust.Fingerprint{r})
		}
		return all
	}
	rows := [][]robust.Fingerprint{f(1, 2, 3, 4, 5), f(9, 4, 5), f(9, 8, 8), nil}
	c := clusters(t, nil, rows, robust.Limits{Overlap: 600_000_000})
	if want := []int{0, 0, 1, 2}; !slices.Equal(c.Of, want) {
		t.Errorf("clusters %v, want %v", c.Of, want)
	}
	if want := (robust.Pair{A: 1, B: 2, Similarity: 500_000_000}); c.Overlap != want {
		t.Errorf("escaped %+v, want %+v", c.Overlap, want)
	}
	w, err := c.Weights([]uint64{5, 3, 3, 0}, rows)
	if err != nil || !slices.Equal(w, []uint64{6, 2, 0}) {
		t.Errorf("weights %v: %v", w, err)
	}
	if w, err = c.Weights([]uint64{5, 7, 3, 0}, nil); err != nil || !slices.Equal(w, []uint64{7, 3, 0}) {
		t.Errorf("weights without rows %v: %v", w, err)
	}
}

func TestAClustersSharesSumToItsValue(t *testing.T) {
	c := clusters(t, [][][]float32{vector(1, 1), vector(1, 2), vector(2, 2), vector(3, 3), vector(2, 4)}, nil, robust.Limits{Cosine: 999_000_000})
	for _, test := range []struct {
		a, b  int64
		sizes []uint64
		want  []int64
	}{
		{10, 7, []uint64{1, 1, 1, 1, 1}, []int64{4, 4, 3, 3, 3}},
		{-10, -7, []uint64{1, 1, 1, 1, 1}, []int64{-3, -3, -3, -4, -4}},
		{100, 9, []uint64{1, 2, 97, 2, 0}, []int64{1, 9, 97, 2, 0}},
		{5, 3, []uint64{0, 0, 0, 0, 1 << 63}, []int64{2, 0, 2, 1, 3}},
	} {
		got, err := c.Split([]*big.Int{big.NewInt(test.a), big.NewInt(test.b)}, test.sizes)
		if err != nil {
			t.Fatal(err)
		}
		for i, w := range test.want {
			if got[i].Int64() != w {
				t.Errorf("%d and %d by %v: %v, want %v", test.a, test.b, test.sizes, got, test.want)
				break
			}
		}
	}
	if _, err := c.Split([]*big.Int{nil, nil}, make([]uint64, 5)); err == nil {
		t.Error("a missing value is split")
	}
}

func TestAQuotientIsTheGameOfWhoPlaysForEachCluster(t *testing.T) {
	table := make([]int64, 8)
	for m := range table {
		table[m] = int64(m * m)
	}
	game, err := shapley.NewTable(table)
	if err != nil {
		t.Fatal(err)
	}
	c := clusters(t, [][][]float32{vector(1, 0), vector(0, 1), vector(2, 0)}, nil, robust.Limits{Cosine: robust.One})
	for _, test := range []struct {
		choose robust.Choice
		want   []int64
	}{{robust.Lowest, []int64{0, 1, 4, 9}}, {robust.All, []int64{0, 25, 4, 49}}} {
		q, err := robust.Quotient(game, c, test.choose)
		if err != nil || q.Players() != 2 {
			t.Fatal(q, err)
		}
		out := make([]int64, 4)
		if err := q.Utilities(t.Context(), []shapley.Coalition{{0}, {1}, {2}, {3}}, out); err != nil || !slices.Equal(out, test.want) {
			t.Errorf("utilities %v, want %v: %v", out, test.want, err)
		}
		if err := q.Utilities(t.Context(), []shapley.Coalition{{4}}, out); err == nil {
			t.Error("a cluster that there is not plays")
		}
	}
	if _, err := robust.Quotient(game, c, func([]int) []int { return []int{1} }); err == nil {
		t.Error("a player of another cluster plays")
	}
	if got := c.Representatives(); !slices.Equal(got, []int{0, 1}) {
		t.Errorf("representatives %v", got)
	}
}

func TestWhatDoesNotFitIsRefused(t *testing.T) {
	one := [][][]float32{vector(1, 2), vector(1, 2, 3)}
	for want, f := range map[string]func() error{
		"cosine": func() error {
			_, err := robust.New(t.Context(), one, nil, robust.Limits{Cosine: robust.One + 1})
			return err
		},
		"limits":  func() error { _, err := robust.New(t.Context(), one, nil, robust.Limits{}); return err },
		"players": func() error { _, err := robust.New(t.Context(), nil, nil, robust.Limits{Cosine: 1}); return err },
		"rows": func() error {
			_, err := robust.New(t.Context(), one[:1], nil, robust.Limits{Cosine: 1, Overlap: 1})
			return err
		},
		"updates[1]: tensor 1: 2 elements": func() error { _, err := robust.New(t.Context(), one, nil, robust.Limits{Cosine: 1}); return err },
	} {
		if err := f(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
