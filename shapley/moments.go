package shapley

import (
	"fmt"
	"math/big"
)

// moments are sums and sums of squares of independent samples of every player's value, as integers over a
// common denominator.
type moments struct {
	count        int64
	sum, squares []*big.Int
}

func newMoments(n int) *moments { return &moments{sum: zeros(n), squares: zeros(n)} }

// add takes one sample.
func (m *moments) add(sample []*big.Int) {
	var sq big.Int
	for i, x := range sample {
		m.sum[i].Add(m.sum[i], x)
		m.squares[i].Add(m.squares[i], sq.Mul(x, x))
	}
	m.count++
}

// variance is the estimated variance of player i's mean, over the square of the denominator d:
// (P sum x^2 - (sum x)^2) / (P^2 (P-1) d^2), for P > 1 samples.
func (m *moments) variance(i int, d *big.Int) *big.Rat {
	p := big.NewInt(m.count)
	num := new(big.Int).Mul(p, m.squares[i])
	num.Sub(num, new(big.Int).Mul(m.sum[i], m.sum[i]))
	den := new(big.Int).Mul(p, p)
	den.Mul(den, big.NewInt(m.count-1)).Mul(den, d).Mul(den, d)
	return new(big.Rat).SetFrac(num, den)
}

// means are the sums over count*d.
func (m *moments) means(d *big.Int) []*big.Rat {
	return ratios(m.sum, new(big.Int).Mul(d, big.NewInt(m.count)))
}

// finish is the result with the means as values and t-intervals for all players at once.
func (m *moments) finish(r *run, d *big.Int, level int) *Result {
	res := r.result(m.means(d))
	m.intervals(res, d, big.NewRat(int64(1000-level), 1000), 0)
	return res
}

// intervals enters standard errors, and half-widths that hold for all players at once but with the probability
// miss: Bonferroni, and a t quantile each. With a width w > 0, between whose ends all samples lie, they are
// empirical Bernstein bounds instead (Maurer and Pontil, COLT 2009, theorem 4, on both sides), which
// assume no distribution and are hundreds of times wider at usual budgets:
//
//	sqrt(2 v L) + 7 w L / (3 (P-1)),  v the variance of the mean, L = ln(4 n / miss)
//
// One sample has neither.
func (m *moments) intervals(res *Result, d *big.Int, miss *big.Rat, w uint64) {
	res.Samples = int(m.count)
	if m.count < 2 {
		return
	}
	n := len(m.sum)
	if w > 0 {
		m.bernstein(res, d, miss, w)
		return
	}
	t := tQuantile(int(m.count-1), new(big.Rat).Quo(miss, big.NewRat(int64(n), 1)))
	res.StdErr, res.HalfWidth = make([]uint64, n), make([]uint64, n)
	for i := range n {
		v := m.variance(i, d)
		res.StdErr[i] = RootUp(v)
		res.HalfWidth[i] = RootUp(v.Mul(v, new(big.Rat).Mul(t, t)))
	}
}

// RootUp is the least integer whose square is at least x, and at most 2^64-1.
func RootUp(x *big.Rat) uint64 {
	q := new(big.Int).Add(x.Num(), new(big.Int).Sub(x.Denom(), big.NewInt(1)))
	q.Div(q, x.Denom())
	root := new(big.Int).Sqrt(q)
	if new(big.Int).Mul(root, root).Cmp(q) < 0 {
		root.Add(root, big.NewInt(1))
	}
	if !root.IsUint64() {
		return 1<<64 - 1
	}
	return root.Uint64()
}

// bernstein enters the half-widths of empirical Bernstein bounds.
func (m *moments) bernstein(res *Result, d *big.Int, miss *big.Rat, w uint64) {
	n := len(m.sum)
	x, _ := new(big.Rat).Quo(big.NewRat(int64(4*n), 1), miss).Float64()
	l := logUp(x)
	far := new(big.Rat).SetInt(new(big.Int).SetUint64(w))
	far.Mul(far, l).Mul(far, big.NewRat(7, 3*(m.count-1)))
	reach := new(big.Int).Add(nearest(far), big.NewInt(1)).Uint64()
	res.StdErr, res.HalfWidth = make([]uint64, n), make([]uint64, n)
	for i := range n {
		v := m.variance(i, d)
		res.StdErr[i] = RootUp(v)
		res.HalfWidth[i] = RootUp(v.Mul(v, l).Mul(v, big.NewRat(2, 1))) + reach
	}
}

// Interval is half the width of each player's own t-interval with a confidence in thousandths, 500 to 999, from a result's
// standard errors: for one player on its own, not for all at once.
func Interval(r *Result, level int) ([]uint64, error) {
	if level < 500 || level > 999 {
		return nil, fmt.Errorf("level: %d thousandths is outside 500 to 999", level)
	}
	if r.Samples < 2 || len(r.StdErr) == 0 {
		return nil, fmt.Errorf("interval: a result of %s with %d samples has no standard errors", r.Estimator, r.Samples)
	}
	t := tQuantile(r.Samples-1, big.NewRat(int64(1000-level), 1000))
	half := make([]uint64, len(r.StdErr))
	for i, s := range r.StdErr {
		v := new(big.Rat).SetInt(new(big.Int).SetUint64(s))
		v.Mul(v, t)
		half[i] = RootUp(v.Mul(v, v))
	}
	return half, nil
}
