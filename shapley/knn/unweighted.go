package knn

import (
	"math/big"

	"github.com/verifyd/verifyd/shapley"
)

// inverses are 2^scale / max(K, i) for i from 0 to N, rounded to nearest.
func (j *job) inverses() []int64 {
	t := make([]int64, j.n+1)
	for i := range t {
		d := int64(max(j.K, i))
		t[i] = (1<<j.scale + d/2) / d
	}
	return t
}

// kept is how many neighbours of a test row are worth something: max(K, 1/Epsilon), rounded up.
func (j *job) kept() int {
	if j.Epsilon == 0 {
		return j.n
	}
	return min(j.n, max(j.K, int((shapley.Unit+j.Epsilon-1)/j.Epsilon)))
}

// unweighted is the recursion of Jia et al. 2019, theorem 1, from the farthest row: s(N) = [match N] / max(K,N), s(i) =
// s(i+1) + ([match i] - [match i+1]) / max(K,i), for i from 1. Where only the nearest are kept, s of the last of
// them is 0 (theorem 2).
func (w *worker) unweighted(order []neighbour) {
	w.fromFarthest(order)
	w.full.Add(&w.full, big.NewInt(matches(order[:min(w.K, len(order))])))
}

// fromFarthest gives the farthest row the table's last entry if it matches, and 0 the last of those that are kept.
func (w *worker) fromFarthest(order []neighbour) {
	s, last := int64(0), len(order)
	if last == w.n {
		s = order[last-1].match() * w.table[last]
	}
	w.ascend(order, s)
}

// ascend gives the last neighbour s, and each before it what the next one has and the table's entry for a
// change of match between the two.
func (w *worker) ascend(order []neighbour, s int64) {
	table, sums := w.table[:len(order)], w.sums
	next := order[len(order)-1]
	sums[next.row()] += s
	for i := len(order) - 1; i > 0; i-- {
		own := order[i-1]
		s += (own.match() - next.match()) * table[i]
		sums[own.row()] += s
		next = own
	}
}

// matches counts the neighbours whose label is the test row's.
func matches(order []neighbour) (count int64) {
	for _, k := range order {
		count += k.match()
	}
	return count
}
