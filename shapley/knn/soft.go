package knn

import "math/big"

// softTable makes what a change of match is worth between place i and the next: (H_m - 1)/(N-1) + 1/max(i,K) for K below
// N, with m = K; H_{N-1}/(N-1) otherwise.
func (j *job) softTable() {
	n := int64(j.n)
	h := harmonics(j.n, j.scale)
	j.harmonic = h[min(j.K, j.n)] - 1<<j.scale
	j.table = j.inverses()
	if n == 1 {
		return
	}
	if j.K < j.n {
		each := divided(j.harmonic, n-1)
		for i := range j.table {
			j.table[i] += each
		}
		return
	}
	each := divided(h[j.n-1], n-1)
	for i := range j.table {
		j.table[i] = each
	}
}

// harmonics are H_0 to H_m, H_k = 1 + 1/2 + ... + 1/k, in units of 2^-scale: each term with 24 bits more.
func harmonics(m int, scale uint) []int64 {
	one := new(big.Int).Lsh(big.NewInt(1), scale+24)
	sum, term, unit := new(big.Int), new(big.Int), big.NewInt(1<<24)
	h := make([]int64, m+1)
	for k := 1; k <= m; k++ {
		sum.Add(sum, term.Div(one, big.NewInt(int64(k))))
		h[k] = roundDiv(sum, unit)
	}
	return h
}

// divided is a/b rounded half to even, b > 0.
func divided(a, b int64) int64 { return roundDiv(big.NewInt(a), big.NewInt(b)) }

// softLabel is the recursion of Wang and Jia 2023.
func (w *worker) softLabel(order []neighbour) {
	n := len(order)
	w.ascend(order, w.last(n, w.harmonic, order[n-1].match(), matches(order)))
	k := min(w.K, n)
	w.addFull(matches(order[:k]), int64(k))
}

// last is the value of the farthest of n rows, count of which match: [match - 1/classes + (match - h/(n-1)) (H - 1)] / n,
// where h of the others match and harmonic is H - 1.
func (j *job) last(n int, harmonic, match, count int64) int64 {
	one := int64(1) << j.scale
	a := big.NewInt(match * one)
	a.Sub(a, big.NewInt(divided(one, j.classes)))
	a.Add(a, big.NewInt(match*harmonic))
	if n > 1 {
		h := new(big.Int).Mul(big.NewInt(count-match), big.NewInt(harmonic))
		a.Sub(a, big.NewInt(roundDiv(h, big.NewInt(int64(n-1)))))
	}
	return roundDiv(a, big.NewInt(int64(n)))
}

// addFull adds the utility near/k of everybody for a test row.
func (w *worker) addFull(near, k int64) {
	u := new(big.Int).Lsh(big.NewInt(near), w.scale)
	w.full.Add(&w.full, big.NewInt(roundDiv(u, big.NewInt(k))))
}

// threshold gives all rows within the radius the value of the farthest of as many with K as large: they are worth
// the same but for whether they match. Others are null players.
func (w *worker) threshold(distances []int32, label int32) {
	w.fence(distances)
	within, count := 0, int64(0)
	for i, d := range distances {
		if uint32(d) <= w.limit {
			within++
			if w.TrainLabels[i] == label {
				count++
			}
		}
	}
	if within == 0 {
		w.addFull(1, w.classes)
		return
	}
	h := w.table[within] - 1<<w.scale
	var worth [2]int64
	for match := range worth {
		worth[match] = w.last(within, h, int64(match), count)
	}
	for i, d := range distances {
		if uint32(d) > w.limit {
			continue
		}
		if w.TrainLabels[i] == label {
			w.sums[i] += worth[1]
		} else {
			w.sums[i] += worth[0]
		}
	}
	w.addFull(count, int64(within))
}
