package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/chart"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/valuation"
	"github.com/verifyd/verifyd/shapley"
)

// What charts show at most.
const (
	maxSettling = 6  // players of a chart of convergence, those of the largest values
	maxBudgets  = 40 // points of each
	maxRemovals = 40 // points of a removal curve
)

// errUndrawn refuses a chart of values that have no place on it.
var errUndrawn = errors.New("a value is beyond what can be drawn")

// writeChart draws into a file that must not exist; no path, no chart.
func writeChart(path string, draw func(w io.Writer) error) error {
	if path == "" {
		return nil
	}
	var svg bytes.Buffer
	if err := draw(&svg); err != nil {
		return err
	}
	return valuation.WriteWhole(path, svg.Bytes())
}

// drawConvergence draws how the estimates of the players of the largest values settled.
func drawConvergence(ctx context.Context, w io.Writer, o *valuation.Outcome) error {
	history, err := valuation.History(ctx, o, maxBudgets)
	if err != nil {
		return err
	}
	order := byValue(o.Result)
	var curves []chart.Curve
	for _, i := range order[:min(maxSettling, len(order))] {
		c := chart.Curve{Name: o.Players[i]}
		for _, r := range history {
			fixed := r.Fixed()[i]
			if !fixed.IsInt64() {
				return errUndrawn
			}
			c.X, c.Y = append(c.X, int64(r.Evaluations)), append(c.Y, fixed.Int64())
			if len(r.HalfWidth) > 0 {
				low, high := chart.Around(fixed.Int64(), r.HalfWidth[i])
				c.Low, c.High = append(c.Low, low), append(c.High, high)
			}
		}
		if len(c.Low) != len(c.X) {
			c.Low, c.High = nil, nil
		}
		curves = append(curves, c)
	}
	return chart.Convergence(w, "Convergence of "+o.Estimator, intervalName(o.Result), curves)
}

// byValue is the players, the one of the largest value first.
func byValue(r *shapley.Result) []int {
	fixed := r.Fixed()
	order := make([]int, len(fixed))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return fixed[b].Cmp(fixed[a]) })
	return order
}

// drawRemoval draws the utility of those who are left when players are removed, the most and the least
// valuable first.
func drawRemoval(ctx context.Context, w io.Writer, g shapley.Game, r *shapley.Result) error {
	n := g.Players()
	order := byValue(r)
	points := min(n, maxRemovals)
	var curves []chart.Curve
	for _, name := range []string{"highest value first", "lowest value first"} {
		c := chart.Curve{Name: name}
		var left []shapley.Coalition
		all, gone := shapley.Everyone(n), 0
		for k := range points + 1 {
			for ; gone < n*k/points; gone++ {
				all.Remove(order[gone])
			}
			c.X, left = append(c.X, int64(gone)), append(left, all.Clone())
		}
		c.Y = make([]int64, len(left))
		if err := g.Utilities(ctx, left, c.Y); err != nil {
			return err
		}
		curves = append(curves, c)
		slices.Reverse(order)
	}
	return chart.Removal(w, "Utility as players are removed", curves)
}
