package retrain

import (
	"context"
	"fmt"
	"math/big"

	"github.com/verifyd/verifyd/shapley"
)

// MaxLearners bounds the weak learners of OutOfBag.
const MaxLearners = 1 << 20

// OutOfBag is the Data-OOB value of each training row (Kwon and Zou, "Data-OOB", ICML 2023): of the learners that were
// trained on a bootstrap sample without the row, the share that predicts its label rightly. Learner b draws
// its rows with seed.Draws(b, ...). A learner that cannot tell k likeliest classes apart is right by 1/k. out says how
// many learners did not see a row; the value of one that all of them saw is nil, which is not 0. Labels are needed;
// validation rows play no part.
func (g *Game) OutOfBag(ctx context.Context, learners int, seed shapley.Seed) (values []*big.Rat, out []int64, err error) {
	if learners < 1 || learners > MaxLearners {
		return nil, nil, fmt.Errorf("retrain: learners: %d is outside 1 to %d", learners, MaxLearners)
	}
	if g.data.Labels == nil {
		return nil, nil, fmt.Errorf("retrain: out of bag: values need labels")
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.trainer
	right := make([]tally, t.rows)
	out = make([]int64, t.rows)
	for lo := 0; lo < learners; lo += t.most {
		n := min(t.most, learners-lo)
		weights := t.batch(n)
		wide := t.columns * n
		for m := range n {
			for _, r := range g.Bag(lo+m, seed) {
				weights[int(r)*n+m]++
			}
		}
		if err := t.train(ctx); err != nil {
			return nil, nil, fmt.Errorf("retrain: %w", err)
		}
		outputs, err := t.predict(ctx, true)
		if err != nil {
			return nil, nil, fmt.Errorf("retrain: %w", err)
		}
		for r, y := range g.data.Labels {
			for m, w := range weights[r*n : (r+1)*n] {
				if w != 0 {
					continue
				}
				out[r]++
				right[r].add(t.among(outputs[r*wide:(r+1)*wide], m, y))
			}
		}
	}
	values = make([]*big.Rat, t.rows)
	for r, n := range out {
		if n > 0 {
			values[r] = right[r].sum()
			values[r].Quo(values[r], big.NewRat(n, 1))
		}
	}
	return values, out, nil
}

// Bag is the rows that a learner of OutOfBag is trained on, as often as they are drawn.
func (g *Game) Bag(learner int, seed shapley.Seed) []uint32 {
	drawn := make([]uint32, g.data.rows)
	seed.Draws(uint64(learner), uint64(g.data.rows), drawn)
	return drawn
}
