package round

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/engine"
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

// differ computes gradients of the validation loss on a device.
type differ struct {
	round   *Round
	layout  *layout
	device  engine.Device
	threads int              // of this process
	models  map[int]*descent // by rows
	graph   program.Graph
}

// descent is a model in a device's memory.
type descent struct {
	tape    *program.Tape
	memory  engine.Memory
	routine int
	in      []uint32
	state   []float32 // of range State
	grads   []float32 // from the first gradient on
}

// newDiffer prepares gradients on the device. Dropout is off.
func newDiffer(r *Round, l *layout, device engine.Device) *differ {
	d := &differ{round: r, layout: l, device: device, threads: runtime.GOMAXPROCS(0), models: map[int]*descent{}}
	if cpu, ok := engine.Host(device); ok {
		d.threads = cpu.Threads()
	}
	for _, w := range l.walked {
		n := w.Node
		if _, ok := n.Op.(program.Dropout); ok {
			n.Op = program.Dropout{}
		}
		d.graph.Nodes = append(d.graph.Nodes, n)
	}
	return d
}

// close releases the device's memory.
func (d *differ) close(ctx context.Context) error {
	var err error
	for _, m := range d.models {
		err = errors.Join(err, m.memory.Close(context.WithoutCancel(ctx)))
	}
	return err
}

// gradient is the gradient of the mean loss at w0 + step*direction, w0 itself if direction is nil: each
// parameter is rounded to float32 before. It is one vector, parameter after parameter.
func (d *differ) gradient(ctx context.Context, step float32, direction [][]float32) ([]float64, error) {
	g := make([]float64, d.layout.elements())
	for lo := 0; lo < d.layout.rows; lo += gradientRows {
		n := min(gradientRows, d.layout.rows-lo)
		m, err := d.model(ctx, n)
		if err != nil {
			return nil, err
		}
		for k, r := range m.tape.Tensors {
			dst := m.state[r.Offset-m.tape.State.Offset:][:r.Words]
			if direction == nil {
				copy(dst, d.round.Base[k])
				continue
			}
			fold(dst, d.round.Base[k], direction[k:k+1], []float32{step})
		}
		x, y := rowsOf(d.round.X, lo, n, d.layout.width), rowsOf(d.round.Y, lo, n, d.layout.labels)
		if err := m.step(ctx, x, y); err != nil {
			return nil, err
		}
		share, at := float64(n)/float64(d.layout.rows), 0
		for _, r := range m.tape.Gradients {
			for e, v := range m.grads[r.Offset-m.tape.Gradients[0].Offset:][:r.Words] {
				g[at+e] += float64(share * float64(v))
			}
			at += r.Words
		}
	}
	return g, nil
}

// step computes the gradients of the parameters in m.state.
func (m *descent) step(ctx context.Context, x, y kernels.Buf) error {
	if err := m.tape.Fill(m.in, []kernels.Buf{x, y}, 0, 0); err != nil {
		return err
	}
	if err := m.memory.Write(ctx, m.tape.In.Offset, m.in); err != nil {
		return err
	}
	if err := m.memory.Write(ctx, m.tape.State.Offset, engine.Words(m.state)); err != nil {
		return err
	}
	if err := m.memory.Run(ctx, m.routine); err != nil {
		return err
	}
	return m.memory.Read(ctx, engine.Words(m.grads), m.tape.Gradients[0].Offset)
}

// rowsOf is n rows of width elements, from row lo on.
func rowsOf(b kernels.Buf, lo, n, width int) kernels.Buf {
	if b.I != nil {
		return kernels.Buf{I: b.I[lo*width : (lo+n)*width]}
	}
	return kernels.Buf{F: b.F[lo*width : (lo+n)*width]}
}

// model is the model for a number of rows.
func (d *differ) model(ctx context.Context, rows int) (*descent, error) {
	if m, ok := d.models[rows]; ok {
		return m, nil
	}
	plan, err := evaluation(d.round.Program, d.graph, rows)
	if err != nil {
		return nil, err
	}
	m := &descent{tape: plan.Tape(0)}
	last := m.tape.Gradients[len(m.tape.Gradients)-1]
	m.in, m.state = make([]uint32, m.tape.In.Words), make([]float32, m.tape.State.Words)
	m.grads = make([]float32, last.Offset+last.Words-m.tape.Gradients[0].Offset)
	if m.memory, err = d.device.Open(ctx, m.tape.Words); err != nil {
		return nil, err
	}
	d.models[rows] = m
	m.routine, err = m.memory.Record(ctx, m.tape.Backward())
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
func Gradient(ctx context.Context, r Round, o Options) (gradient [][]float32, err error) {
	d, _, err := startDiffer(&r, o)
	if err != nil {
		return nil, fmt.Errorf("round: gradient: %w", err)
	}
	defer func() { err = errors.Join(err, d.close(ctx)) }()
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
