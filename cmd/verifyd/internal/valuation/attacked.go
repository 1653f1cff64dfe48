package valuation

import (
	"context"

	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/shapley/robust"
	"github.com/verifyd/verifyd/shapley/round"
)

// The updates that are made of a round's validation rows for a simulation.
const (
	MadeLeak      = "leak"                 // down the gradient of their loss, as long as the attacker's own
	MadeSurrogate = "gaming the surrogate" // down the loss' most negative curvature, a hundred times as long
	products      = 30                     // Hessian products to look for that
	beyond        = 100
)

// Attacked is the simulation of a round whose validation rows the attacker knows.
func Attacked(ctx context.Context, r *round.Round, o round.Options, attacker, partner int, seed shapley.Seed) (*robust.Scenario, error) {
	played := func(updates [][][]float32, sizes []uint64) round.Round {
		again := *r
		again.Updates, again.Sizes = updates, sizes
		return again
	}
	s := &robust.Scenario{
		Updates: r.Updates, Sizes: r.Sizes, Attacker: attacker, Partner: partner, Seed: seed,
		Play: func(updates [][][]float32, sizes []uint64, prepared bool) (shapley.Game, error) {
			playing := o
			playing.Harmless = prepared
			return round.New(ctx, played(updates, sizes), playing)
		},
		Closed: func(updates [][][]float32, sizes []uint64) ([]int64, error) {
			second, err := round.SecondOrder(ctx, played(updates, sizes), o)
			if err != nil {
				return nil, err
			}
			return second.Values, nil
		},
	}
	var err error
	if s.Gradient, err = round.Gradient(ctx, *r, o); err != nil {
		return nil, err
	}
	down, err := round.Downward(ctx, *r, o, seed, products)
	if err != nil {
		return nil, err
	}
	own := r.Updates[attacker]
	s.Made = []robust.Made{
		{Name: MadeLeak, Update: robust.Along(s.Gradient, own, -1)},
		{Name: MadeSurrogate, Update: robust.Along(down.Direction, own, beyond)},
	}
	return s, nil
}
