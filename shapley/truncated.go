package shapley

import (
	"context"
	"math/big"
)

var truncatedRow = Estimator{
	Name: "truncated", Unit: Permutations, Cost: "at most B(n-1)+2", cost: perPermutation, run: truncated, every: exact,
	Axioms: "null player",
}

// truncated is Monte Carlo with truncation, TMC-Shapley (Ghorbani and Zou, ICML 2019), for comparison with
// the literature: once a prefix is within Tolerance of the full utility, the players that follow get 0.
//
// Cost: at most B(n-1)+2. Null players get exactly 0. Efficiency is broken by what truncation leaves out, and
// the residual says by how much. There are standard errors and no intervals, which would know nothing of this bias.
func truncated(ctx context.Context, g Game, o Options) (*Result, error) {
	return truncatedBy(ctx, g, o, func(p int, order []int) { o.Seed.permutation(uint64(p), order) })
}

var gtgRow = Estimator{
	Name: "gtg", Unit: Permutations, Cost: "at most B(n-1)+2", cost: perPermutation, run: gtg, every: exact,
	Axioms: "null player",
}

// gtg is the sampling of GTG-Shapley (Liu, Chen, Chen, Zhu and Cui, ACM TIST 2022) within a round, for comparison: player p mod n
// comes first in permutation p, so that every player leads equally often, and prefixes within Tolerance
// of the full utility truncate. A round whose full utility is within Tolerance of the empty one is not
// sampled at all: all players get 0.
//
// Cost, axioms and bias as for truncated; a bias remains unless B is a multiple of n.
func gtg(ctx context.Context, g Game, o Options) (*Result, error) {
	return truncatedBy(ctx, g, o, func(p int, order []int) {
		o.Seed.permutation(uint64(p), order)
		lead := p % len(order)
		for k, i := range order {
			if i == lead {
				copy(order[1:k+1], order[:k])
				order[0] = lead
				return
			}
		}
	})
}

func truncatedBy(ctx context.Context, g Game, o Options, draw func(p int, order []int)) (*Result, error) {
	r, err := newRun(ctx, g, o, MaxPlayers)
	if err != nil {
		return nil, err
	}
	if err := r.budget(2, "permutations"); err != nil {
		return nil, err
	}
	one := big.NewInt(1)
	m := r.moments(one, one)
	sample, order := zeros(r.n), make([]int, r.n)
	for p := range o.Budget {
		for i := range sample {
			sample[i].SetInt64(0)
		}
		draw(p, order)
		c, before := NewCoalition(r.n), r.empty
		for k, i := range order {
			if r.close(before) {
				break
			}
			u := r.full
			if k < r.n-1 {
				c.Add(i)
				one, err := r.ask(ctx, c.Clone())
				if err != nil {
					return nil, err
				}
				u = one[0]
			}
			sample[i].SetInt64(u - before)
			before = u
		}
		m.add(sample)
	}
	res := r.result(m.means())
	m.deviations(res, big.NewRat(int64(1000-o.level()), 1000)) // no intervals: they would know nothing of the bias
	return res, nil
}

// close says whether a utility is within the tolerance of the full one.
func (r *run) close(u int64) bool {
	d := r.full - u
	if d < 0 {
		d = -d
	}
	return uint64(d) <= r.o.Tolerance
}
