package valuation

import (
	"context"
	"errors"
	"fmt"

	"github.com/verifyd/verifyd/shapley"
)

// fewest is a budget from which intervals mean something.
const fewest = 4

// History is what a run would have found with at most count smaller budgets, the last of them its own: how its
// estimates settled. It asks nothing of the game, the transcript has it all.
func History(ctx context.Context, o *Outcome, count int) ([]*shapley.Result, error) {
	if o.Result.Budget == 0 {
		return nil, fmt.Errorf("%s takes no budget: there is nothing to converge", o.Estimator)
	}
	if o.Control {
		return nil, errors.New("a run with a control variate has no history of its own")
	}
	if o.Result.Interval == shapley.IntervalExact { // no smaller budget asked for these coalitions
		return []*shapley.Result{o.Result}, nil
	}
	count = max(1, min(count, o.Result.Budget))
	var all []*shapley.Result
	for k := 1; k <= count; k++ {
		run := o.options()
		run.Budget, run.Target = o.Result.Budget*k/count, 0
		if run.Budget < min(fewest, o.Result.Budget) {
			continue
		}
		if k == count {
			run.Budget, run.Target = o.Result.Budget, o.Target
		}
		r, err := shapley.Estimate(ctx, &playback{o.Result.Players, o.Result.Facts, o.Utilities}, run)
		if k < count && err != nil && ctx.Err() == nil {
			continue // too small a budget for this estimator
		}
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// playback answers with a transcript's utilities in their order: an estimator asks for the same ones again.
type playback struct {
	players int
	known   shapley.Facts
	left    []int64
}

func (p *playback) Players() int { return p.players }

func (p *playback) Facts() shapley.Facts { return p.known }

func (p *playback) Utilities(_ context.Context, coalitions []shapley.Coalition, out []int64) error {
	if len(p.left) < len(coalitions) {
		return errors.New("the transcript ends")
	}
	p.left = p.left[copy(out[:len(coalitions)], p.left):]
	return nil
}
