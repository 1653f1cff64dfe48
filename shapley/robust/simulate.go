package robust

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/verifyd/verifyd/shapley"
)

// Scenario is an honest game of updates and who attacks it.
type Scenario struct {
	Updates  [][][]float32 // of each player, all of one shape
	Sizes    []uint64      // rows that each trained on
	Attacker int           // a player whose honest value is above 0
	Partner  int           // of the collusion; the attacker itself to leave that out
	// Gradient is the gradient of the validation loss, for an attacker who knows it; nil has those who need one do with noise.
	Gradient [][]float32
	Only     string       // attack to play; all of them if empty
	Made     []Made       // updates that the attacker may hand in besides
	Seed     shapley.Seed // of noise
	// Play makes the game of some updates and sizes, for instance round.New, which isolates what does harm where the round was prepared. A game
	// with a method Close is closed after its use.
	Play func(updates [][][]float32, sizes []uint64, prepared bool) (shapley.Game, error)
	// Closed is the closed form of the values, in 1e-9; nil if Second is not among the estimators.
	Closed func(updates [][][]float32, sizes []uint64) ([]int64, error)
}

// Made is an update that the attacker hands in in the place of its own, for its own rows.
type Made struct {
	Name   string
	Update [][]float32
}

// Second is the name, in the place of an estimator's, of the closed form that a scenario has.
const Second = "round2"

// Earned is what identities are worth.
type Earned struct {
	Values []*big.Int // of each identity, in whole units of 1e-9
	StdErr []uint64   // their standard errors; nil if there are none
	Mine   []int      // the attacker's, and in a collusion its partner's
	Rows   []uint64   // of each identity, as they were counted
}

// Sum is what the attacker's identities are worth together.
func (e *Earned) Sum() *big.Int {
	s := new(big.Int)
	for _, i := range e.Mine {
		s.Add(s, e.Values[i])
	}
	return s
}

// Outcome is what an attack brought under an estimator.
type Outcome struct {
	Attack    string
	Estimator string
	Prepared  bool // whether rows counted once and the round was that of Prepare, and the value of an owner split among its identities
	Honest    Earned
	Attacked  Earned
	// Gain is what the attacker is worth with the attack over what it is worth without: 1 is an attack that changes nothing. What
	// is paid for that is a policy's.
	Gain *big.Rat
}

// Way is an estimate, of the round as it comes or prepared.
type Way struct {
	shapley.Options
	Prepared bool
}

// Simulate plays every attack in every way. Nobody knows who the attacker's identities are: there is no roster. It fails if the attacker is worth
// nothing honestly, for then no gain means anything, and if a game or an estimate does. Where the closed form is beyond the scale of utilities
// there is no outcome of it.
func Simulate(ctx context.Context, s Scenario, ways []Way) ([]Outcome, error) {
	table, err := s.simulate(ctx, ways)
	if err != nil {
		return nil, fmt.Errorf("robust: simulate: %w", err)
	}
	return table, nil
}

func (s *Scenario) simulate(ctx context.Context, ways []Way) ([]Outcome, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	honest := make([]*Earned, len(ways))
	var table []Outcome
	for _, a := range s.attacks() {
		if s.Only != "" && a.name != s.Only {
			continue
		}
		attacked, before, after := a.play(s, s.honest())
		for k, w := range ways {
			var err error
			if honest[k] == nil {
				if honest[k], err = s.values(ctx, s.honest(), w); err != nil {
					return nil, fmt.Errorf("%s: honest: %w", w.Estimator, err)
				}
			}
			out := Outcome{Attack: a.name, Estimator: w.Estimator, Prepared: w.Prepared, Honest: *honest[k]}
			e, err := s.values(ctx, attacked, w)
			if w.Estimator == Second && errors.Is(err, shapley.ErrOverflow) {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", w.Estimator, a.name, err)
			}
			out.Attacked = *e
			out.Honest.Mine, out.Attacked.Mine = before, after
			if out.Honest.Sum().Sign() <= 0 {
				return nil, fmt.Errorf("%s: attacker: earns %v honestly, want above 0", w.Estimator, out.Honest.Sum())
			}
			out.Gain = new(big.Rat).SetFrac(out.Attacked.Sum(), out.Honest.Sum())
			table = append(table, out)
		}
	}
	return table, nil
}

func (s *Scenario) check() error {
	n := len(s.Updates)
	if n < 1 || n >= MaxPlayers-2 {
		return fmt.Errorf("players: %d is outside 1 to %d", n, MaxPlayers-3)
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
	all := slices.Clone(s.Updates)
	if s.Gradient != nil {
		all = append(all, s.Gradient)
	}
	_, err := lengths(context.Background(), all)
	return err
}

// honest is everybody as they are.
func (s *Scenario) honest() []identity {
	all := make([]identity, len(s.Updates))
	for i := range all {
		all[i] = identity{s.Updates[i], s.Sizes[i], i}
	}
	return all
}

// values are what all identities are worth.
func (s *Scenario) values(ctx context.Context, all []identity, w Way) (*Earned, error) {
	updates, sizes, sources := make([][][]float32, len(all)), make([]uint64, len(all)), make([]int, len(all))
	for i, p := range all {
		updates[i], sizes[i], sources[i] = p.update, p.size, p.source
	}
	if !w.Prepared {
		return s.estimate(ctx, updates, sizes, w)
	}
	once, err := Once(sources, sizes, func(player int) uint64 { return s.Sizes[player] })
	if err != nil {
		return nil, err
	}
	p, err := Prepare(ctx, updates, once, nil)
	if err != nil {
		return nil, err
	}
	e, err := s.estimate(ctx, p.Updates, p.Sizes, w)
	if err != nil {
		return nil, err
	}
	e.Rows = once
	e.Values, e.StdErr, err = p.Clusters.Divide(e.Values, e.StdErr, once)
	return e, err
}

func (s *Scenario) estimate(ctx context.Context, updates [][][]float32, sizes []uint64, w Way) (*Earned, error) {
	if w.Estimator == Second {
		if s.Closed == nil {
			return nil, errors.New("closed: missing")
		}
		closed, err := s.Closed(updates, sizes)
		e := &Earned{Rows: sizes}
		for _, v := range closed {
			e.Values = append(e.Values, big.NewInt(v))
		}
		return e, err
	}
	g, err := s.Play(updates, sizes, w.Prepared)
	if err != nil {
		return nil, err
	}
	if c, ok := g.(interface{ Close() }); ok {
		defer c.Close()
	}
	res, err := shapley.Estimate(ctx, g, w.Options)
	if err != nil {
		return nil, err
	}
	return &Earned{Values: res.Fixed(), StdErr: res.StdErr, Rows: sizes}, nil
}
