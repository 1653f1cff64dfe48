package knn

import (
	"cmp"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/verifyd/verifyd/shapley"
)

// MaxTarget bounds the magnitude of a target, in 1e-9.
const MaxTarget = 1 << 53

// regressor is the tables of a regression. Values are in (1e-9)^2 / (K^2 2^scale).
type regressor struct {
	share    []int64  // by i: 2^scale min(K,i)/i
	pairs    []int64  // by n: 2^scale q(q+1)/(2n(n-1)), q = min(K,n)-1: both of two given others of n rows are among the K-1 nearest
	m, both  int64    // 2^scale min(K,N)/N, 2^scale m(m-1)/(N(N-1)), m = min(K,N)
	emptyAll *big.Int // sum of the squares of the test targets
}

// checkTargets refuses targets that do not fit.
func (j *job) checkTargets() error {
	if len(j.TrainTargets) != j.n || len(j.TestTargets) != j.m {
		return fmt.Errorf("targets: %d and %d for %d and %d rows", len(j.TrainTargets), len(j.TestTargets), j.n, j.m)
	}
	if j.TrainLabels != nil || j.TestLabels != nil {
		return errors.New("labels: a regression has targets instead")
	}
	for _, targets := range [][]int64{j.TrainTargets, j.TestTargets} {
		for i, y := range targets {
			if y > MaxTarget || y < -MaxTarget {
				return fmt.Errorf("targets: row %d: %d is outside -%d to %[3]d", i, y, int64(MaxTarget))
			}
		}
	}
	return nil
}

// frac is 2^scale a/b rounded half to even.
func (j *job) frac(a, b int64) int64 {
	n := new(big.Int).Lsh(big.NewInt(a), j.scale)
	return roundDiv(n, big.NewInt(b))
}

// regressionTables makes what all workers share.
func (j *job) regressionTables() {
	t := &regressor{emptyAll: new(big.Int)}
	k, n := int64(j.K), int64(j.n)
	for i := range n + 1 {
		t.share = append(t.share, j.frac(min(k, max(i, 1)), max(i, 1)))
		q := min(k, i) - 1
		if i < 2 {
			q = 0
		}
		t.pairs = append(t.pairs, j.frac(q*(q+1), max(1, 2*i*(i-1))))
	}
	m := min(k, n)
	t.m, t.both = j.frac(m, n), j.frac(m*(m-1), max(1, n*(n-1)))
	var sq big.Int
	for _, y := range j.TestTargets {
		t.emptyAll.Add(t.emptyAll, sq.Mul(big.NewInt(y), big.NewInt(y)))
	}
	j.tables = t
}

// byTarget lays the training rows out by target, so that equal distances are told apart by it.
func (j *job) byTarget() {
	j.places = sortedBy(j.TrainTargets)
	targets, words := make([]int64, j.n), make([]int32, len(j.trainWords))
	for place, row := range j.places {
		targets[place] = j.TrainTargets[row]
		copy(words[place*j.words:], j.trainWords[int(row)*j.words:][:j.words])
	}
	j.TrainTargets, j.trainWords = targets, words
}

// sortedBy is the indexes of x by ascending entry, equal ones by index.
func sortedBy[T cmp.Ordered](x []T) []int32 {
	rows := make([]int32, len(x))
	for i := range rows {
		rows[i] = int32(i)
	}
	slices.SortStableFunc(rows, func(a, b int32) int { return cmp.Compare(x[a], x[b]) })
	return rows
}

// regression is the recursion for a target t, from the farthest row:
//
//	s(N) K^2 = -y_N (m (m-1)/(N (N-1)) sum of the others' y + (y_N - 2 K t) m/N),  m = min(K,N)
//	(s(i) - s(i+1)) K^2 = -(y_i - y_{i+1}) ((y_i + y_{i+1} - 2 K t) min(K,i)/i + 2 (f(i) sum_{l<i} y_l + sum_{l>i+1} f(l-1) y_l))
//
// with f(n) the share of orders of n rows in which two given rows both are among the K-1 nearest to the row
// that joins.
func (w *worker) regression(order []neighbour, target int64) {
	n, t := len(order), w.tables
	y := func(i int) int64 { return w.TrainTargets[order[i-1].row()] }
	twice := wideOf(2 * target).times(int64(w.K))
	var before, near wide // sum over l < i; over the K nearest
	for i := 1; i < n; i++ {
		before = before.plus(wideOf(y(i)))
	}
	for i := 1; i <= min(w.K, n); i++ {
		near = near.plus(wideOf(y(i)))
	}
	next := y(n) // y_{i+1}
	s := before.times(t.both).plus(wideOf(next).minus(twice).times(t.m)).times(-next)
	last := order[n-1].row()
	w.exact[last] = w.exact[last].plus(s)
	var after wide // sum over l > i+1 of f(l-1) y_l
	for i := n - 1; i > 0; i-- {
		own, row := y(i), order[i-1].row()
		if i+2 <= n {
			after = after.plus(wideOf(y(i + 2)).times(t.pairs[i+1]))
		}
		before = before.minus(wideOf(own))
		others := before.times(t.pairs[i]).plus(after)
		both := wideOf(own + next).minus(twice).times(t.share[i])
		s = s.plus(both.plus(others).plus(others).times(next - own))
		w.exact[row] = w.exact[row].plus(s)
		next = own
	}
	off := near.minus(wideOf(target).times(int64(w.K))).big()
	w.full.Sub(&w.full, off.Mul(off, off))
}

// squareUnit is the square of 1e-9 as a denominator.
func squareUnit() *big.Int {
	u := big.NewInt(shapley.Unit)
	return u.Mul(u, u)
}
