package study

import (
	"context"
	"fmt"
	"math/big"

	"github.com/verifyd/verifyd/shapley"
)

// coverage counts how often nominal 95 % intervals hold the exact values, in games that are as unlike one another as the
// uses of values are. A promise is made of intervals that promise: the asymptotic ones are reported.
func coverage(ctx context.Context, o Options) ([]Row, error) {
	var rows []Row
	all, err := coveredGames(ctx, o)
	if err != nil {
		return nil, err
	}
	for _, g := range all {
		for _, pairs := range []int{8, 64} {
			c, err := cover(ctx, g, pairs, o.coverageRuns())
			if err != nil {
				return nil, fmt.Errorf("%s: %w", g.name, err)
			}
			row := Row{Measure: fmt.Sprintf("%s, %d players, %d pairs, %s: coverage of the worst player, of all at once; median half-width",
				g.name, len(g.values), pairs, c.interval), Measured: fmt.Sprintf("%.4f, %.4f; %.3f", c.worst, c.together, c.width), Verdict: Reported}
			if c.interval != shapley.IntervalStudent {
				row.Promised, row.Verdict = "at least 0.94, 0.94", verdict(c.worst >= 0.94 && c.together >= 0.94)
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// coverageRuns are 2000, or 40 in a short run.
func (o Options) coverageRuns() int {
	if o.Short {
		return 40
	}
	return 2000
}

// covered is what was counted.
type covered struct {
	interval        string
	worst, together float64 // shares of runs
	width           float64 // median half-width over the range of utilities
}

// cover estimates a game many times.
func cover(ctx context.Context, g knownGame, pairs, runs int) (c covered, err error) {
	hits, together := make([]int, len(g.values)), 0
	var widths []float64
	for k := range runs {
		seed := shapley.Seed{byte(k), byte(k >> 8), byte(pairs), 0xc0}
		options := shapley.Options{Estimator: "antithetic", Budget: pairs, Seed: seed, Sampled: true}
		r, err := shapley.Estimate(ctx, g.game, options)
		if err != nil {
			return c, err
		}
		c.interval = r.Interval
		all := true
		for i, v := range r.Values {
			d := new(big.Rat).Sub(v.Rat(), g.values[i])
			if d.Abs(d).Cmp(whole(r.HalfWidth[i])) <= 0 {
				hits[i]++
			} else {
				all = false
			}
		}
		if all {
			together++
		}
		for _, w := range r.HalfWidth {
			widths = append(widths, float64(w)/float64(g.span))
		}
	}
	least := hits[0]
	for _, h := range hits {
		least = min(least, h)
	}
	c.worst, c.together = float64(least)/float64(runs), float64(together)/float64(runs)
	c.width = median(widths)
	return c, nil
}

func whole(x uint64) *big.Rat { return new(big.Rat).SetInt(new(big.Int).SetUint64(x)) }
