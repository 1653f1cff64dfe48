package round

import (
	"context"
	"fmt"
	"slices"

	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/program"
)

// MaxStep is how many times as long as the base an update may be, times its weight. A base shorter than 1 counts as 1.
const MaxStep = 1 << 10

// Isolated is an update that explodes: on its own it leads nowhere where a loss says anything, and in a coalition it
// takes the others with it. It is played as an update of zeros and so is worth exactly 0; the values of the rest are those of the
// round in which that player did nothing, with the same weights.
//
// Whether an update explodes depends on it, its weight, the base and the validation rows alone, never on other updates.
type Isolated struct {
	Player int    `json:"player"`
	Reason string `json:"reason"` // one of the constants of that name
}

// The reasons, in the order in which they are looked for.
const (
	ReasonNotFinite = "an element is not finite"
	ReasonStep      = "the update times its weight is more than 1024 times as long as the base"
	ReasonLoss      = "alone, it brings the loss of all positions of a row to the limit of 1000"
	// ReasonHarm is of Options.Harmless. Where a loss is rough, somebody's update that is there to be undone by another of his makes what everybody is
	// worth depend on who came before. An honest update that is of use only in company is lost with it.
	ReasonHarm = "alone, it makes the validation loss larger"
)

// screen finds the updates that explode by their numbers.
func (g *Game) screen() {
	base := squares(g.round.Base)
	limit := float64(MaxStep*MaxStep) * max(1, base)
	for i, u := range g.given.Updates {
		w := float64(1)
		if !g.options.Renormalised {
			w = float64(g.weights[i])
		}
		switch {
		case endless(u):
			g.isolate(i, ReasonNotFinite)
		case !(float64(w*w)*squares(u) <= limit):
			g.isolate(i, ReasonStep)
		}
	}
}

// endless says whether a tensor has an element that is not finite.
func endless(tensors [][]float32) bool {
	for _, t := range tensors {
		if notFinite(t) >= 0 {
			return true
		}
	}
	return false
}

// isolate has a player play zeros.
func (g *Game) isolate(player int, reason string) {
	g.isolated = append(g.isolated, Isolated{player, reason})
	zeros := make([][]float32, len(g.layout.params))
	for k, p := range g.layout.params {
		zeros[k] = make([]float32, p.Len())
	}
	g.round.Updates[player] = zeros
}

// aloneAtOnce is how many updates are played alone at a time, and aloneScores how many scores of rows they may have.
const (
	aloneAtOnce = 64
	aloneScores = 1 << 24
)

// explode plays each remaining update alone, judged by the loss, and isolates those with a row whose positions all
// have MaxLoss where the base has less and, if asked to, those with which the loss is larger. It says whether there were any.
func (g *Game) explode(ctx context.Context) (bool, error) {
	n, rows := len(g.round.Updates), g.layout.rows
	limit := int64(g.layout.scored) * MaxLoss * shapley.Unit
	coalitions, players := []shapley.Coalition{shapley.NewCoalition(n)}, []int{-1}
	for i, u := range g.round.Updates {
		if !nothing(u) {
			alone := shapley.NewCoalition(n)
			alone.Add(i)
			coalitions, players = append(coalitions, alone), append(players, i)
		}
	}
	at := min(aloneAtOnce, len(coalitions), max(1, aloneScores/rows))
	out, scores := make([]int64, at), make([][]int64, at)
	for k := range scores {
		scores[k] = make([]int64, rows)
	}
	found := len(g.isolated)
	var before []int64 // of nobody, by row
	loss := int64(0)   // of nobody
	for lo := 0; lo < len(coalitions); lo += at {
		hi := min(lo+at, len(coalitions))
		if err := g.scorer.scores(ctx, coalitions[lo:hi], out, scores); err != nil {
			return false, fmt.Errorf("updates alone: %w", err)
		}
		if lo == 0 {
			before, loss = slices.Clone(scores[0]), out[0]
		}
		for k, i := range players[lo:hi] {
			switch {
			case ruins(scores[k], before, limit):
				g.isolate(i, ReasonLoss)
			case g.options.Harmless && out[k] > loss:
				g.isolate(i, ReasonHarm)
			}
		}
	}
	exploded := len(g.isolated) > found
	slices.SortFunc(g.isolated, func(a, b Isolated) int { return a.Player - b.Player })
	return exploded, nil
}

// ruins says whether a row's score is at the limit where it was not before.
func ruins(scores, before []int64, limit int64) bool {
	for r, v := range scores {
		if v == limit && before[r] < limit {
			return true
		}
	}
	return false
}

// nothing says whether an update is zeros.
func nothing(update [][]float32) bool {
	for _, t := range update {
		for _, v := range t {
			if v != 0 {
				return false
			}
		}
	}
	return true
}

// Isolated are the updates that explode, by player.
func (g *Game) Isolated() []Isolated { return g.isolated }

// Played is the round that is played: the one given, with zeros in the place of updates that explode.
func (g *Game) Played() Round { return g.round }

// Facts are the bounds of an accuracy and, with fixed weights, the players whose update or whose weight is zero: their
// coalitions have the very model of those without them.
func (g *Game) Facts() shapley.Facts {
	var f shapley.Facts
	if g.options.Utility == Accuracy {
		f.Bounds = &shapley.Bounds{Low: -g.empty, High: shapley.Unit - g.empty}
	}
	if g.options.Renormalised {
		return f
	}
	for i, u := range g.round.Updates {
		if g.weights[i] == 0 || nothing(u) {
			f.Null = append(f.Null, i)
		}
	}
	return f
}

// start opens the scorer of a utility.
func (g *Game) start(ctx context.Context, utility Utility, graph program.Graph) (err error) {
	g.options.Utility = utility
	if cpu, ok := engine.Host(g.options.Device); ok {
		g.scorer, err = newHere(cpu, g, graph)
	} else {
		g.scorer, err = newApart(ctx, g, graph)
	}
	return err
}
