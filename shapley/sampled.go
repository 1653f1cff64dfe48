package shapley

import (
	"context"
	"fmt"
	"math/big"
)

var banzhafRow = Estimator{
	Name: "banzhaf", Unit: Coalitions, Cost: "B+2", cost: func(_, b uint64) uint64 { return b + 2 }, run: msrBanzhaf, every: exactBanzhaf,
	Axioms: "linearity",
}

// msrBanzhaf is the Banzhaf value by maximum sample reuse (Wang and Jia, "Data Banzhaf", AISTATS 2023): each
// player joins each coalition with probability 1/2, and its value is the mean utility of the coalitions
// with it less that of those without it.
//
// Cost: B+2. Linearity holds with ==. Null players get noise, not 0: never pay on clipped values.
func msrBanzhaf(ctx context.Context, g Game, o Options) (*Result, error) {
	r, err := newRun(ctx, g, o, MaxPlayers)
	if err != nil {
		return nil, err
	}
	if err := r.budget(2, "coalitions"); err != nil {
		return nil, err
	}
	with, count := make([]sum128, r.n), make([]int64, r.n)
	var all sum128
	var members []int
	for lo := 0; lo < o.Budget; lo += askedAtOnce {
		coalitions := make([]Coalition, min(askedAtOnce, o.Budget-lo))
		for k := range coalitions {
			coalitions[k] = o.Seed.half(uint64(lo+k), r.n)
		}
		u, err := r.ask(ctx, coalitions...)
		if err != nil {
			return nil, err
		}
		for k, c := range coalitions {
			all.add(u[k])
			members = c.Members(members[:0])
			for _, i := range members {
				with[i].add(u[k])
				count[i]++
			}
		}
	}
	values := make([]*big.Rat, r.n)
	for i := range values {
		out := int64(o.Budget) - count[i]
		if count[i] == 0 || out == 0 {
			return nil, fmt.Errorf("%w: player %d is on one side in all of %d coalitions: more are needed", errBudget, i, o.Budget)
		}
		in := with[i].big()
		rest := new(big.Int).Sub(all.big(), in)
		values[i] = new(big.Rat).SetFrac(in, big.NewInt(count[i]))
		values[i].Sub(values[i], new(big.Rat).SetFrac(rest, big.NewInt(out)))
	}
	return r.result(values), nil
}

var owenRow = Estimator{
	Name: "owen", Unit: CoalitionPairs, Cost: "2B(n+1)+2", cost: func(n, b uint64) uint64 { return 2*b*(n+1) + 2 }, run: owen, every: exact,
	Axioms: "null player, linearity",
}

// owen integrates the multilinear extension (Owen 1972; Okhrati and Lipani, ICPR 2020): with q uniform on (0,1),
// the players below q join, and each player's marginal to the others of them is its sample. The
// complement of the coalition, at 1-q, is the antithetic half of a pair.
//
// Cost: 2B(n+1)+2. Unbiased, since q is drawn and no grid is laid; null players get exactly 0 and
// linearity holds with ==. A sample is the mean of a pair's two marginals.
func owen(ctx context.Context, g Game, o Options) (*Result, error) {
	r, err := newRun(ctx, g, o, MaxPlayers)
	if err != nil {
		return nil, err
	}
	if err := r.budget(2, "pairs of coalitions"); err != nil {
		return nil, err
	}
	two := big.NewInt(2)
	m := r.moments(two, two)
	sample := zeros(r.n)
	for p := range o.Budget {
		words := o.Seed.stream(forSubset, uint64(p))
		q := words.word()
		c, other := NewCoalition(r.n), Everyone(r.n)
		for i := range r.n {
			if words.word() < q {
				c.Add(i)
				other.Remove(i)
			}
		}
		for i := range sample {
			sample[i].SetInt64(0)
		}
		for _, half := range []Coalition{c, other} {
			if err := r.marginals(ctx, half, sample); err != nil {
				return nil, err
			}
		}
		m.add(sample)
	}
	return m.finish(o.level()), nil
}

// marginals adds to sums each player's marginal to the members of c other than itself.
func (r *run) marginals(ctx context.Context, c Coalition, sums []*big.Int) error {
	coalitions := make([]Coalition, 1, r.n+1)
	coalitions[0] = c
	for i := range r.n {
		d := c.Clone()
		d[i/64] ^= 1 << (i % 64)
		coalitions = append(coalitions, d)
	}
	u, err := r.ask(ctx, coalitions...)
	if err != nil {
		return err
	}
	for i, sum := range sums {
		d := u[1+i] - u[0]
		if c.Has(i) {
			d = -d
		}
		sum.Add(sum, big.NewInt(d))
	}
	return nil
}

var stratifiedRow = Estimator{
	Name: "stratified", Unit: Coalitions, Cost: "at most B+2n+2", cost: func(n, b uint64) uint64 { return b + 2*n + 2 }, run: stratified, every: exact,
	Axioms: "linearity",
}

// stratified is stratified SVARM (Kolpaczki, Bengs, Muschalik and Huellermeier, AAAI 2024) with exact border
// strata, the plus of SVARM+: coalitions of 1 and n-1 players are all evaluated, and each drawn
// coalition of another size enters the stratum of every player. It is the one to take for renormalised
// games, and far from the best for others.
//
// Cost: B+2n+2. Linearity holds with ==. Null players get noise and efficiency does not hold.
func stratified(ctx context.Context, g Game, o Options) (*Result, error) {
	r, err := newRun(ctx, g, o, MaxStratified)
	if err != nil {
		return nil, err
	}
	if err := r.budget(0, "coalitions"); err != nil {
		return nil, err
	}
	s := newMeans(r.n)
	s.add(NewCoalition(r.n), r.empty)
	s.add(Everyone(r.n), r.full)
	var border []Coalition
	for i := range r.n {
		c := NewCoalition(r.n)
		c.Add(i)
		border = append(border, c)
		if r.n > 2 {
			c = Everyone(r.n)
			c.Remove(i)
			border = append(border, c)
		}
	}
	if r.n == 1 {
		border = nil
	}
	if err := s.ask(ctx, r, border); err != nil {
		return nil, err
	}
	if r.n > 3 {
		for lo := 0; lo < o.Budget; lo += askedAtOnce {
			drawn := make([]Coalition, min(askedAtOnce, o.Budget-lo))
			for k := range drawn {
				index := uint64(lo + k)
				size := 2 + int(o.Seed.stream(forSize, index).below(uint64(r.n-3)))
				drawn[k] = o.Seed.ofSize(index, r.n, size)
			}
			if err := s.ask(ctx, r, drawn); err != nil {
				return nil, err
			}
		}
	}
	values, err := s.values()
	if err != nil {
		return nil, err
	}
	return r.result(values), nil
}

// MaxStratified bounds the players of stratified sampling, which keeps 2n^2 sums.
const MaxStratified = 1024

// means are the sums and counts of utilities by player, by whether it is a member, and by size.
type means struct {
	n     int
	sum   []sum128
	count []int64
}

func newMeans(n int) *means {
	return &means{n: n, sum: make([]sum128, 2*n*(n+1)), count: make([]int64, 2*n*(n+1))}
}

func (s *means) at(player, size int, member bool) int {
	k := (player*(s.n+1) + size) * 2
	if member {
		k++
	}
	return k
}

func (s *means) add(c Coalition, u int64) {
	size := c.Size()
	for i := range s.n {
		k := s.at(i, size, c.Has(i))
		s.sum[k].add(u)
		s.count[k]++
	}
}

func (s *means) ask(ctx context.Context, r *run, coalitions []Coalition) error {
	u, err := r.ask(ctx, coalitions...)
	for k := range u {
		s.add(coalitions[k], u[k])
	}
	return err
}

// values are 1/n of the sum over sizes of the mean with the player less the mean without it.
func (s *means) values() ([]*big.Rat, error) {
	values := make([]*big.Rat, s.n)
	for i := range values {
		v := new(big.Rat)
		for size := range s.n {
			in, out := s.at(i, size+1, true), s.at(i, size, false)
			if s.count[in] == 0 || s.count[out] == 0 {
				return nil, fmt.Errorf("%w: player %d has no coalition of some size: more are needed", errBudget, i)
			}
			v.Add(v, new(big.Rat).SetFrac(s.sum[in].big(), big.NewInt(s.count[in])))
			v.Sub(v, new(big.Rat).SetFrac(s.sum[out].big(), big.NewInt(s.count[out])))
		}
		values[i] = v.Mul(v, big.NewRat(1, int64(s.n)))
	}
	return values, nil
}
