package round

import (
	"context"
	"fmt"
	"math"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/program"
)

// gradientRows is how many validation rows one gradient spans; that of more is their weighted sum in
// binary64. It is part of the definition of SecondOrder.
const gradientRows = 1024

// reach is how far the difference quotient of gradients moves, as a share of the length of w0: 2^-8, the
// power of two nearest to the cube root of a float32's rounding, 2^-24. There the two errors meet: the
// quotient's own, which grows with the square of the step, and that of rounded gradients and parameters,
// which falls with it.
const reach = 0x1p-8

// differ computes gradients of the validation loss.
type differ struct {
	round    *Round
	layout   *layout
	cpu      *kernels.CPU
	machines map[int]*program.Machine // by rows
	graph    program.Graph
}

// newDiffer starts a team of threads. Dropout is off.
func newDiffer(r *Round, l *layout, o Options, threads int) (*differ, error) {
	cpu, err := kernels.NewCPU(kernels.Options{ISA: o.ISA, Threads: threads})
	if err != nil {
		return nil, err
	}
	d := &differ{round: r, layout: l, cpu: cpu, machines: map[int]*program.Machine{}}
	for _, w := range l.walked {
		n := w.Node
		if _, ok := n.Op.(program.Dropout); ok {
			n.Op = program.Dropout{}
		}
		d.graph.Nodes = append(d.graph.Nodes, n)
	}
	return d, nil
}

// gradient is the gradient of the mean loss at w0 + step*direction, w0 itself if direction is nil: each
// parameter is rounded to float32 before. It is one vector, parameter after parameter.
func (d *differ) gradient(ctx context.Context, step float32, direction [][]float32) ([]float64, error) {
	g := make([]float64, d.layout.elements())
	for lo := 0; lo < d.layout.rows; lo += gradientRows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n := min(gradientRows, d.layout.rows-lo)
		m, err := d.machine(n)
		if err != nil {
			return nil, err
		}
		for k, dst := range m.Tensors() {
			if direction == nil {
				copy(dst, d.round.Base[k])
				continue
			}
			fold(dst, d.round.Base[k], direction[k:k+1], []float32{step})
		}
		copyRows(m.X(), d.round.X, lo, n, d.layout.width)
		copyRows(m.Y(), d.round.Y, lo, n, d.layout.labels)
		if _, err := m.Gradients(0); err != nil {
			return nil, err
		}
		share, at := float64(n)/float64(d.layout.rows), 0
		for _, t := range m.Grads() {
			for e, v := range t {
				g[at+e] += float64(share * float64(v))
			}
			at += len(t)
		}
	}
	return g, nil
}

// machine is the machine for a number of rows.
func (d *differ) machine(rows int) (*program.Machine, error) {
	if m, ok := d.machines[rows]; ok {
		return m, nil
	}
	plan, err := evaluation(d.round.Program, d.graph, rows)
	if err != nil {
		return nil, err
	}
	m, err := program.NewMachine(plan, d.cpu, 0)
	if err == nil {
		d.machines[rows] = m
	}
	return m, err
}

// hessian is the product of the Hessian of the mean loss at w0 with a direction: the central difference
// (g(w0 + e*D) - g(w0 - e*D)) / 2e. e is the largest power of two, 2^-60 to 2^60, with which e*D is no
// longer than reach times w0, or than reach if w0 is 0. For a direction of nothing it is nothing.
func (d *differ) hessian(ctx context.Context, direction [][]float32) ([]float64, error) {
	length := math.Sqrt(squares(direction))
	if length == 0 {
		return make([]float64, d.layout.elements()), nil
	}
	limit := math.Sqrt(squares(d.round.Base))
	if limit == 0 {
		limit = 1
	}
	_, exp := math.Frexp(limit * reach / length) // 2^(exp-1) <= the quotient
	e := math.Ldexp(1, max(-60, min(exp-1, 60)))
	h, err := d.gradient(ctx, float32(e), direction)
	if err != nil {
		return nil, err
	}
	below, err := d.gradient(ctx, float32(-e), direction)
	if err != nil {
		return nil, err
	}
	for k, v := range below {
		h[k] = (h[k] - v) / (2 * e)
	}
	return h, nil
}

// Gradient is the gradient of the validation loss at w0, shaped as Base: what an update would be made of by
// somebody who knows the validation rows.
func Gradient(ctx context.Context, r Round, o Options) ([][]float32, error) {
	d, _, err := startDiffer(&r, o)
	if err != nil {
		return nil, fmt.Errorf("round: gradient: %w", err)
	}
	defer d.cpu.Close()
	v, err := d.gradient(ctx, 0, nil)
	if err != nil {
		return nil, fmt.Errorf("round: gradient: %w", err)
	}
	g := make([][]float32, len(d.layout.params))
	for k, p := range d.layout.params {
		g[k] = make([]float32, p.Len())
		for e := range g[k] {
			g[k][e] = float32(v[e])
		}
		v = v[len(g[k]):]
	}
	return g, nil
}
