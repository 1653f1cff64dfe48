package robust

import (
	"context"
	"errors"
	"fmt"
	"math/big"

	"github.com/verifyd/verifyd/shapley"
)

// Scenario is an honest game of updates and who attacks it.
type Scenario struct {
	Updates  [][][]float32 // of each player, all of one shape
	Sizes    []uint64      // rows that each trained on
	Attacker int           // a player whose honest value is above 0
	Partner  int           // of the collusion; the attacker itself to leave that out
	// Gradient is the gradient of the validation loss, for an attacker who knows it; nil leaves that out.
	Gradient [][]float32
	Seed     shapley.Seed // of noise
	// Play makes the game of some updates and sizes, for instance round.New. A game with a method Close
	// is closed after its use.
	Play func(updates [][][]float32, sizes []uint64) (shapley.Game, error)
	// Limits of the clusters; rows are taken as verified, so Overlap plays no part and is 0.
	Limits Limits
}

// Outcome is what an attack brought under an estimator.
type Outcome struct {
	Attack    string
	Estimator string
	Clustered bool // whether the game was that of clusters, and the value split inside
	// Honest is what the attacker earns without the attack, with its partner in a collusion, and
	// Attacked what all its identities earn with it: 1e-9 units of the game.
	Honest, Attacked *big.Rat
	// Gain is Attacked/Honest: 1 is an attack that changes nothing, less one that costs.
	Gain *big.Rat
	// Escaped is the most alike pair of players in different clusters, under the attack, if Clustered.
	Escaped Pair
}

// Simulate plays every attack under every estimator, first on the game itself and then on that of
// clusters: of each cluster the update of its lowest member with the rows that its members really have
// between them, its value in whole units split by size. It fails if the attacker earns nothing honestly, for then no
// gain means anything, and if a game or an estimate does.
func Simulate(ctx context.Context, s Scenario, estimators []shapley.Options) ([]Outcome, error) {
	table, err := s.simulate(ctx, estimators)
	if err != nil {
		return nil, fmt.Errorf("robust: simulate: %w", err)
	}
	return table, nil
}

func (s *Scenario) simulate(ctx context.Context, estimators []shapley.Options) ([]Outcome, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	honest := map[int][]*big.Rat{} // values, by estimator and whether clustered
	var table []Outcome
	for _, a := range s.attacks() {
		attacked, before, after := a.play(s, s.honest())
		for k := range 2 * len(estimators) {
			o, clustered := estimators[k/2], k%2 == 1
			if honest[k] == nil {
				var err error
				if honest[k], _, err = s.values(ctx, s.honest(), o, clustered); err != nil {
					return nil, fmt.Errorf("%s: honest: %w", o.Estimator, err)
				}
			}
			values, escaped, err := s.values(ctx, attacked, o, clustered)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", o.Estimator, a.name, err)
			}
			out := Outcome{Attack: a.name, Estimator: o.Estimator, Clustered: clustered,
				Honest: sum(honest[k], before), Attacked: sum(values, after), Escaped: escaped}
			if out.Honest.Sign() <= 0 {
				return nil, fmt.Errorf("%s: attacker: earns %s honestly, want above 0", o.Estimator, out.Honest.FloatString(0))
			}
			out.Gain = new(big.Rat).Quo(out.Attacked, out.Honest)
			table = append(table, out)
		}
	}
	return table, nil
}

// sum is that of some players' values.
func sum(values []*big.Rat, of []int) *big.Rat {
	s := new(big.Rat)
	for _, i := range of {
		s.Add(s, values[i])
	}
	return s
}

func (s *Scenario) check() error {
	n := len(s.Updates)
	if n < 1 || n >= MaxPlayers {
		return fmt.Errorf("players: %d is outside 1 to %d", n, MaxPlayers-1)
	}
	if len(s.Sizes) != n {
		return fmt.Errorf("sizes: %d given for %d players", len(s.Sizes), n)
	}
	if s.Attacker < 0 || s.Attacker >= n || s.Partner < 0 || s.Partner >= n {
		return fmt.Errorf("attacker, partner: %d and %d are outside 0 to %d", s.Attacker, s.Partner, n-1)
	}
	if s.Play == nil {
		return errors.New("play: missing")
	}
	if s.Limits.Overlap != 0 {
		return errors.New("limits: overlap is not simulated")
	}
	all := s.Updates
	if s.Gradient != nil {
		all = append(all[:n:n], s.Gradient)
	}
	_, err := lengths(context.Background(), all)
	return err
}

// honest is everybody as they are.
func (s *Scenario) honest() []identity {
	all := make([]identity, len(s.Updates))
	for i := range all {
		all[i] = identity{s.Updates[i], s.Sizes[i], s.Sizes[i]}
	}
	return all
}

// values are what all identities earn, and what escaped the clusters.
func (s *Scenario) values(ctx context.Context, all []identity, o shapley.Options, clustered bool) ([]*big.Rat, Pair, error) {
	updates, sizes := make([][][]float32, len(all)), make([]uint64, len(all))
	for i, p := range all {
		updates[i], sizes[i] = p.update, p.size
	}
	values := make([]*big.Rat, len(all))
	if !clustered {
		res, err := s.estimate(ctx, updates, sizes, o)
		if err != nil {
			return nil, Pair{}, err
		}
		for i, v := range res.Values {
			values[i] = v.Rat()
		}
		return values, Pair{A: -1, B: -1}, nil
	}
	c, err := New(ctx, updates, nil, s.Limits)
	if err != nil {
		return nil, Pair{}, err
	}
	played, weights := make([][][]float32, len(c.Members)), make([]uint64, len(c.Members))
	for k, m := range c.Members {
		played[k] = updates[m[0]]
		rows, largest := uint64(0), uint64(0)
		for _, i := range m {
			rows, largest = rows+all[i].own, max(largest, sizes[i])
		}
		weights[k] = max(rows, largest) // a copy alone in its cluster has the rows that it copied
	}
	res, err := s.estimate(ctx, played, weights, o)
	if err != nil {
		return nil, Pair{}, err
	}
	shares, err := c.Split(res.Fixed(), sizes)
	if err != nil {
		return nil, Pair{}, err
	}
	for i, v := range shares {
		values[i] = new(big.Rat).SetInt(v)
	}
	return values, c.Cosine, nil
}

func (s *Scenario) estimate(ctx context.Context, updates [][][]float32, sizes []uint64, o shapley.Options) (*shapley.Result, error) {
	g, err := s.Play(updates, sizes)
	if err != nil {
		return nil, err
	}
	if c, ok := g.(interface{ Close() }); ok {
		defer c.Close()
	}
	return shapley.Estimate(ctx, g, o)
}
