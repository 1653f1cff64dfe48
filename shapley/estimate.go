package shapley

import (
	"context"
	"fmt"
	"math/big"
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
	// does not spoil the level. 0 spends the budget. Whether it was reached is Result.Met.
	Target uint64
	// Sampled has an estimator sample even where its budget covers all coalitions, for studies of estimators. Otherwise
	// they are all asked for, and the values are exact.
	Sampled bool
	// Tolerance is where truncated estimators stop adding players: |U(N) - U(S)| at most this (1e-9).
	Tolerance uint64
	// Alpha and Beta are the parameters of beta values, 1 to 64: (1, 1) is Shapley, (16, 1) stresses small coalitions.
	Alpha, Beta int
	// Control is a game close to this one whose Shapley values are known: estimators that take one only estimate the
	// difference. A quadratic one changes nothing for pairs, which are exact on it.
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

// Estimator describes one way to values. Its page declares it.
type Estimator struct {
	Name    string
	Unit    BudgetUnit // what Budget counts
	Cost    string     // evaluations, with n players and a budget B
	Axioms  string     // which hold with == in every run
	Control bool       // whether it takes a control variate

	cost func(n, b uint64) uint64 // Cost as a number
	run  func(ctx context.Context, g Game, o Options) (*Result, error)
	// every enumerates the value that is estimated; nil for estimators that leave nothing to chance.
	every func(ctx context.Context, g Game, o Options) (*Result, error)
}

// Enumerates says whether a budget covers all 2^n+2 utilities of n players, so that they are all asked for and the
// values are exact.
func (e Estimator) Enumerates(n, budget int) bool {
	return e.every != nil && n > 0 && budget > 0 && everyCoalition(uint64(n), 0) <= e.cost(uint64(n), uint64(budget))
}

// BudgetUnit is what a budget counts.
type BudgetUnit string

// The units.
const (
	None             BudgetUnit = "" // the estimator takes no budget
	Permutations     BudgetUnit = "permutations"
	PermutationPairs BudgetUnit = "pairs of permutations"
	Coalitions       BudgetUnit = "coalitions"
	CoalitionPairs   BudgetUnit = "pairs of coalitions"
)

// Estimators lists the ways to values.
func Estimators() []Estimator {
	return []Estimator{
		exactRow, exactBanzhafRow, exactBetaRow, antitheticRow, permutationRow, truncatedRow, gtgRow, banzhafRow, betaRow,
		owenRow, stratifiedRow, kernelRow, leverageRow, looRow,
	}
}

// Named is the estimator of a name.
func Named(name string) (Estimator, error) {
	var names []string
	for _, e := range Estimators() {
		if e.Name == name {
			return e, nil
		}
		names = append(names, e.Name)
	}
	return Estimator{}, fmt.Errorf("estimator: %.40q is unknown: want one of %s", name, strings.Join(names, ", "))
}

// Evaluations is how many utilities a run asks for at most: Cost of 1 to MaxPlayers players and a budget of 0
// to MaxBudget. It is 2^64-1 where the estimator refuses so many players for their cost.
func (e Estimator) Evaluations(players, budget int) uint64 {
	return e.cost(uint64(players), uint64(budget))
}

// Estimate values the players of a game. The result depends on the game, the seed and the options
// alone. It fails on options that the estimator does not take, on utilities beyond MaxUtility, when the
// game fails, and when ctx ends; what Record was given by then resumes the run.
func Estimate(ctx context.Context, g Game, o Options) (*Result, error) {
	e, err := Named(o.Estimator)
	if err != nil {
		return nil, err
	}
	if l := o.level(); l < 500 || l > 999 {
		return nil, fmt.Errorf("level: %d thousandths is outside 500 to 999", l)
	}
	if e.Unit == None && o.Budget != 0 {
		return nil, fmt.Errorf("%w: %s takes none, %d given", errBudget, e.Name, o.Budget)
	}
	if o.Control != nil && !e.Control {
		return nil, fmt.Errorf("control: %s takes none", e.Name)
	}
	run := e.run
	if !o.Sampled && o.Budget >= 0 && o.Budget <= MaxBudget && e.Enumerates(g.Players(), o.Budget) {
		run = e.every
	}
	res, err := run(ctx, g, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.Name, err)
	}
	if uint64(len(o.Known)) > res.Evaluations {
		return nil, fmt.Errorf("%s: %d utilities known, %d asked for: they are another run's", e.Name, len(o.Known), res.Evaluations)
	}
	return res, nil
}
