package study

import (
	"context"
	"math"
	"math/big"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/digits"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/shapley/classic"
	"github.com/verifyd/verifyd/shapley/retrain"
)

// knownGame is a game with its exact values.
type knownGame struct {
	name   string
	game   shapley.Game
	values []*big.Rat
	span   int64 // between its least and its largest utility
}

// bounded declares that a game's utilities lie between 0 and span.
func bounded(name string, g shapley.Game, values []*big.Rat, span int64) knownGame {
	return knownGame{name, shapley.Declared{Game: g, Known: shapley.Facts{Bounds: &shapley.Bounds{Low: 0, High: span}}}, values, span}
}

// coveredGames are those on which intervals are tried.
func coveredGames(ctx context.Context, o Options) ([]knownGame, error) {
	const prize = shapley.Unit
	voting, err := classic.WeightedVoting([]int{15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1}, 61, prize)
	if err != nil {
		return nil, err
	}
	heavy, span, err := heavyTailed()
	if err != nil {
		return nil, err
	}
	constant, err := classic.Unanimity(15, []uint64{0xff}, []int64{prize / 20})
	if err != nil {
		return nil, err
	}
	all := []knownGame{
		saturating(100, prize), bounded("weighted majority", voting, voting.Values, prize), bounded("heavy tails", heavy, heavy.Values, span),
		bounded("nearly constant", constant, constant.Values, prize), duplicates(prize),
	}
	rare, rareSpan, err := rarePrize()
	if err != nil {
		return nil, err
	}
	all = append(all, bounded("a rare prize", rare, rare.Values, rareSpan))
	rows, err := rowGames(ctx, o)
	if err != nil {
		return nil, err
	}
	all = append(all, rows...)
	all = append(all, knownGame{"heavy tails without bounds", heavy.Game, heavy.Values, span},
		knownGame{"a rare prize without bounds", rare.Game, rare.Values, rareSpan}, knownGame{"weighted majority without bounds", voting.Game, voting.Values, prize})
	t, err := roundTable(ctx, o, o.workers(12))
	if err != nil {
		return nil, err
	}
	return append(all, knownGame{"round of losses, rate 0.5, 5 steps", t, t.Values(), t[len(t)-1]}), nil
}

// saturating is the game in which any one of n players is enough.
func saturating(n int, prize int64) knownGame {
	values := make([]*big.Rat, n)
	for i := range values {
		values[i] = big.NewRat(prize, int64(n))
	}
	return bounded("one suffices", shapley.Func{N: n, Threads: 1, Utility: func(_ context.Context, c shapley.Coalition) (int64, error) {
		if c.Size() > 0 {
			return prize, nil
		}
		return 0, nil
	}}, values, prize)
}

// heavyTailed has prizes of a power's tail, each won by a set of its own.
func heavyTailed() (g classic.Game, span int64, err error) {
	s := &source{key: 15, name: 8}
	var sets []uint64
	var prizes []int64
	for range 60 {
		set := uint64(0)
		for set == 0 {
			first, second := s.word(), s.word()
			set = uint64(first&second) & (1<<15 - 1)
		}
		p := int64(1e6 / math.Pow(1-s.uniform(), 1.5))
		sets, prizes, span = append(sets, set), append(prizes, p), span+p
	}
	g, err = classic.Unanimity(15, sets, prizes)
	return g, span, err
}

// rarePrize is won by the last of twelve; whoever is not among them in a sample shows small prizes of pairs and triples alone.
func rarePrize() (g classic.Game, span int64, err error) {
	s := &source{key: 16, name: 8}
	sets, prizes := []uint64{1<<12 - 1}, []int64{shapley.Unit}
	for range 30 {
		set := uint64(0)
		for range 3 {
			set |= 1 << s.below(15)
		}
		sets, prizes = append(sets, set), append(prizes, 1e5)
	}
	for _, p := range prizes {
		span += p
	}
	g, err = classic.Unanimity(15, sets, prizes)
	return g, span, err
}

// duplicates are five kinds of players, three of each: a coalition has a fifth of the prize for each of its kinds.
func duplicates(prize int64) knownGame {
	values := make([]*big.Rat, 15)
	for i := range values {
		values[i] = big.NewRat(prize, 15)
	}
	return bounded("duplicates", shapley.Func{N: 15, Threads: 1, Utility: func(_ context.Context, c shapley.Coalition) (int64, error) {
		kinds := int64(0)
		for k := range 5 {
			if c[0]>>(3*k)&7 != 0 {
				kinds++
			}
		}
		return kinds * prize / 5, nil
	}}, values, prize)
}

// rowGames are twelve rows of four data sets, each valued by a logistic model judged on a hundred others: the digits, 2dplanes,
// two clouds that overlap, and a ring round a disc, which no line parts.
func rowGames(ctx context.Context, o Options) ([]knownGame, error) {
	const train, judged = 12, 100
	s := &source{key: 4, name: 9}
	pixels, digitLabels, err := digits.Load()
	if err != nil {
		return nil, err
	}
	flat, flatLabels := planes(train+judged, s)
	clouds, cloudLabels := drawn(train+judged, func() (x, y float64, class int32) {
		class = int32(s.below(2))
		return s.normal() + float64(class), s.normal(), class
	})
	ring, ringLabels := drawn(train+judged, func() (x, y float64, class int32) {
		x, y = s.normal(), s.normal()
		if x*x+y*y > 1.4 {
			class = 1
		}
		return x, y, class
	})
	var all []knownGame
	for _, d := range []struct {
		name  string
		x     []float32
		y     []int32
		width int
	}{
		{"rows of digits", pixels, digitLabels, digits.Pixels}, {"rows of 2dplanes", flat, flatLabels, 10},
		{"rows of two clouds", clouds, cloudLabels, 2}, {"rows of ring and disc", ring, ringLabels, 2},
	} {
		g, err := retrain.New(ctx, retrain.Data{
			Width: d.width, Train: d.x[:train*d.width], Labels: d.y[:train],
			Validation: d.x[train*d.width : (train+judged)*d.width], ValidationLabels: d.y[train : train+judged],
		}, retrain.Options{Device: o.Device})
		if err != nil {
			return nil, err
		}
		t, err := tabled(ctx, g)
		g.Close()
		if err != nil {
			return nil, err
		}
		all = append(all, bounded(d.name, t, t.Values(), shapley.Unit))
	}
	return all, nil
}

// drawn are rows of two features.
func drawn(n int, draw func() (x, y float64, class int32)) (f []float32, labels []int32) {
	for range n {
		x, y, class := draw()
		f, labels = append(f, float32(x), float32(y)), append(labels, class)
	}
	return f, labels
}
