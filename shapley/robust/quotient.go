package robust

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/verifyd/verifyd/shapley"
)

// Choice says which of a cluster's members, ascending, play for it.
type Choice func(members []int) []int

// Lowest lets the member with the lowest number play: the one that was there first, whom copies do not
// displace.
func Lowest(members []int) []int { return members[:1] }

// All lets all members play.
func All(members []int) []int { return members }

// Quotient is the game of the clusters of a game: a coalition of clusters achieves what those whom choose
// names achieve together. In a round with fixed weights those who do not play still have a share of the
// weights; the round of Representatives and Weights is the better game there.
func Quotient(g shapley.Game, c *Clusters, choose Choice) (shapley.Game, error) {
	if g.Players() != len(c.Of) {
		return nil, fmt.Errorf("robust: quotient: %d players in the game, %d in the clusters", g.Players(), len(c.Of))
	}
	q := &quotient{game: g, players: make([][]int, len(c.Members))}
	for k, m := range c.Members {
		q.players[k] = slices.Clone(choose(m))
		for _, i := range q.players[k] {
			if !slices.Contains(m, i) {
				return nil, fmt.Errorf("robust: quotient: player %d is no member of cluster %d", i, k)
			}
		}
	}
	return q, nil
}

type quotient struct {
	game    shapley.Game
	players [][]int // of each cluster
}

func (q *quotient) Players() int { return len(q.players) }

// Facts are the bounds of the game.
func (q *quotient) Facts() shapley.Facts {
	return shapley.Facts{Bounds: shapley.FactsOf(q.game).Bounds}
}

func (q *quotient) Utilities(ctx context.Context, coalitions []shapley.Coalition, out []int64) error {
	mapped := make([]shapley.Coalition, len(coalitions))
	var members []int
	for k, c := range coalitions {
		mapped[k] = shapley.NewCoalition(q.game.Players())
		members = c.Members(members[:0])
		for _, m := range members {
			if m >= len(q.players) {
				return fmt.Errorf("robust: coalition %d: cluster %d of %d", k, m, len(q.players))
			}
			for _, i := range q.players[m] {
				mapped[k].Add(i)
			}
		}
	}
	return q.game.Utilities(ctx, mapped, out)
}

// Representatives are the lowest members of the clusters.
func (c *Clusters) Representatives() []int {
	r := make([]int, len(c.Members))
	for k, m := range c.Members {
		r[k] = m[0]
	}
	return r
}

// Weights are the clusters' verified sizes. With rows, of each player, a cluster has as many as its members
// have different ones, so that a copy adds nothing and two halves are the whole. Without rows
// it has the largest size of a member: more names add nothing, and who splits loses.
func (c *Clusters) Weights(sizes []uint64, rows [][]Fingerprint) ([]uint64, error) {
	if len(sizes) != len(c.Of) || rows != nil && len(rows) != len(c.Of) {
		return nil, fmt.Errorf("robust: weights: %d sizes and rows of %d for %d players", len(sizes), len(rows), len(c.Of))
	}
	w := make([]uint64, len(c.Members))
	for k, m := range c.Members {
		if rows == nil {
			for _, i := range m {
				w[k] = max(w[k], sizes[i])
			}
			continue
		}
		var all []Fingerprint
		for _, i := range m {
			all = append(all, rows[i]...)
		}
		w[k] = uint64(len(distinct([][]Fingerprint{all})[0]))
	}
	return w, nil
}

// Split divides the clusters' values, whole numbers, among their members in proportion to the members'
// sizes, or evenly if these are all 0: every share is rounded down, and what is left goes to the largest
// remainders, the lower player first among equals. A cluster's shares sum to its value.
func (c *Clusters) Split(values []*big.Int, sizes []uint64) ([]*big.Int, error) {
	if len(values) != len(c.Members) {
		return nil, fmt.Errorf("robust: split: %d values for %d clusters", len(values), len(c.Members))
	}
	if len(sizes) != len(c.Of) {
		return nil, fmt.Errorf("robust: split: %d sizes for %d players", len(sizes), len(c.Of))
	}
	shares := make([]*big.Int, len(c.Of))
	for k, m := range c.Members {
		if values[k] == nil {
			return nil, errors.New("robust: split: a value is missing")
		}
		weights, total := make([]*big.Int, len(m)), new(big.Int)
		for j, i := range m {
			weights[j] = new(big.Int).SetUint64(sizes[i])
			total.Add(total, weights[j])
		}
		if total.Sign() == 0 {
			for j := range weights {
				weights[j] = big.NewInt(1)
			}
			total.SetInt64(int64(len(m)))
		}
		for j, s := range apportion(values[k], weights, total) {
			shares[m[j]] = s
		}
	}
	return shares, nil
}

// Divide gives every player its part of what the lowest member of its cluster is worth, as Prepare leaves it: Split of the value, and as large
// a part, rounded up, of the standard error, if there are any. So what is left of the parts once a margin is taken off them is what is left
// of the whole, but for that rounding.
func (c *Clusters) Divide(values []*big.Int, stdErr []uint64, sizes []uint64) ([]*big.Int, []uint64, error) {
	if len(values) != len(c.Of) || len(stdErr) != 0 && len(stdErr) != len(c.Of) {
		return nil, nil, fmt.Errorf("robust: divide: %d values and %d standard errors for %d players", len(values), len(stdErr), len(c.Of))
	}
	whole := make([]*big.Int, len(c.Members))
	for k, m := range c.Members {
		whole[k] = values[m[0]]
	}
	parts, err := c.Split(whole, sizes)
	if err != nil || len(stdErr) == 0 {
		return parts, nil, err
	}
	errs := make([]uint64, len(c.Of))
	for k, m := range c.Members {
		total := new(big.Int)
		for _, i := range m {
			total.Add(total, new(big.Int).SetUint64(sizes[i]))
		}
		for _, i := range m {
			share := big.NewRat(1, int64(len(m)))
			if total.Sign() > 0 {
				share.SetFrac(new(big.Int).SetUint64(sizes[i]), total)
			}
			share.Mul(share, new(big.Rat).SetInt(new(big.Int).SetUint64(stdErr[c.Members[k][0]])))
			up := new(big.Int).Add(share.Num(), new(big.Int).Sub(share.Denom(), big.NewInt(1)))
			errs[i] = up.Quo(up, share.Denom()).Uint64() // no more than the whole
		}
	}
	return parts, errs, nil
}

// apportion divides a value in proportion to weights, which sum to total.
func apportion(value *big.Int, weights []*big.Int, total *big.Int) []*big.Int {
	shares, rests := make([]*big.Int, len(weights)), make([]*big.Int, len(weights))
	order, left := make([]int, len(weights)), new(big.Int).Set(value)
	for j, w := range weights {
		shares[j], rests[j] = new(big.Int), new(big.Int)
		shares[j].DivMod(new(big.Int).Mul(value, w), total, rests[j])
		left.Sub(left, shares[j])
		order[j] = j
	}
	slices.SortStableFunc(order, func(a, b int) int { return rests[b].Cmp(rests[a]) })
	for _, j := range order[:left.Int64()] {
		shares[j].Add(shares[j], big.NewInt(1))
	}
	return shares
}
