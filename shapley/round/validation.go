package round

import (
	"context"
	"fmt"
	"math/big"

	"github.com/verifyd/verifyd/shapley"
)

// maxRowScores bounds the scores that ValidationError keeps: coalitions times rows.
const maxRowScores = 1 << 28

// ValidationError is the standard error of each player's value that comes of the choice of the validation
// rows, in the unit of the utility, rounded up: what resampling the rows (a bootstrap) converges to. It is
// apart from the error of sampling coalitions, and other validation rows of the same kind, not more pairs, make
// it smaller. Values are linear in the rows' scores, so that one antithetic pair of permutations, that
// of pair 0 of the seed, gives each row's part in them: sqrt(the variance of the parts / rows).
func (g *Game) ValidationError(ctx context.Context, seed shapley.Seed) ([]uint64, error) {
	n, rows := g.Players(), g.layout.rows
	if rows < 2 {
		return nil, fmt.Errorf("round: validation error: %d rows, 2 are needed", rows)
	}
	if 2*(n+1) > maxRowScores/rows {
		return nil, fmt.Errorf("round: validation error: %d players and %d rows are above the limit of %d scores", n, rows, maxRowScores)
	}
	order := seed.Permutation(0, n)
	coalitions := make([]shapley.Coalition, 0, 2*(n+1))
	forward, backward := shapley.NewCoalition(n), shapley.NewCoalition(n)
	for k := range n + 1 { // after k players, from the front and from the back
		coalitions = append(coalitions, forward.Clone(), backward.Clone())
		if k < n {
			forward.Add(order[k])
			backward.Add(order[n-1-k])
		}
	}
	scores := make([][]int64, len(coalitions))
	for k := range scores {
		scores[k] = make([]int64, rows)
	}
	if err := g.scores(ctx, coalitions, make([]int64, len(coalitions)), scores); err != nil {
		return nil, err
	}
	errs := make([]uint64, n)
	for k, i := range order {
		back := n - 1 - k
		errs[i] = g.spread(scores[2*k], scores[2*k+2], scores[2*back+1], scores[2*back+3])
	}
	return errs, nil
}

// spread is the standard error of the mean over rows of half the sum of two marginals: before and after
// the player joined, from the front and from the back.
func (g *Game) spread(before, after, other, another []int64) uint64 {
	rows := int64(len(before))
	sum, squares, d := new(big.Int), new(big.Int), new(big.Int)
	for r := range before {
		d.SetInt64(after[r] - before[r] + another[r] - other[r])
		sum.Add(sum, d)
		squares.Add(squares, d.Mul(d, d))
	}
	// (R sum d^2 - (sum d)^2) / (R^2 ), of parts d/2 and of means over the row's positions. Rows count positions
	// that are right, whose unit is 1.
	num := squares.Mul(squares, big.NewInt(rows))
	num.Sub(num, sum.Mul(sum, sum))
	den := big.NewInt(rows)
	den.Mul(den, den).Mul(den, big.NewInt(4*(rows-1)))
	den.Mul(den, big.NewInt(int64(g.layout.scored))).Mul(den, big.NewInt(int64(g.layout.scored)))
	if g.options.Utility == Accuracy {
		num.Mul(num, big.NewInt(shapley.Unit)).Mul(num, big.NewInt(shapley.Unit))
	}
	return shapley.RootUp(new(big.Rat).SetFrac(num, den))
}
