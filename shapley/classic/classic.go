package classic

import (
	"context"
	"fmt"
	"math/big"
	"math/bits"
	"slices"

	"github.com/verifyd/verifyd/shapley"
)

// Game is a game with its exact Shapley values, in the unit of its utilities.
type Game struct {
	shapley.Game
	Name   string
	Values []*big.Rat
}

// MaxPlayers bounds the games of this package, whose coalitions are one word.
const MaxPlayers = 64

// game wraps a utility of the members' bits.
func game(name string, values []*big.Rat, utility func(mask uint64) int64) Game {
	return Game{
		Game: shapley.Func{N: len(values), Utility: func(_ context.Context, c shapley.Coalition) (int64, error) {
			return utility(c[0]), nil
		}},
		Name: name, Values: values,
	}
}

// check refuses numbers of players that a word does not hold.
func check(n int) error {
	if n < 1 || n > MaxPlayers {
		return fmt.Errorf("players: %d is outside 1 to %d", n, MaxPlayers)
	}
	return nil
}

// Airport is the game of Littlechild and Owen (1973): a coalition needs the runway of its most demanding
// member. Player i pays for each stretch its share among those who need it:
// phi_i = sum over k <= c_i of (cost of stretch k) / #{j: c_j >= k}.
func Airport(costs []int64) (Game, error) {
	if err := check(len(costs)); err != nil {
		return Game{}, err
	}
	levels := slices.Compact(slices.Sorted(slices.Values(costs)))
	if levels[0] < 0 {
		return Game{}, fmt.Errorf("costs: %d is negative", levels[0])
	}
	values := make([]*big.Rat, len(costs))
	for i, c := range costs {
		v, before := new(big.Rat), int64(0)
		for _, l := range levels {
			if l > c {
				break
			}
			users := int64(0)
			for _, other := range costs {
				if other >= l {
					users++
				}
			}
			v.Add(v, big.NewRat(l-before, users))
			before = l
		}
		values[i] = v
	}
	return game("airport", values, func(mask uint64) int64 {
		most := int64(0)
		for ; mask != 0; mask &= mask - 1 {
			most = max(most, costs[bits.TrailingZeros64(mask)])
		}
		return most
	}), nil
}

// Voting is the symmetric game in which quota of n players win prize: 1/n of it each.
func Voting(n, quota int, prize int64) (Game, error) {
	if err := check(n); err != nil {
		return Game{}, err
	}
	if quota < 1 || quota > n {
		return Game{}, fmt.Errorf("quota: %d is outside 1 to %d", quota, n)
	}
	values := make([]*big.Rat, n)
	for i := range values {
		values[i] = big.NewRat(prize, int64(n))
	}
	return game("voting", values, func(mask uint64) int64 {
		if bits.OnesCount64(mask) < quota {
			return 0
		}
		return prize
	}), nil
}

// WeightedVoting is the game in which votes of quota or more win prize. Its values are counted: how many coalitions of each
// size and of each number of votes a player turns (Mann and Shapley 1962).
func WeightedVoting(votes []int, quota int, prize int64) (Game, error) {
	n, total := len(votes), 0
	if err := check(n); err != nil {
		return Game{}, err
	}
	for i, v := range votes {
		if v < 0 || v > 1<<16 {
			return Game{}, fmt.Errorf("votes[%d]: %d is outside 0 to %d", i, v, 1<<16)
		}
		total += v
	}
	if quota < 1 || quota > total {
		return Game{}, fmt.Errorf("quota: %d is outside 1 to %d", quota, total)
	}
	values := make([]*big.Rat, n)
	for i := range values {
		ways := make([][]int64, n) // of the others, by size and votes: below 2^63 for 64 players
		for s := range ways {
			ways[s] = make([]int64, quota)
		}
		ways[0][0] = 1
		for j, v := range votes {
			for s := n - 1; j != i && s > 0; s-- {
				for w := quota - 1; w >= v; w-- {
					ways[s][w] += ways[s-1][w-v]
				}
			}
		}
		values[i] = new(big.Rat)
		for s, by := range ways {
			turned := int64(0)
			for w := max(0, quota-votes[i]); w < quota; w++ {
				turned += by[w]
			}
			of := new(big.Int).Binomial(int64(n-1), int64(s))
			values[i].Add(values[i], new(big.Rat).SetFrac(big.NewInt(turned), of.Mul(of, big.NewInt(int64(n)))))
		}
		values[i].Mul(values[i], big.NewRat(prize, 1))
	}
	return game("weighted voting", values, func(mask uint64) int64 {
		sum := 0
		for ; mask != 0; mask &= mask - 1 {
			sum += votes[bits.TrailingZeros64(mask)]
		}
		if sum < quota {
			return 0
		}
		return prize
	}), nil
}

// Unanimity is the sum of games in which all members of a set together win its prize: every game is such a
// sum (Shapley 1953), and each prize is shared equally by its set.
func Unanimity(n int, sets []uint64, prizes []int64) (Game, error) {
	if err := check(n); err != nil {
		return Game{}, err
	}
	if len(sets) != len(prizes) {
		return Game{}, fmt.Errorf("unanimity: %d sets, %d prizes", len(sets), len(prizes))
	}
	values := make([]*big.Rat, n)
	for i := range values {
		values[i] = new(big.Rat)
	}
	for k, s := range sets {
		if s == 0 || n < 64 && s>>n != 0 {
			return Game{}, fmt.Errorf("sets[%d]: %#x is no set of some of %d players", k, s, n)
		}
		for m := s; m != 0; m &= m - 1 {
			v := values[bits.TrailingZeros64(m)]
			v.Add(v, big.NewRat(prizes[k], int64(bits.OnesCount64(s))))
		}
	}
	return game("unanimity", values, func(mask uint64) (u int64) {
		for k, s := range sets {
			if mask&s == s {
				u += prizes[k]
			}
		}
		return u
	}), nil
}

// SpanningTree is the minimum cost spanning tree game on the circle of n players round a source (Castro,
// Gomez and Tejada 2009): neighbours connect for near, everyone to the source for far >= near. A coalition
// pays far for every run of neighbours and near within it. By symmetry each value is
// ((n-1) near + far)/n.
func SpanningTree(n int, near, far int64) (Game, error) {
	if err := check(n); err != nil {
		return Game{}, err
	}
	if near < 0 || far < near || n < 3 {
		return Game{}, fmt.Errorf("spanning tree: %d players, costs %d and %d: want 3 players, 0 <= near <= far", n, near, far)
	}
	values := make([]*big.Rat, n)
	for i := range values {
		values[i] = big.NewRat(int64(n-1)*near+far, int64(n))
	}
	return game("spanning tree", values, func(mask uint64) int64 {
		size := int64(bits.OnesCount64(mask))
		if size == 0 {
			return 0
		}
		shifted := mask<<1 | mask>>(n-1)
		if n < 64 {
			shifted &= 1<<n - 1
		}
		runs := max(1, size-int64(bits.OnesCount64(mask&shifted)))
		return runs*far + (size-runs)*near
	}), nil
}

// Quadratic is U(S) = sum of b_i over S + sum of q_ij over pairs in S: phi_i = b_i + 1/2 sum_j q_ij. Of q
// (n x n) only the entries above the diagonal count.
func Quadratic(b []int64, q []int64) (Game, error) {
	n := len(b)
	if err := check(n); err != nil {
		return Game{}, err
	}
	if len(q) != n*n {
		return Game{}, fmt.Errorf("quadratic: %d interactions, %d needed", len(q), n*n)
	}
	values := make([]*big.Rat, n)
	for i := range values {
		values[i] = big.NewRat(b[i], 1)
	}
	for i := range n {
		for j := i + 1; j < n; j++ {
			half := big.NewRat(q[i*n+j], 2)
			values[i].Add(values[i], half)
			values[j].Add(values[j], half)
		}
	}
	return game("quadratic", values, func(mask uint64) (u int64) {
		for i := range n {
			if mask>>i&1 == 0 {
				continue
			}
			u += b[i]
			for j := i + 1; j < n; j++ {
				if mask>>j&1 != 0 {
					u += q[i*n+j]
				}
			}
		}
		return u
	}), nil
}
