package knn

import (
	"fmt"
	"math/big"
)

// MaxWeight bounds the weight of a place.
const MaxWeight = 1 << 20

// checkWeights refuses weights that are not those of K places.
func (j *job) checkWeights() error {
	if j.Variant != Weighted {
		if j.Weights != nil {
			return fmt.Errorf("weights: only %v has them, not %v", Weighted, j.Variant)
		}
		return nil
	}
	if len(j.Weights) != j.K {
		return fmt.Errorf("weights: %d for %d neighbours", len(j.Weights), j.K)
	}
	for i, w := range j.Weights {
		if w > MaxWeight {
			return fmt.Errorf("weights: place %d: %d is above the limit %d", i+1, w, MaxWeight)
		}
		j.weight += int64(w)
	}
	if j.weight == 0 {
		return fmt.Errorf("weights: all %d are 0", len(j.Weights))
	}
	return nil
}

// weightedTable is 2^scale P(i) / (i W) for i from 1 to N, rounded half to even, P(i) being the sum of the weights of the
// first min(K,i) places and W that of all.
//
// It is what a change of match is worth between place i and the next, and what a match is worth to the farthest of
// i rows: of two neighbours in the order, either one, where it joins the rows nearer than both that came
// before it, is equally likely to take any of the places 1 to i, and pushes the same rows back. With equal weights it
// is 1/max(K,i).
func (j *job) weightedTable() []int64 {
	t := make([]int64, j.n+1)
	sum, a, b := int64(0), new(big.Int), new(big.Int)
	for i := 1; i <= j.n; i++ {
		if i <= j.K {
			sum += int64(j.Weights[i-1])
		}
		a.Lsh(a.SetInt64(sum), j.scale)
		b.Mul(b.SetInt64(int64(i)), big.NewInt(j.weight))
		t[i] = roundDiv(a, b)
	}
	return t
}

// weighted is the recursion of unweighted, with the table of the weights.
func (w *worker) weighted(order []neighbour) {
	w.fromFarthest(order)
	sum := int64(0)
	for i, k := range order[:min(w.K, len(order))] {
		sum += k.match() * int64(w.Weights[i])
	}
	w.full.Add(&w.full, big.NewInt(sum))
}
