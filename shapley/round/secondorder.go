package round

import (
	"context"
	"errors"
	"fmt"
	"math"

	"golang.org/x/sync/errgroup"

	"github.com/verifyd/verifyd/shapley"
)

// Second is the closed form of a round's values.
type Second struct {
	// Values are the Shapley values of the second-order surrogate of the game, in units of 1e-9:
	// -(u_i.g + u_i.H.D/2) rounded half to even, with u_i = a_i*d_i, D the sum of all u_j, and g and H
	// the gradient and Hessian of the validation loss at w0.
	Values []int64
	// First are the values of the first-order surrogate, -u_i.g.
	First []int64
	// Everyone is the surrogate's utility of all players: exactly the sum of Values.
	Everyone int64
}

// Gap is what the surrogate leaves unexplained: the utility of all players in the game of the loss, less
// that of the surrogate. It costs one evaluation, and tells how far to trust the values: gaps of a few
// percent went with errors of as much.
func (s *Second) Gap(ctx context.Context, g shapley.Game) (int64, error) {
	if g.Players() != len(s.Values) {
		return 0, fmt.Errorf("round: %d players, the values are of %d", g.Players(), len(s.Values))
	}
	u := make([]int64, 1)
	err := g.Utilities(ctx, []shapley.Coalition{shapley.Everyone(g.Players())}, u)
	return u[0] - s.Everyone, err
}

// SecondOrder computes the closed form for the game of the loss with fixed weights: with U nearly
// quadratic in the sum of the updates, the Shapley value of player i is -(u_i.g + u_i.H.D/2), in the
// first order the value of DIG-FL (Wang et al., ICDE 2022). It evaluates no coalition: its cost is three gradients on
// the validation rows and one dot product a player. The Hessian product is a central difference of the
// program's gradients. Dot products are sums in binary64 in a fixed order, so the values are the same on
// every machine. A player without an update has exactly 0; two halves of a player have what it has, but
// for rounding. Of the options it reads Device, and it refuses Accuracy and Renormalised.
func SecondOrder(ctx context.Context, r Round, o Options) (*Second, error) {
	s, err := secondOrder(ctx, &r, o)
	if err != nil {
		return nil, fmt.Errorf("round: second order: %w", err)
	}
	return s, nil
}

func secondOrder(ctx context.Context, r *Round, o Options) (second *Second, err error) {
	d, weights, err := startDiffer(r, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.close(ctx)) }()
	g, err := d.gradient(ctx, 0, nil)
	if err != nil {
		return nil, err
	}
	h, err := d.hessian(ctx, d.sum(weights))
	if err != nil {
		return nil, err
	}
	for k, v := range g {
		h[k] = v + h[k]*0.5 // the half is exact
	}
	n := len(weights)
	s := &Second{Values: make([]int64, n), First: make([]int64, n)}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(d.threads)
	for i := range n {
		group.Go(func() (err error) {
			if err := ctx.Err(); err != nil {
				return err
			}
			if s.First[i], err = units(-d.dot(weights[i], i, g)); err == nil {
				s.Values[i], err = units(-d.dot(weights[i], i, h))
			}
			if err != nil {
				return fmt.Errorf("player %d: %w", i, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for _, v := range s.Values {
		if s.Everyone += v; s.Everyone > shapley.MaxUtility || s.Everyone < -shapley.MaxUtility {
			return nil, fmt.Errorf("everyone: %w", shapley.ErrOverflow)
		}
	}
	return s, nil
}

// startDiffer checks the round and the options.
func startDiffer(r *Round, o Options) (*differ, []float32, error) {
	if o.Utility != Loss || o.Renormalised {
		return nil, nil, fmt.Errorf("options: the surrogate is of the loss with fixed weights")
	}
	if o.Device == nil {
		return nil, nil, errNoDevice
	}
	l, err := r.check()
	if err != nil {
		return nil, nil, err
	}
	weights, err := r.weights()
	if err != nil {
		return nil, nil, err
	}
	return newDiffer(r, l, o.Device), weights, nil
}

// sum is D, folded in float32 from +0 in the order of the players.
func (d *differ) sum(weights []float32) [][]float32 {
	all := make([][]float32, len(d.layout.params))
	terms := make([][]float32, len(weights))
	for k, p := range d.layout.params {
		for i, u := range d.round.Updates {
			terms[i] = u[k]
		}
		all[k] = make([]float32, p.Len())
		fold(all[k], make([]float32, p.Len()), terms, weights)
	}
	return all
}

// dot is u_i.v: the sum over the parameters in their order.
func (d *differ) dot(weight float32, i int, v []float64) float64 {
	sum := 0.0
	for _, t := range d.round.Updates[i] {
		sum += dot(weight, t, v[:len(t)])
		v = v[len(t):]
	}
	return sum
}

// units is x in units of 1e-9, rounded half to even.
func units(x float64) (int64, error) {
	u := math.RoundToEven(x * shapley.Unit)
	if !(math.Abs(u) <= shapley.MaxUtility) {
		return 0, fmt.Errorf("%w: %v", shapley.ErrOverflow, x)
	}
	return int64(u), nil
}
