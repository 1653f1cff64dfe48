package shapley

import (
	"math/big"
)

// The intervals that a result may have.
const (
	// IntervalExact: every coalition was asked for, or the estimator leaves nothing to chance.
	IntervalExact = "exact"
	// IntervalBetting and IntervalBernstein hold for any game within its declared bounds and any number of samples.
	IntervalBetting   = "betting"
	IntervalBernstein = "bernstein"
	// IntervalStudent holds as the number of samples grows, and may not before it has seen what is rare.
	IntervalStudent = "student (asymptotic)"
	// IntervalNone: nothing is said of how far values are from the truth.
	IntervalNone = "none"
)

// moments are sums and sums of squares of independent samples of every player's value, as integers over a
// common denominator, with what intervals need besides.
type moments struct {
	run          *run
	d            *big.Int // the denominator
	weight       *big.Int // a sample is at most this times a difference of utilities
	reach        *big.Int // and lies between -reach and reach; nil if the game has no bounds
	count        int64
	sum, squares []*big.Int
	low, high    []*big.Int // the least and the largest sample
	keep         bool       // whether samples are kept: those of a game with bounds, unless there are too many
	kept         []float64  // sample after sample, from [-reach, reach] to [0, 1]
}

// moments of samples that are over d and at most weight times the difference of two utilities.
func (r *run) moments(d, weight *big.Int) *moments {
	m := &moments{run: r, d: d, weight: weight, sum: zeros(r.n), squares: zeros(r.n), low: zeros(r.n), high: zeros(r.n)}
	if b := r.facts.Bounds; b != nil && r.o.Control == nil {
		m.reach = new(big.Int).Mul(weight, big.NewInt(b.High-b.Low))
		m.keep = r.o.Budget <= MaxKept/r.n
	}
	return m
}

// add takes one sample.
func (m *moments) add(sample []*big.Int) {
	var sq big.Int
	for i, x := range sample {
		m.sum[i].Add(m.sum[i], x)
		m.squares[i].Add(m.squares[i], sq.Mul(x, x))
		if m.count == 0 || x.Cmp(m.low[i]) < 0 {
			m.low[i].Set(x)
		}
		if m.count == 0 || x.Cmp(m.high[i]) > 0 {
			m.high[i].Set(x)
		}
	}
	if m.keep {
		two := new(big.Int).Lsh(m.reach, 1)
		for _, x := range sample {
			m.kept = append(m.kept, quotient(new(big.Int).Add(x, m.reach), two))
		}
	}
	m.count++
}

// quotient is a/b within 2^-51 of it, 0 <= a <= b.
func quotient(a, b *big.Int) float64 {
	if b.IsInt64() {
		return float64(a.Int64()) / float64(b.Int64())
	}
	q, _ := new(big.Rat).SetFrac(a, b).Float64()
	return q
}

// variance is the estimated variance of player i's mean, (P sum x^2 - (sum x)^2) / (P^2 (P-1) d^2) for P > 1 samples,
// and no less than what P samples may have missed of it. With the probability tail, something that changes a
// sample happens in a share q = ln(1/tail)/P of the samples and in none of these (the rule of three, at 95 %):
// a change by r adds q r^2 to a sample's variance. r is the range of the player's samples and, where they are all the same
// but for the rounding of utilities, the largest that a sample can be: between the declared bounds, or
// between the utilities that the run has seen.
func (m *moments) variance(i int, tail *big.Rat) *big.Rat {
	p := big.NewInt(m.count)
	num := new(big.Int).Mul(p, m.squares[i])
	num.Sub(num, new(big.Int).Mul(m.sum[i], m.sum[i]))
	den := new(big.Int).Mul(p, p)
	den.Mul(den, big.NewInt(m.count-1)).Mul(den, m.d).Mul(den, m.d)
	v := new(big.Rat).SetFrac(num, den)

	r := new(big.Int).Sub(m.high[i], m.low[i])
	if r.Cmp(new(big.Int).Lsh(m.weight, 1)) <= 0 {
		if r = m.reach; r == nil {
			r = new(big.Int).Mul(m.weight, big.NewInt(m.run.most-m.run.least))
		}
	}
	x, _ := new(big.Rat).Inv(tail).Float64()
	q := new(big.Rat).Mul(logUp(x), big.NewRat(1, m.count))
	if q.Cmp(big.NewRat(1, 1)) > 0 {
		q.SetInt64(1)
	}
	least := new(big.Rat).SetFrac(new(big.Int).Mul(r, r), new(big.Int).Mul(p, new(big.Int).Mul(m.d, m.d)))
	if least.Mul(least, q).Cmp(v) > 0 {
		return least
	}
	return v
}

// means are the sums over count*d.
func (m *moments) means() []*big.Rat {
	return ratios(m.sum, new(big.Int).Mul(m.d, big.NewInt(m.count)))
}

// finish is the result with the means as values, and intervals for all players at once.
func (m *moments) finish(level int) *Result {
	res := m.run.result(m.means())
	m.intervals(res, big.NewRat(int64(1000-level), 1000))
	return res
}

// intervals enters standard errors, and half-widths that hold for all players at once but with the probability
// miss, each with an equal share of it (Bonferroni), null players aside. Which they are does not depend on the sample: betting
// intervals for a game with bounds, empirical Bernstein bounds where that would keep more than MaxKept samples, and
// t-intervals for a game without. One sample has none.
func (m *moments) intervals(res *Result, miss *big.Rat) {
	tail := m.deviations(res, miss)
	if tail == nil {
		return
	}
	n := len(m.sum)
	res.HalfWidth = make([]uint64, n)
	half := m.student
	switch {
	case m.keep:
		res.Interval, half = IntervalBetting, m.betting
	case m.reach != nil:
		res.Interval, half = IntervalBernstein, m.bernstein
	default:
		res.Interval = IntervalStudent
	}
	of := half(tail)
	for i := range n {
		if !m.null(i) {
			res.HalfWidth[i] = max(1, of(i))
		}
	}
}

// deviations enters standard errors, and is each player's share of miss; nil of one sample.
func (m *moments) deviations(res *Result, miss *big.Rat) (tail *big.Rat) {
	res.Samples, res.Interval = int(m.count), IntervalNone
	if m.count < 2 {
		return nil
	}
	live := int64(0)
	for i := range m.sum {
		if !m.null(i) {
			live++
		}
	}
	tail = new(big.Rat).Quo(miss, big.NewRat(max(1, live), 1))
	res.StdErr = make([]uint64, len(m.sum))
	for i := range m.sum {
		if !m.null(i) {
			res.StdErr[i] = max(1, RootUp(m.variance(i, tail)))
		}
	}
	return tail
}

// null says whether a player is declared to change nothing, and has changed nothing.
func (m *moments) null(i int) bool {
	return m.run.facts.null(i) && m.low[i].Sign() == 0 && m.high[i].Sign() == 0
}

// student is t sqrt(v), t the quantile of Student's distribution and v the variance of the mean with its floor.
func (m *moments) student(tail *big.Rat) func(i int) uint64 {
	t := tQuantile(int(m.count-1), tail)
	t.Mul(t, t)
	return func(i int) uint64 { return RootUp(new(big.Rat).Mul(m.variance(i, tail), t)) }
}

// betting is the larger distance of the mean from the ends of its betting interval.
func (m *moments) betting(tail *big.Rat) func(i int) uint64 {
	stake, _ := new(big.Rat).Quo(big.NewRat(2, 1), tail).Float64()
	l, _ := logUp(stake).Float64()
	x := make([]float64, m.count)
	full := new(big.Rat).SetFrac(new(big.Int).Lsh(m.reach, 1), m.d)
	return func(i int) uint64 {
		for t := range x {
			x[t] = m.kept[t*len(m.sum)+i]
		}
		low, high := betting(x, stake, l)
		at := new(big.Rat).SetFrac(m.sum[i], new(big.Int).Mul(m.d, big.NewInt(m.count)))
		at.Quo(at, full).Add(at, big.NewRat(1, 2)) // the mean, on [0, 1]
		down := new(big.Rat).Sub(at, new(big.Rat).SetFloat64(low))
		up := new(big.Rat).Sub(new(big.Rat).SetFloat64(high), at)
		if up.Cmp(down) < 0 {
			up = down
		}
		up.Add(up, big.NewRat(1, 1<<50)) // for the rounding of samples
		return ceil(up.Mul(up, full))
	}
}

// bernstein is the half-width of empirical Bernstein bounds (Maurer and Pontil, COLT 2009, theorem 4, on both sides):
//
//	sqrt(2 v L) + 7 w L / (3 (P-1)),  v the variance of the mean, w the range of a sample, L = ln(4/tail)
func (m *moments) bernstein(tail *big.Rat) func(i int) uint64 {
	x, _ := new(big.Rat).Quo(big.NewRat(4, 1), tail).Float64()
	l := logUp(x)
	far := new(big.Rat).SetFrac(new(big.Int).Lsh(m.reach, 1), m.d)
	far.Mul(far, l).Mul(far, big.NewRat(7, 3*(m.count-1)))
	reach := ceil(far)
	return func(i int) uint64 {
		v := m.variance(i, tail)
		return RootUp(v.Mul(v, l).Mul(v, big.NewRat(2, 1))) + reach
	}
}

// ceil is the least integer that is at least x, and at most 2^62.
func ceil(x *big.Rat) uint64 {
	q := new(big.Int).Add(x.Num(), new(big.Int).Sub(x.Denom(), big.NewInt(1)))
	if q.Div(q, x.Denom()); q.BitLen() > 62 {
		return 1 << 62
	}
	return q.Uint64()
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
