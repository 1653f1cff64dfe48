package round

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/verifyd/verifyd/shapley"
)

// MaxSurrogate bounds the players of a surrogate, which has a Hessian product for each.
const MaxSurrogate = 64

// Surrogate is the quadratic game nearest to a round's at w0: a control variate whose Shapley values are
// known, and who-meets-whom of the round. In units of 1e-9.
type Surrogate struct {
	// Own is what a player is worth alone, -(u_i.g + u_i.H.u_i/2).
	Own []int64
	// Pairs is half of what two players are worth together beyond what they are apart: -(u_i.H.u_j +
	// u_j.H.u_i)/4. It is symmetric, with a diagonal of zeros.
	Pairs [][]int64
}

// NewSurrogate computes the surrogate of the game of the loss with fixed weights, by one gradient and two
// for each player.
func NewSurrogate(ctx context.Context, r Round, o Options) (*Surrogate, error) {
	s, err := newSurrogate(ctx, &r, o)
	if err != nil {
		return nil, fmt.Errorf("round: surrogate: %w", err)
	}
	return s, nil
}

func newSurrogate(ctx context.Context, r *Round, o Options) (surrogate *Surrogate, err error) {
	n := len(r.Updates)
	if n > MaxSurrogate {
		return nil, fmt.Errorf("updates: %d players are outside 1 to %d", n, MaxSurrogate)
	}
	d, weights, err := startDiffer(r, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.close(ctx)) }()
	g, err := d.gradient(ctx, 0, nil)
	if err != nil {
		return nil, err
	}
	q := make([][]float64, n) // u_i.H.u_j at [j][i]
	for j, u := range r.Updates {
		h, err := d.hessian(ctx, u)
		if err != nil {
			return nil, err
		}
		q[j] = make([]float64, n)
		var group errgroup.Group
		group.SetLimit(d.threads)
		for i := range n {
			group.Go(func() error {
				q[j][i] = d.dot(weights[i], i, h) * float64(weights[j])
				return nil
			})
		}
		if err := group.Wait(); err != nil {
			return nil, err
		}
	}
	s := &Surrogate{Own: make([]int64, n), Pairs: make([][]int64, n)}
	for i := range n {
		if s.Own[i], err = units(-(d.dot(weights[i], i, g) + float64(q[i][i]*0.5))); err != nil {
			return nil, fmt.Errorf("player %d: %w", i, err)
		}
		s.Pairs[i] = make([]int64, n)
		for j := range i {
			if s.Pairs[i][j], err = units(-(q[i][j] + q[j][i]) * 0.25); err != nil {
				return nil, fmt.Errorf("players %d and %d: %w", j, i, err)
			}
			s.Pairs[j][i] = s.Pairs[i][j]
		}
	}
	return s, nil
}

// Players is the number of players.
func (s *Surrogate) Players() int { return len(s.Own) }

// Values are the exact Shapley values: what a player is worth alone, and its half of each pair.
func (s *Surrogate) Values() []int64 {
	phi := make([]int64, len(s.Own))
	for i, v := range s.Own {
		for _, p := range s.Pairs[i] {
			v += p
		}
		phi[i] = v
	}
	return phi
}

// Utilities sums the members' own worth and that of their pairs.
func (s *Surrogate) Utilities(_ context.Context, coalitions []shapley.Coalition, out []int64) error {
	var members []int
	for k, c := range coalitions {
		if len(c) != shapley.Words(len(s.Own)) {
			return fmt.Errorf("round: coalition %d: %d words given, %d needed", k, len(c), shapley.Words(len(s.Own)))
		}
		members = c.Members(members[:0])
		out[k] = 0
		for _, i := range members {
			out[k] += s.Own[i]
			for _, j := range members {
				out[k] += s.Pairs[i][j]
			}
		}
	}
	return nil
}
