package oracle

import (
	"fmt"
	"math"
	"slices"

	"github.com/verifyd/verifyd/verify/program"
)

// Slots are the tensors that an optimizer keeps for one parameter: SGD's momentum_buffer, or Adam's exp_avg
// and exp_avg_sq. Those of the other kind are nil.
type Slots struct {
	Momentum, Mean, Square []float64
}

// RuleOf is the optimizer that moves a parameter of a program, by its full name, and the schedule of its learning rate.
func RuleOf(p *program.Program, param string) (program.Optimizer, program.Schedule) {
	for _, g := range p.Groups {
		if slices.Contains(g.Params, param) {
			return g.Optimizer, g.Schedule
		}
	}
	return p.Optimizer, p.Schedule
}

// Step applies step t of an optimizer, counted from 0, to one parameter and its slots in place, in float64 and
// after the formulas of PyTorch's documentation. g is the gradient after clipping, rate the learning rate of the step.
func Step(o program.Optimizer, t uint64, rate float64, p, g []float64, s Slots) error {
	if len(g) != len(p) {
		return fmt.Errorf("gradient of %d elements for a parameter of %d", len(g), len(p))
	}
	switch o.Kind {
	case program.SGD:
		if o.Momentum != 0 && len(s.Momentum) != len(p) {
			return fmt.Errorf("momentum of %d elements for a parameter of %d", len(s.Momentum), len(p))
		}
		sgd(o, t, rate, p, g, s.Momentum)
	case program.Adam, program.AdamW:
		if len(s.Mean) != len(p) || len(s.Square) != len(p) {
			return fmt.Errorf("averages of %d and %d elements for a parameter of %d", len(s.Mean), len(s.Square), len(p))
		}
		adam(o, t, rate, p, g, s)
	default:
		return &UnsupportedError{What: "optimizer " + o.Kind}
	}
	return nil
}

func sgd(o program.Optimizer, t uint64, rate float64, p, g, momentum []float64) {
	for i := range p {
		d := g[i] + o.WeightDecay*p[i]
		if o.Momentum != 0 {
			if t == 0 {
				momentum[i] = d
			} else {
				momentum[i] = o.Momentum*momentum[i] + (1-o.Dampening)*d
			}
			if o.Nesterov {
				d += o.Momentum * momentum[i]
			} else {
				d = momentum[i]
			}
		}
		p[i] -= rate * d
	}
}

func adam(o program.Optimizer, t uint64, rate float64, p, g []float64, s Slots) {
	c1 := 1 - math.Pow(o.Beta1, float64(t+1))
	c2 := 1 - math.Pow(o.Beta2, float64(t+1))
	for i := range p {
		d := g[i]
		if o.Kind == program.AdamW {
			p[i] -= rate * o.WeightDecay * p[i]
		} else {
			d += o.WeightDecay * p[i]
		}
		s.Mean[i] = o.Beta1*s.Mean[i] + (1-o.Beta1)*d
		s.Square[i] = o.Beta2*s.Square[i] + (1-o.Beta2)*d*d
		p[i] -= rate * (s.Mean[i] / c1) / (math.Sqrt(s.Square[i]/c2) + o.Eps)
	}
}

// Clip scales gradients in place so that their global norm is at most limit, as PyTorch's clip_grad_norm_ does,
// and returns the norm before. A limit of 0 does not clip.
func Clip(grads [][]float64, limit float64) (norm float64) {
	for _, g := range grads {
		for _, v := range g {
			norm += v * v
		}
	}
	norm = math.Sqrt(norm)
	if coefficient := limit / (norm + 1e-6); limit > 0 && coefficient < 1 {
		for _, g := range grads {
			for i := range g {
				g[i] *= coefficient
			}
		}
	}
	return norm
}
