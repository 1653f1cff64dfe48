package shapley

import (
	"context"
	"math/big"
	"slices"
)

// A semivalue is given by its weights w[s] of a marginal to a coalition of s of the n-1 others, with
// sum C(n-1,s) w[s] = 1 (Dubey, Neyman and Weber, "Value theory without efficiency", 1981).

// shapleyWeights are 1 / (n C(n-1,s)).
func shapleyWeights(n int) []*big.Rat {
	w := make([]*big.Rat, n)
	for s := range w {
		c := new(big.Int).Binomial(int64(n-1), int64(s))
		w[s] = new(big.Rat).SetFrac(big.NewInt(1), c.Mul(c, big.NewInt(int64(n))))
	}
	return w
}

// banzhafWeights are 2^-(n-1).
func banzhafWeights(n int) []*big.Rat {
	w := make([]*big.Rat, n)
	for s := range w {
		w[s] = new(big.Rat).SetFrac(big.NewInt(1), new(big.Int).Lsh(big.NewInt(1), uint(n-1)))
	}
	return w
}

// betaWeights are those of Kwon and Zou, "Beta Shapley", AISTATS 2022, equation 5, divided by n:
//
//	w[s] = B(s + beta, n - 1 - s + alpha) / B(alpha, beta)
//
// with the rising factorials of alpha and beta in place of the beta functions.
func betaWeights(n, alpha, beta int) []*big.Rat {
	rising := func(x, k int) *big.Int { // x (x+1) ... (x+k-1)
		if k == 0 {
			return big.NewInt(1)
		}
		return new(big.Int).MulRange(int64(x), int64(x+k-1))
	}
	w := make([]*big.Rat, n)
	for s := range w {
		p := rising(beta, s)
		p.Mul(p, rising(alpha, n-1-s))
		w[s] = new(big.Rat).SetFrac(p, rising(alpha+beta, n-1))
	}
	return w
}

// MaxSemivalue bounds the players of sampled beta values, whose weights are exact.
const MaxSemivalue = 4096

var betaRow = Estimator{
	Name: "beta", Unit: Permutations, Cost: "B(n-1)+2", cost: perPermutation, run: beta, every: exactBeta,
	Axioms: "null player, linearity",
}

// beta is the Beta(alpha, beta) value from permutations: the player that joins s others counts
// n C(n-1,s) w[s] times. Cost: B(n-1)+2. Null players get exactly 0; efficiency does not hold, as for no
// semivalue but Shapley's.
func beta(ctx context.Context, g Game, o Options) (*Result, error) {
	if err := o.checkBeta(); err != nil {
		return nil, err
	}
	r, err := newRun(ctx, g, o, MaxSemivalue)
	if err != nil {
		return nil, err
	}
	if err := r.budget(2, "permutations"); err != nil {
		return nil, err
	}
	common := big.NewInt(1)
	weights := betaWeights(r.n, o.Alpha, o.Beta)
	for s, w := range weights {
		c := new(big.Int).Binomial(int64(r.n-1), int64(s))
		w.Mul(w, new(big.Rat).SetInt(c.Mul(c, big.NewInt(int64(r.n)))))
		g := new(big.Int).GCD(nil, nil, common, w.Denom())
		common.Mul(common, new(big.Int).Div(w.Denom(), g))
	}
	scaled := make([]*big.Int, r.n)
	for s, w := range weights {
		scaled[s] = new(big.Int).Div(common, w.Denom())
		scaled[s].Mul(scaled[s], w.Num())
	}
	m := r.moments(common, slices.MaxFunc(scaled, (*big.Int).Cmp))
	terms := zeros(r.n)
	order := make([]int, r.n)
	for p := range o.Budget {
		o.Seed.permutation(uint64(p), order)
		marginals, err := r.walk(ctx, order)
		if err != nil {
			return nil, err
		}
		for s, i := range order {
			terms[i].Mul(scaled[s], big.NewInt(marginals[i]))
		}
		m.add(terms)
	}
	return m.finish(o.level()), nil
}
