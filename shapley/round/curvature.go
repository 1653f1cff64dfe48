package round

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/verifyd/verifyd/shapley"
)

// Curvature is a direction in which the validation loss bends, at w0: what an update would be made of by somebody who is paid by
// SecondOrder, which takes the loss to go on bending for ever.
type Curvature struct {
	Direction [][]float32 // of length 1, shaped as Base, and not up the gradient
	Bend      float64     // second derivative of the loss along it
}

// Downward looks for the direction along which the loss bends down most, by power iterations of so many Hessian products each: first
// for the largest bend of either sign, then for the one farthest from it. The options are those of SecondOrder.
func Downward(ctx context.Context, r Round, o Options, seed shapley.Seed, steps int) (c *Curvature, err error) {
	d, _, err := startDiffer(&r, o)
	if err != nil {
		return nil, fmt.Errorf("round: curvature: %w", err)
	}
	defer func() { err = errors.Join(err, d.close(ctx)) }()
	c = new(Curvature)
	largest := 0.0
	for pass := range 2 {
		v := d.direction(seed, uint64(pass))
		for range steps {
			h, err := d.hessian(ctx, v)
			if err != nil {
				return nil, fmt.Errorf("round: curvature: %w", err)
			}
			c.Direction, c.Bend = v, d.dotAll(v, h)
			if v = d.next(v, h, float64(pass)*largest); v == nil {
				break
			}
		}
		if pass == 0 {
			largest = c.Bend
		}
	}
	g, err := d.gradient(ctx, 0, nil)
	if err != nil {
		return nil, fmt.Errorf("round: curvature: %w", err)
	}
	if d.dotAll(c.Direction, g) > 0 {
		for _, t := range c.Direction {
			for e := range t {
				t[e] = -t[e]
			}
		}
	}
	return c, nil
}

// direction is a random one of length 1.
func (d *differ) direction(seed shapley.Seed, index uint64) [][]float32 {
	words := make([]uint32, d.layout.elements())
	seed.Draws(index, 1<<24, words)
	v := make([]float64, len(words))
	for i, w := range words {
		v[i] = float64(w) - 1<<23
	}
	return d.next(nil, v, 0)
}

// next is h - shift*v, of length 1; nil if that is nothing.
func (d *differ) next(v [][]float32, h []float64, shift float64) [][]float32 {
	out, sum := make([]float64, len(h)), 0.0
	copy(out, h)
	at := 0
	for _, t := range v {
		for _, x := range t {
			out[at] -= float64(shift * float64(x))
			at++
		}
	}
	for _, x := range out {
		sum += float64(x * x)
	}
	if sum == 0 {
		return nil
	}
	length := math.Sqrt(sum)
	shaped := make([][]float32, len(d.layout.params))
	at = 0
	for k, p := range d.layout.params {
		shaped[k] = make([]float32, p.Len())
		for e := range shaped[k] {
			shaped[k][e] = float32(out[at] / length)
			at++
		}
	}
	return shaped
}

// dotAll is v.h, summed in the order of the parameters.
func (d *differ) dotAll(v [][]float32, h []float64) float64 {
	sum, at := 0.0, 0
	for _, t := range v {
		for _, x := range t {
			sum += float64(float64(x) * h[at])
			at++
		}
	}
	return sum
}
