package shapley

import (
	"context"
	"errors"
	"fmt"
	"math/big"
)

var antitheticRow = Estimator{
	Name: "antithetic", Unit: PermutationPairs, Cost: "2B(n-1)+2", cost: func(n, b uint64) uint64 { return 2*b*(n-1) + 2 }, run: antithetic, every: exact,
	Axioms: "efficiency, null player, linearity; all for 2-additive games", Control: true,
}

// antithetic is the mean marginal over pairs of a permutation and its reverse (Castro, Gomez and Tejada 2009
// for permutations; Mitchell, Cooper, Frank and Holmes, JMLR 2022, for pairs). A pair is exact for every
// 2-additive game, and so nearly exact for a smooth utility of a weighted sum.
//
// Cost: 2B(n-1)+2. Efficiency, null player and linearity hold with == in every run, symmetry in
// expectation. A sample is the mean of a pair's two marginals: pairs are independent, the halves of one are
// not. With a Control the axioms are those of the sum of both games.
func antithetic(ctx context.Context, g Game, o Options) (*Result, error) {
	r, err := newRun(ctx, g, o, MaxPlayers)
	if err != nil {
		return nil, err
	}
	if err := r.budget(1, "pairs"); err != nil {
		return nil, err
	}
	if err := o.Control.check(r.n); err != nil {
		return nil, err
	}
	two := big.NewInt(2)
	m := r.moments(two, two)
	sample := zeros(r.n)
	order, reverse := make([]int, r.n), make([]int, r.n)
	miss := big.NewRat(int64(1000-o.level()), 1000)
	look, share := int64(8), new(big.Rat).Mul(miss, big.NewRat(1, 2))
	for p := range o.Budget {
		o.Seed.permutation(uint64(p), order)
		for k, i := range order {
			reverse[r.n-1-k] = i
		}
		for i := range sample {
			sample[i].SetInt64(0)
		}
		for _, each := range [][]int{order, reverse} {
			marginals, err := r.walk(ctx, each)
			if err != nil {
				return nil, err
			}
			control, err := o.Control.walk(ctx, each)
			if err != nil {
				return nil, err
			}
			for i, d := range marginals {
				if control != nil {
					d -= control[i]
				}
				sample[i].Add(sample[i], big.NewInt(d))
			}
		}
		m.add(sample)
		if o.Target > 0 && (m.count == look || p == o.Budget-1) {
			res := r.result(o.Control.add(m.means()))
			m.intervals(res, share)
			if p == o.Budget-1 || res.Met() {
				return res, nil
			}
			look, share = 2*look, new(big.Rat).Mul(share, big.NewRat(1, 2))
		}
	}
	res := r.result(o.Control.add(m.means()))
	m.intervals(res, miss)
	return res, nil
}

var permutationRow = Estimator{
	Name: "permutation", Unit: Permutations, Cost: "B(n-1)+2", cost: perPermutation, run: permutation, every: exact,
	Axioms: "efficiency, null player, linearity", Control: true,
}

// permutation is the mean marginal over permutations (Castro, Gomez and Tejada 2009), for comparison with
// the literature: at the same cost its error on smooth games is 10 to 40 times that of antithetic.
//
// Cost: B(n-1)+2. Efficiency, null player and linearity hold with ==.
func permutation(ctx context.Context, g Game, o Options) (*Result, error) {
	r, err := newRun(ctx, g, o, MaxPlayers)
	if err != nil {
		return nil, err
	}
	if err := r.budget(1, "permutations"); err != nil {
		return nil, err
	}
	if err := o.Control.check(r.n); err != nil {
		return nil, err
	}
	one := big.NewInt(1)
	m := r.moments(one, one)
	sample, order := zeros(r.n), make([]int, r.n)
	for p := range o.Budget {
		o.Seed.permutation(uint64(p), order)
		marginals, err := r.walk(ctx, order)
		if err != nil {
			return nil, err
		}
		control, err := o.Control.walk(ctx, order)
		if err != nil {
			return nil, err
		}
		for i, d := range marginals {
			if control != nil {
				d -= control[i]
			}
			sample[i].SetInt64(d)
		}
		m.add(sample)
	}
	res := r.result(o.Control.add(m.means()))
	m.intervals(res, big.NewRat(int64(1000-o.level()), 1000))
	return res, nil
}

// perPermutation is the cost of as many walks as the budget.
func perPermutation(n, b uint64) uint64 { return b*(n-1) + 2 }

// walk is every player's marginal when they join in an order.
func (r *run) walk(ctx context.Context, order []int) ([]int64, error) {
	u, err := r.ask(ctx, prefixes(order)...)
	if err != nil {
		return nil, err
	}
	return differences(order, r.empty, append(u, r.full)), nil
}

// prefixes are the coalitions of the first 1 to n-1 players of an order.
func prefixes(order []int) []Coalition {
	n := len(order)
	all := make([]Coalition, 0, n)
	c := NewCoalition(n)
	for _, i := range order[:n-1] {
		c.Add(i)
		all = append(all, c.Clone())
	}
	return all
}

// differences are the marginals, by player, of an order whose prefixes have the utilities u.
func differences(order []int, empty int64, u []int64) []int64 {
	marginals := make([]int64, len(order))
	before := empty
	for k, i := range order {
		marginals[i] = u[k] - before
		before = u[k]
	}
	return marginals
}

// check refuses a control variate of another size.
func (c *Control) check(n int) error {
	if c == nil {
		return nil
	}
	if c.Game == nil || c.Game.Players() != n || len(c.Values) != n {
		return errors.New("control: its game or its values are not those of as many players")
	}
	return nil
}

// walk is the marginals of the control game in an order; nil without one.
func (c *Control) walk(ctx context.Context, order []int) ([]int64, error) {
	if c == nil {
		return nil, nil
	}
	n := len(order)
	coalitions := append(append([]Coalition{NewCoalition(n)}, prefixes(order)...), Everyone(n))
	u := make([]int64, n+1)
	if err := c.Game.Utilities(ctx, coalitions, u); err != nil {
		return nil, fmt.Errorf("control: %w", err)
	}
	for _, x := range u {
		if err := checkUtility(x); err != nil {
			return nil, fmt.Errorf("control: %w", err)
		}
	}
	return differences(order, u[0], u[1:]), nil
}

// add is the values with those of the control game on top.
func (c *Control) add(values []*big.Rat) []*big.Rat {
	if c != nil {
		for i, v := range values {
			v.Add(v, c.Values[i])
		}
	}
	return values
}
