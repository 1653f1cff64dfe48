package inrun

import (
	"errors"
	"math"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/program"
)

// reach is how far outputs are differenced, as a share of the length of w: 2^-12, the square root of a
// float32's rounding. The error of the quotient grows with the step, that of rounded outputs falls with it.
const reach = 0x1p-12

// newProbe allocates what differences need, for a step of so many rows.
func (a *Accumulator) newProbe(rows int) error {
	p := *a.config.Program
	p.Optimizer, p.ClipNorm = program.Optimizer{Kind: program.SGD}, 0
	plan, err := program.Compile(&p, a.config.Profile)
	if err != nil {
		return err
	}
	if a.probe, err = program.NewMachine(plan, a.config.Runner, a.config.Seed); err != nil {
		return err
	}
	a.outputs, a.slopes = make([]float32, rows*a.width), make([]float32, rows*a.width)
	if a.direction = a.validator.machine.Grads(); a.config.Order == 2 {
		a.direction = nil
		for _, t := range plan.Params() {
			a.direction = append(a.direction, make([]float32, t.Len()))
		}
	}
	return nil
}

// difference computes step t and leaves the rows' values in products, by a forward pass along the validation
// gradient.
func (a *Accumulator) difference(t uint64, m *program.Machine) (loss float32, err error) {
	loss, err = m.GradientsSeeing(t, func(i int, outputs, slopes []float32) {
		copy(a.outputs[i*len(outputs):], outputs)
		copy(a.slopes[i*len(slopes):], slopes)
	})
	if err != nil {
		return 0, err
	}
	rate, err := a.rate(t, m.Grads())
	if err != nil {
		return 0, err
	}
	share := rate // of the direction
	if a.config.Order == 2 {
		share = rate / 2
		if err := a.addAhead(m, float32(rate)); err != nil {
			return 0, err
		}
	}
	return loss, a.project(t, m, share)
}

// addAhead makes the direction the sum of the validation gradients at w and at w - rate*g.
func (a *Accumulator) addAhead(m *program.Machine, rate float32) error {
	v := a.validator.machine
	if err := copyTensors(a.config.Runner, a.direction, v.Grads()); err != nil {
		return err
	}
	if err := a.perturb(v.Tensors(), m.Tensors(), m.Grads(), rate); err != nil {
		return err
	}
	if _, err := v.Gradients(0); err != nil {
		return err
	}
	for k, d := range a.direction {
		if err := a.config.Runner.Run(kernels.Add{N: len(d)}, []kernels.Buf{{F: d}, {F: v.Grads()[k]}, {F: d}}); err != nil {
			return err
		}
	}
	return nil
}

// project leaves share * (d of the step's loss along the direction) in products, row by row.
func (a *Accumulator) project(t uint64, m *program.Machine, share float64) error {
	params := m.Tensors()[:len(a.direction)]
	e, err := a.reach(params)
	if err != nil {
		return err
	}
	if e == 0 {
		clear(a.products)
		return nil
	}
	if err := a.perturb(a.probe.Tensors(), params, a.direction, float32(-e)); err != nil {
		return err
	}
	copy(a.probe.X().F, m.X().F)
	copy(a.probe.X().I, m.X().I)
	scale := share / e // the quotient by a power of two is exact
	return a.probe.Forward(t, func(i int, moved []float32) {
		rows := len(moved) / a.width
		for r := range rows {
			at := (i*rows + r) * a.width
			a.products[i*rows+r] = scale * slope(a.slopes[at:at+a.width], moved[r*a.width:(r+1)*a.width], a.outputs[at:at+a.width])
		}
	})
}

// reach is the largest power of two, 2^-60 to 2^60, with which the direction is no longer than reach times
// w, or than reach if w is 0; 0 for a direction of nothing.
func (a *Accumulator) reach(params [][]float32) (float64, error) {
	length, _, err := a.norm(a.direction, 0)
	if err != nil || length == 0 {
		return 0, err
	}
	limit, _, err := a.norm(params, 0)
	if err != nil {
		return 0, err
	}
	if limit == 0 {
		limit = 1
	}
	q := float64(limit) * reach / float64(length)
	if !(q > 0 && q <= math.MaxFloat64) {
		return 0, errors.New("parameters or validation gradient: not finite")
	}
	_, exp := math.Frexp(q)
	return math.Ldexp(1, max(-60, min(exp-1, 60))), nil
}

// slope is the sum of d[e] * (y[e] - x[e]) in binary64, every operation rounded: term e goes to lane e%8
// from +0, and the lanes are folded by halves.
func slope(d, y, x []float32) float64 {
	var l [8]float64
	y, x = y[:len(d)], x[:len(d)]
	for e, v := range d {
		l[e&7] += float64(float64(v) * (float64(y[e]) - float64(x[e])))
	}
	return lanes(&l)
}

// lanes folds eight lanes by halves.
func lanes(l *[8]float64) float64 {
	for h := 4; h > 0; h >>= 1 {
		for k := range h {
			l[k] += l[k+h]
		}
	}
	return l[0]
}
