package head_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/shapley/head"
	"github.com/verifyd/verifyd/shapley/shapleytest"
)

// random is a game with ties: logits are small integers times scale.
func random(t testing.TB, n, rows, classes int, scale int32) *head.Game {
	t.Helper()
	word := func(a, b, c int) uint32 {
		return kernels.Philox4x32([4]uint32{uint32(a), uint32(b), uint32(c), 0}, [2]uint32{1, 2})[0]
	}
	labels := make([]int32, rows)
	logits := make([][]int32, n+1)
	for r := range labels {
		labels[r] = int32(word(r, 0, 99) % uint32(classes))
	}
	for p := range logits {
		logits[p] = make([]int32, rows*classes)
		for i := range logits[p] {
			logits[p][i] = (int32(word(i, p, 1)%7) - 3) * scale
		}
	}
	if n > 1 {
		clear(logits[2]) // player 1 adds nothing
	}
	g, err := head.New(labels, classes, logits[0], logits[1:])
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestExactIsWhatEachCoalitionCountsForAnyThreads(t *testing.T) {
	for _, c := range []struct {
		n, rows, classes int
		scale            int32
	}{{1, 1, 2, 1}, {4, 5, 2, 1}, {5, 7, 10, 1}, {11, 31, 3, 1}, {11, 30, 5, 1 << 20}, {12, 64, 6, 400}} {
		g := random(t, c.n, c.rows, c.classes, c.scale)
		all := make([]shapley.Coalition, 1<<c.n)
		for m := range all {
			all[m] = shapley.Coalition{uint64(m)}
		}
		want := make([]int64, len(all))
		if err := g.Utilities(t.Context(), all, want); err != nil {
			t.Fatal(err)
		}
		for _, threads := range []int{0, 1, 2, 8} {
			got, err := g.Exact(t.Context(), threads)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal([]int64(got), want) {
				t.Fatalf("%+v with %d threads: another table", c, threads)
			}
			for m := range got {
				if c.n > 1 && got[m] != got[m|2] {
					t.Fatalf("%+v: a player without a contribution changes %#x", c, m)
				}
			}
		}
	}
}

func TestTheRangeOfALaneIsUsedToItsEnd(t *testing.T) {
	for _, margin := range []int32{1<<14 - 1, 1 << 14, 1<<15 - 2, 1<<15 - 1, 1 << 15} {
		// Row 0 loses the margin and row 1 wins it; in lanes one beside the other.
		g, err := head.New([]int32{0, 0}, 2, []int32{0, 0, 0, 1}, [][]int32{{-margin, 0, margin, 0}, {margin, 0, -margin, 0}})
		if err != nil {
			t.Fatal(err)
		}
		got, err := g.Exact(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		if want := slices.Repeat([]int64{shapley.Unit / 2}, 4); !slices.Equal([]int64(got), want) {
			t.Fatalf("margin %d: %v, want %v", margin, got, want)
		}
	}
}

func TestQuantisedLogitsAreProductsInFixedPoint(t *testing.T) {
	got, err := head.Quantise(context.Background(), shapleytest.CPU(kernels.Options{}), []float32{1, 2, -3, 0.5}, []float32{0.5, 0.25, 1, -1}, 2, 2, 2, 4)
	if err != nil {
		t.Fatal(err)
	}
	if want := []int32{16, -16, -22, -56}; !slices.Equal(got, want) {
		t.Fatalf("%v, want %v", got, want)
	}
}

func TestAGameThatDoesNotFitIsRefused(t *testing.T) {
	y, b, p := []int32{0, 1}, make([]int32, 4), [][]int32{make([]int32, 4)}
	big := []int32{1 << 30, 0, 0, 0}
	for want, err := range map[string]error{
		"labels: 0 rows":       second(head.New(nil, 2, b, p)),
		"classes: 1":           second(head.New(y, 1, b, p)),
		"labels[1]: 2":         second(head.New([]int32{0, 2}, 2, b, p)),
		"players: 0":           second(head.New(y, 2, b, nil)),
		"base: 3":              second(head.New(y, 2, b[1:], p)),
		"players[0]: 3":        second(head.New(y, 2, b, [][]int32{b[1:]})),
		"players[0]: row 0":    second(head.New(y, 2, b, [][]int32{big})),
		"bits: 31":             second(head.Quantise(context.Background(), shapleytest.CPU(kernels.Options{}), nil, nil, 1, 1, 2, 31)),
		"row 0: logit":         second(head.Quantise(context.Background(), shapleytest.CPU(kernels.Options{}), []float32{1 << 20}, []float32{1 << 10, 0}, 1, 1, 2, 10)),
		`operand "a" has 0`:    second(head.Quantise(context.Background(), shapleytest.CPU(kernels.Options{}), nil, []float32{1, 0}, 1, 1, 2, 10)),
		"25 is outside 1 to 2": second(random(t, 25, 1, 2, 1).Exact(t.Context(), 1)),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v: want %q", err, want)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func BenchmarkExactTwentyPlayers(b *testing.B) {
	g := random(b, 20, 304, 10, 100)
	for b.Loop() {
		if _, err := g.Exact(b.Context(), 0); err != nil {
			b.Fatal(err)
		}
	}
}
