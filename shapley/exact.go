package shapley

import (
	"context"
	"fmt"
	"math"
	"math/big"
	"math/bits"
)

// MaxExact is the largest number of players whose coalitions are enumerated.
const MaxExact = 24

var exactRow = Estimator{
	Name: "exact", Unit: None, Cost: "2^n+2", cost: everyCoalition, run: exact,
	Axioms: "efficiency, null player, symmetry, linearity",
}

// exact is the Shapley value from the utilities of all 2^n coalitions. Transcript: the empty coalition,
// all players, then every coalition by the number whose bits are its members.
//
//	phi_i = sum over S without i of |S|! (n-|S|-1)! / n! * (U(S+i) - U(S))
//
// The denominators are divisors of lcm(1..n), since n*C(n-1,s) is. All four axioms hold with ==.
func exact(ctx context.Context, g Game, o Options) (*Result, error) {
	return enumerate(ctx, g, o, shapleyWeights)
}

var exactBanzhafRow = Estimator{
	Name: "exact-banzhaf", Unit: None, Cost: "2^n+2", cost: everyCoalition, run: exactBanzhaf,
	Axioms: "null player, symmetry, linearity",
}

// exactBanzhaf is the Banzhaf value from all coalitions: the mean marginal over the 2^(n-1) others.
func exactBanzhaf(ctx context.Context, g Game, o Options) (*Result, error) {
	return enumerate(ctx, g, o, banzhafWeights)
}

var exactBetaRow = Estimator{
	Name: "exact-beta", Unit: None, Cost: "2^n+2", cost: everyCoalition, run: exactBeta,
	Axioms: "null player, symmetry, linearity",
}

// exactBeta is the Beta(alpha, beta) value from all coalitions.
func exactBeta(ctx context.Context, g Game, o Options) (*Result, error) {
	if err := o.checkBeta(); err != nil {
		return nil, err
	}
	return enumerate(ctx, g, o, func(n int) []*big.Rat { return betaWeights(n, o.Alpha, o.Beta) })
}

// everyCoalition is the cost of enumerating. More players than MaxExact are refused.
func everyCoalition(n, _ uint64) uint64 {
	if n > MaxExact {
		return math.MaxUint64
	}
	return 1<<n + 2
}

// enumerate is the semivalue whose weight of a marginal to a coalition of s players is weights(n)[s].
func enumerate(ctx context.Context, g Game, o Options, weights func(n int) []*big.Rat) (*Result, error) {
	r, err := newRun(ctx, g, o, MaxExact)
	if err != nil {
		return nil, err
	}
	s := newStrata(r.n)
	masks := make([]uint64, 0, askedAtOnce)
	coalitions := make([]Coalition, 0, askedAtOnce)
	for m := range uint64(1) << r.n {
		masks = append(masks, m)
		coalitions = append(coalitions, masks[len(masks)-1:][:1:1])
		if len(masks) < askedAtOnce && m != 1<<r.n-1 {
			continue
		}
		u, err := r.ask(ctx, coalitions...)
		if err != nil {
			return nil, err
		}
		for k, mask := range masks {
			s.add(mask, u[k])
		}
		masks, coalitions = masks[:0], coalitions[:0]
	}
	return r.exactly(s.values(weights(r.n))), nil
}

// strata are sums of utilities by the coalition's size, of all coalitions and of those with each player.
type strata struct {
	n    int
	all  []sum128
	with []sum128 // of player i and size s at i*(n+1)+s
}

func newStrata(n int) *strata {
	return &strata{n: n, all: make([]sum128, n+1), with: make([]sum128, n*(n+1))}
}

func (s *strata) add(mask uint64, u int64) {
	size := bits.OnesCount64(mask)
	s.all[size].add(u)
	for m := mask; m != 0; m &= m - 1 {
		s.with[bits.TrailingZeros64(m)*(s.n+1)+size].add(u)
	}
}

// values weighs the marginals to coalitions of k players by w[k].
func (s *strata) values(w []*big.Rat) []*big.Rat {
	values := make([]*big.Rat, s.n)
	for i := range values {
		v := new(big.Rat)
		with := s.with[i*(s.n+1) : (i+1)*(s.n+1)]
		for k := range s.n {
			d := with[k+1].big() // the sum over coalitions S of k others of U(S+i) - U(S)
			d.Sub(d, s.all[k].big()).Add(d, with[k].big())
			v.Add(v, new(big.Rat).Mul(w[k], new(big.Rat).SetInt(d)))
		}
		values[i] = v
	}
	return values
}

// sum128 is a sum of utilities: 2^24 of them need 77 bits.
type sum128 struct{ hi, lo uint64 }

func (s *sum128) add(u int64) {
	var carry uint64
	s.lo, carry = bits.Add64(s.lo, uint64(u), 0)
	s.hi, _ = bits.Add64(s.hi, uint64(u>>63), carry)
}

func (s *sum128) big() *big.Int {
	b := big.NewInt(int64(s.hi))
	return b.Lsh(b, 64).Add(b, new(big.Int).SetUint64(s.lo))
}

// Values of a table's players under the Shapley value, without a transcript: what exact computes.
func (t Table) Values() []*big.Rat {
	s := newStrata(t.Players())
	for m, u := range t {
		s.add(uint64(m), u)
	}
	return s.values(shapleyWeights(s.n))
}

var looRow = Estimator{
	Name: "loo", Unit: None, Cost: "n+2", cost: func(n, _ uint64) uint64 { return n + 2 }, run: leaveOneOut,
	Axioms: "null player, symmetry, linearity",
}

// leaveOneOut is U(N) - U(N without i).
func leaveOneOut(ctx context.Context, g Game, o Options) (*Result, error) {
	r, err := newRun(ctx, g, o, MaxPlayers)
	if err != nil {
		return nil, err
	}
	values := make([]*big.Rat, r.n)
	for i := range r.n {
		c := Everyone(r.n)
		c.Remove(i)
		u, err := r.ask(ctx, c)
		if err != nil {
			return nil, err
		}
		values[i] = big.NewRat(r.full-u[0], 1)
	}
	return r.exactly(values), nil
}

func (o Options) checkBeta() error {
	if o.Alpha < 1 || o.Alpha > 64 || o.Beta < 1 || o.Beta > 64 {
		return fmt.Errorf("alpha, beta: %d, %d are outside 1 to 64", o.Alpha, o.Beta)
	}
	return nil
}
