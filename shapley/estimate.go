package shapley

import (
	"context"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// MaxBudget bounds the samples of a run.
const MaxBudget = 1 << 24

// Options choose an estimator and what it spends. All but Known, Record and Progress show in the result.
type Options struct {
	Estimator string // a name of Estimators
	// Budget is the number of samples, in the estimator's own unit: see Estimators. 0 where it takes none.
	Budget int
	Seed   Seed
	// Level is the confidence of the simultaneous intervals in thousandths, 500 to 999; 0 stands for 950.
	Level int
	// Target ends antithetic sampling before the budget once no half-width is above it (1e-9). It is looked
	// at after 8, 16, 32 ... pairs, and the k-th look has 2^-k of the error probability, so that stopping early
	// does not spoil the level. 0 spends the budget.
	Target uint64
	// Width makes the intervals of antithetic sampling empirical Bernstein bounds, which hold for marginals
	// between -Width/2 and Width/2 (1e-9, at most 2^50) of any distribution. 0 stands for t-intervals.
	Width uint64
	// Tolerance is where truncated estimators stop adding players: |U(N) - U(S)| at most this (1e-9).
	Tolerance uint64
	// Alpha and Beta are the parameters of beta values, 1 to 64: (1, 1) is Shapley, (16, 1) stresses small coalitions.
	Alpha, Beta int
	// Control is a game close to this one whose Shapley values are known; permutation and antithetic sampling
	// then only estimate the difference. A quadratic one changes nothing for pairs, which are exact on it.
	Control *Control

	// Known are the first utilities of an earlier run with the same game and options: they are not asked
	// for again. Record is called with each further stretch of utilities, in order.
	Known    []int64
	Record   func(utilities []int64) error
	Progress func(evaluations uint64)

	visit func(index uint64, c Coalition, utility int64)
}

// Control is a control variate: a game and its exact Shapley values in units of 1e-9.
type Control struct {
	Game   Game
	Values []*big.Rat
}

func (o Options) level() int {
	if o.Level == 0 {
		return 950
	}
	return o.Level
}

// Estimator describes one way to values.
type Estimator struct {
	Name   string
	Unit   string // what Budget counts; "" if it takes none
	Cost   string // evaluations, with n players and a budget B
	Axioms string // which hold with == in every run
	run    func(ctx context.Context, g Game, o Options) (*Result, error)
}

// Estimators lists the ways to values, in the order of their pages.
func Estimators() []Estimator {
	return []Estimator{
		{"exact", "", "2^n", "efficiency, null player, symmetry, linearity", exact},
		{"exact-banzhaf", "", "2^n", "null player, symmetry, linearity", exactBanzhaf},
		{"exact-beta", "", "2^n", "null player, symmetry, linearity", exactBeta},
		{"antithetic", "pairs of permutations", "2B(n-1)+2", "efficiency, null player, linearity; all for 2-additive games", antithetic},
		{"permutation", "permutations", "B(n-1)+2", "efficiency, null player, linearity", permutation},
		{"truncated", "permutations", "at most B(n-1)+2", "null player", truncated},
		{"gtg", "permutations", "at most B(n-1)+2", "null player", gtg},
		{"banzhaf", "coalitions", "B+2", "linearity", msrBanzhaf},
		{"beta", "permutations", "B(n-1)+2", "null player, linearity", beta},
		{"owen", "pairs of coalitions", "2B(n+1)+2", "null player, linearity", owen},
		{"stratified", "coalitions", "B+2n+2", "linearity", stratified},
		{"kernel", "pairs of coalitions", "2B+2", "efficiency, linearity", kernelSHAP},
		{"leverage", "pairs of coalitions", "2B+2", "efficiency, linearity", leverageSHAP},
		{"loo", "", "n+2", "null player, symmetry, linearity", leaveOneOut},
	}
}

// Estimate values the players of a game. The result depends on the game, the seed and the options
// alone. It fails on options that the estimator does not take, on utilities beyond MaxUtility, when the
// game fails, and when ctx ends; what Record was given by then resumes the run.
func Estimate(ctx context.Context, g Game, o Options) (*Result, error) {
	all := Estimators()
	at := slices.IndexFunc(all, func(e Estimator) bool { return e.Name == o.Estimator })
	if at < 0 {
		var names []string
		for _, e := range all {
			names = append(names, e.Name)
		}
		return nil, fmt.Errorf("estimator: %q is unknown: want one of %s", o.Estimator, strings.Join(names, ", "))
	}
	e := all[at]
	if l := o.level(); l < 500 || l > 999 {
		return nil, fmt.Errorf("level: %d thousandths is outside 500 to 999", l)
	}
	if e.Unit == "" && o.Budget != 0 {
		return nil, fmt.Errorf("%w: %s takes none, %d given", errBudget, e.Name, o.Budget)
	}
	if o.Width > 1<<50 {
		return nil, fmt.Errorf("width: %d is above %d", o.Width, uint64(1)<<50)
	}
	res, err := e.run(ctx, g, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.Name, err)
	}
	if uint64(len(o.Known)) > res.Evaluations {
		return nil, fmt.Errorf("%s: %d utilities known, %d asked for: they are another run's", e.Name, len(o.Known), res.Evaluations)
	}
	return res, nil
}
