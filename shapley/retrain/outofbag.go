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
// its rows with seed.Draws(b, ...). A learner that cannot tell k likeliest classes apart is right by 1/k. Rows that every
// sample has are worth 0. Labels are needed; validation
// rows play no part.
func (g *Game) OutOfBag(ctx context.Context, learners int, seed shapley.Seed) ([]*big.Rat, error) {
	if learners < 1 || learners > MaxLearners {
		return nil, fmt.Errorf("retrain: learners: %d is outside 1 to %d", learners, MaxLearners)
	}
	if g.data.Labels == nil {
		return nil, fmt.Errorf("retrain: out of bag: values need labels")
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.trainer
	right, out := make([]tally, t.rows), make([]int64, t.rows)
	drawn := make([]uint32, t.rows)
	for lo := 0; lo < learners; lo += t.most {
		n := min(t.most, learners-lo)
		weights := t.batch(n)
		wide := t.columns * n
		for m := range n {
			seed.Draws(uint64(lo+m), uint64(t.rows), drawn)
			for _, r := range drawn {
				weights[int(r)*n+m]++
			}
		}
		if err := t.train(ctx); err != nil {
			return nil, fmt.Errorf("retrain: %w", err)
		}
		outputs, err := t.predict(ctx, true)
		if err != nil {
			return nil, fmt.Errorf("retrain: %w", err)
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
	values := make([]*big.Rat, t.rows)
	for r := range values {
		values[r] = right[r].sum()
		values[r].Quo(values[r], new(big.Rat).SetInt64(max(1, out[r])))
	}
	return values, nil
}
