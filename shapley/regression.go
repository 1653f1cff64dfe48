package shapley

import (
	"context"
	"fmt"
	"math/big"
)

// MaxRegression bounds the players of regression estimators, whose normal equations are solved in exact
// integers: O(n^3) operations on numbers of O(n) words.
const MaxRegression = 128

var kernelRow = Estimator{
	Name: "kernel", Unit: CoalitionPairs, Cost: "2B+2", cost: perPair, run: kernelSHAP, every: exact,
	Axioms: "efficiency, linearity",
}

// kernelSHAP is paired KernelSHAP (Lundberg and Lee, NeurIPS 2017; Covert and Lee, AISTATS 2021): coalitions
// drawn in proportion to the Shapley kernel, each with its complement, and an unweighted least-squares fit of
// an additive game that is held to U(N) - U(empty).
//
// Cost: 2B+2. Efficiency and linearity hold with ==. Null players get noise.
func kernelSHAP(ctx context.Context, g Game, o Options) (*Result, error) {
	return regress(ctx, g, o, func(n, s int) *big.Int { // C(n,s) draws of weight 1/(C(n,s) s (n-s))
		return kernelScale(n, s)
	}, func(_, _ int) *big.Int { return big.NewInt(1) })
}

var leverageRow = Estimator{
	Name: "leverage", Unit: CoalitionPairs, Cost: "2B+2", cost: perPair, run: leverageSHAP, every: exact,
	Axioms: "efficiency, linearity",
}

// leverageSHAP is Leverage SHAP (Musco and Witter, ICLR 2025): sizes are drawn uniformly, which makes the
// probability of a coalition its leverage score, and the fit weighs it by 1/(s(n-s)), which is the
// kernel over that probability.
//
// Cost: 2B+2. Efficiency and linearity hold with ==. Null players get noise.
func leverageSHAP(ctx context.Context, g Game, o Options) (*Result, error) {
	return regress(ctx, g, o, func(_, _ int) *big.Int { return big.NewInt(1) }, kernelScale)
}

// perPair is the cost of as many pairs as the budget.
func perPair(_, b uint64) uint64 { return 2*b + 2 }

// kernelScale is proportional to 1/(s(n-s)): lcm(1..n-1)^2 over it, small enough for 128 players.
func kernelScale(n, s int) *big.Int {
	l := big.NewInt(1)
	for k := 2; k < n; k++ {
		b := big.NewInt(int64(k))
		l.Mul(l, new(big.Int).Div(b, new(big.Int).GCD(nil, nil, l, b)))
	}
	l.Mul(l, l)
	return l.Div(l, big.NewInt(int64(s)*int64(n-s)))
}

// regress draws pairs whose size s has a probability proportional to drawn(n, s), and fits with weight(n, s).
func regress(ctx context.Context, g Game, o Options, drawn, weight func(n, s int) *big.Int) (*Result, error) {
	r, err := newRun(ctx, g, o, MaxRegression)
	if err != nil {
		return nil, err
	}
	if err := r.budget(1, "pairs of coalitions"); err != nil {
		return nil, err
	}
	if r.n == 1 {
		return r.result([]*big.Rat{big.NewRat(r.full-r.empty, 1)}), nil
	}
	sizes, weights := sizeDraw(r.n, drawn), make([]*big.Int, r.n)
	for s := 1; s < r.n; s++ {
		weights[s] = weight(r.n, s)
	}
	fit := newFit(r.n)
	for lo := 0; lo < o.Budget; lo += askedAtOnce / 2 {
		var coalitions []Coalition
		for p := lo; p < min(lo+askedAtOnce/2, o.Budget); p++ {
			size := sizes.draw(o.Seed.stream(forSize, uint64(p)))
			c := o.Seed.ofSize(uint64(p), r.n, size)
			other := Everyone(r.n)
			for k := range other {
				other[k] &^= c[k]
			}
			coalitions = append(coalitions, c, other)
		}
		u, err := r.ask(ctx, coalitions...)
		if err != nil {
			return nil, err
		}
		for k, c := range coalitions {
			fit.add(c, weights[c.Size()], u[k]-r.empty)
		}
	}
	values, err := fit.solve(r.full - r.empty)
	if err != nil {
		return nil, err
	}
	return r.result(values), nil
}

// sizes are cumulative probabilities of coalition sizes 1 to n-1, as thresholds of 63-bit words.
type sizes []uint64

func sizeDraw(n int, mass func(n, s int) *big.Int) sizes {
	total := new(big.Int)
	for s := 1; s < n; s++ {
		total.Add(total, mass(n, s))
	}
	up := new(big.Int)
	t := make(sizes, n)
	for s := 1; s < n; s++ {
		up.Add(up, mass(n, s))
		x := new(big.Int).Lsh(up, 63)
		t[s] = x.Div(x, total).Uint64()
	}
	return t
}

func (t sizes) draw(r *stream) int {
	x := r.long() >> 1
	s := 1
	for s < len(t)-1 && x >= t[s] {
		s++
	}
	return s
}

// fit is a weighted least-squares problem with integer entries: min sum w (1_S . phi - u)^2.
type fit struct {
	n       int
	a       [][]*big.Int // sum of w over the coalitions with both players
	b       []*big.Int   // sum of w u over the coalitions with the player
	members []int
}

func newFit(n int) *fit {
	f := &fit{n: n, b: zeros(n)}
	for range n {
		f.a = append(f.a, zeros(n))
	}
	return f
}

func (f *fit) add(c Coalition, w *big.Int, u int64) {
	f.members = c.Members(f.members[:0])
	wu := new(big.Int).Mul(w, big.NewInt(u))
	for _, i := range f.members {
		f.b[i].Add(f.b[i], wu)
		for _, j := range f.members {
			f.a[i][j].Add(f.a[i][j], w)
		}
	}
}

// solve minimises under the constraint that the values sum to total: the n+1 equations of the Lagrangian by
// fraction-free elimination (Bareiss 1968), every division exact.
func (f *fit) solve(total int64) ([]*big.Rat, error) {
	n := f.n + 1
	m := make([][]*big.Int, n)
	for i := range f.n {
		m[i] = append(append(m[i], f.a[i]...), big.NewInt(1), f.b[i])
	}
	for range f.n {
		m[f.n] = append(m[f.n], big.NewInt(1))
	}
	m[f.n] = append(m[f.n], big.NewInt(0), big.NewInt(total))
	before := big.NewInt(1)
	var t big.Int
	for k := range n {
		pivot := k
		for pivot < n && m[pivot][k].Sign() == 0 {
			pivot++
		}
		if pivot == n {
			return nil, fmt.Errorf("%w: the coalitions drawn do not tell all %d players apart: more are needed", errBudget, f.n)
		}
		m[k], m[pivot] = m[pivot], m[k]
		for i := range n {
			if i == k {
				continue
			}
			for j := n; j > k; j-- {
				x := new(big.Int).Mul(m[i][j], m[k][k])
				x.Sub(x, t.Mul(m[i][k], m[k][j]))
				m[i][j] = x.Quo(x, before)
			}
			if i < k { // its pivot grows as all rows do
				m[i][i] = m[k][k]
			}
			m[i][k] = new(big.Int)
		}
		before = m[k][k]
	}
	values := make([]*big.Rat, f.n)
	for i := range values {
		values[i] = new(big.Rat).SetFrac(m[i][n], m[i][i])
	}
	return values, nil
}
