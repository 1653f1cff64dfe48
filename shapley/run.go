package shapley

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"

	"github.com/verifyd/verifyd/verify/merkle"
)

// run is one estimate under way. All utilities that an estimator needs are asked for here, in an order that
// game size, seed and options fix; that order is the transcript's.
type run struct {
	game Game
	n    int
	o    Options

	facts       Facts // of the game
	empty, full int64
	least, most int64 // utility
	asked       uint64
	atOnce      int // coalitions
	tree        merkle.Builder
}

// askedAtOnce is how many coalitions a game gets in a batch at most.
const askedAtOnce = 4096

// atOnce is how many coalitions a game gets in a batch, askedAtOnce or fewer. A game whose utilities take long says so by a method
// AtOnce: what is recorded is whole batches, and an interrupted run asks again for what was not.
func atOnce(g Game) int {
	if s, ok := g.(interface{ AtOnce() int }); ok {
		return max(1, min(s.AtOnce(), askedAtOnce))
	}
	return askedAtOnce
}

func newRun(ctx context.Context, g Game, o Options, limit int) (*run, error) {
	r := &run{game: g, n: g.Players(), o: o, facts: FactsOf(g), atOnce: atOnce(g), least: math.MaxInt64, most: math.MinInt64}
	if err := checkPlayers(r.n, limit); err != nil {
		return nil, err
	}
	if err := r.facts.check(r.n); err != nil {
		return nil, err
	}
	u, err := r.ask(ctx, NewCoalition(r.n), Everyone(r.n))
	if err != nil {
		return nil, err
	}
	r.empty, r.full = u[0], u[1]
	return r, nil
}

// ask is the utilities of the coalitions, which become the next leaves of the transcript. What a resumed
// run knows already is not computed again.
func (r *run) ask(ctx context.Context, coalitions ...Coalition) ([]int64, error) {
	out := make([]int64, len(coalitions))
	for lo := 0; lo < len(coalitions); lo += r.atOnce {
		hi := min(lo+r.atOnce, len(coalitions))
		if err := r.batch(ctx, coalitions[lo:hi], out[lo:hi]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (r *run) batch(ctx context.Context, coalitions []Coalition, out []int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	known := 0
	if left := uint64(len(r.o.Known)); r.asked < left {
		known = copy(out, r.o.Known[r.asked:])
	}
	if known < len(coalitions) {
		if err := r.game.Utilities(ctx, coalitions[known:], out[known:]); err != nil {
			return fmt.Errorf("utilities of coalitions %d to %d: %w", r.asked+uint64(known), r.asked+uint64(len(coalitions))-1, err)
		}
	}
	for k, u := range out {
		err := checkUtility(u)
		if err == nil {
			err = r.facts.hold(u)
		}
		if err != nil {
			return fmt.Errorf("coalition %d, of %d players: %w", r.asked+uint64(k), coalitions[k].Size(), err)
		}
		r.least, r.most = min(r.least, u), max(r.most, u)
	}
	if r.o.Record != nil && known < len(out) {
		if err := r.o.Record(out[known:]); err != nil {
			return fmt.Errorf("record utilities: %w", err)
		}
	}
	for k, c := range coalitions {
		r.tree.Append(LeafHash(r.asked+uint64(k), c, out[k]))
		if r.o.visit != nil {
			r.o.visit(r.asked+uint64(k), c, out[k])
		}
	}
	r.asked += uint64(len(coalitions))
	if r.o.Progress != nil {
		r.o.Progress(r.asked)
	}
	return nil
}

// LeafHash is the transcript's leaf of a utility: the Merkle leaf hash of "verifyd-utility/1\n", the index,
// the coalition's words and the utility, all 64 bits, low byte first.
func LeafHash(index uint64, c Coalition, utility int64) merkle.Hash {
	b := make([]byte, 0, 128)
	b = append(b, "verifyd-utility/1\n"...)
	b = binary.LittleEndian.AppendUint64(b, index)
	for _, w := range c {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	b = binary.LittleEndian.AppendUint64(b, uint64(utility))
	return merkle.LeafHash(b)
}

// exactly is the result of an estimator that leaves nothing to chance.
func (r *run) exactly(values []*big.Rat) *Result {
	res := r.result(values)
	res.Interval = IntervalExact
	return res
}

// result is the outcome so far with the values given, which it keeps, and without intervals.
func (r *run) result(values []*big.Rat) *Result {
	res := &Result{
		Version: ResultVersion, Estimator: r.o.Estimator, Players: r.n, Budget: r.o.Budget, Seed: r.o.Seed,
		Facts: r.facts, Sampled: r.o.Sampled, Target: r.o.Target, Tolerance: r.o.Tolerance, Alpha: r.o.Alpha, Beta: r.o.Beta,
		Level: r.o.level(), Interval: IntervalNone, Empty: r.empty, Full: r.full, Evaluations: r.asked, Transcript: r.tree.Root(),
	}
	residual := big.NewRat(r.full-r.empty, 1)
	for _, v := range values {
		residual.Sub(residual, v)
		res.Values = append(res.Values, Value{Numerator: v.Num(), Denominator: v.Denom()})
	}
	res.Residual = Value{Numerator: residual.Num(), Denominator: residual.Denom()}
	return res
}

var errBudget = errors.New("budget")

// budget refuses budgets outside low to MaxBudget.
func (r *run) budget(low int, of string) error {
	if r.o.Budget < low || r.o.Budget > MaxBudget {
		return fmt.Errorf("%w: %d %s is outside %d to %d", errBudget, r.o.Budget, of, low, MaxBudget)
	}
	return nil
}

// ratios is sums[i]/d for every player.
func ratios(sums []*big.Int, d *big.Int) []*big.Rat {
	v := make([]*big.Rat, len(sums))
	for i, s := range sums {
		v[i] = new(big.Rat).SetFrac(s, d)
	}
	return v
}

// zeros is n integers.
func zeros(n int) []*big.Int {
	v := make([]*big.Int, n)
	for i := range v {
		v[i] = new(big.Int)
	}
	return v
}
