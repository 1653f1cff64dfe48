package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/verifyd/verifyd/cgo"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/launch"
)

// card is a GPU that is measured: a stream, two events that take its time, and a graph for whatever is timed.
type card struct {
	device     *cgo.Device
	kernels    *cgo.Kernels
	stream     *cgo.Stream
	begin, end *cgo.Event
}

// openCard opens a GPU of this machine.
func openCard(ctx context.Context, options cgo.Options, ordinal int) (*card, error) {
	driver, err := cgo.Open(ctx, options)
	if err != nil {
		return nil, err
	}
	device, err := driver.OpenDevice(ctx, ordinal)
	if err != nil {
		return nil, err
	}
	c := &card{device: device}
	if err := c.prepare(); err != nil {
		return nil, errors.Join(err, device.Close(ctx))
	}
	return c, nil
}

func (c *card) prepare() (err error) {
	if c.kernels, err = cgo.NewKernels(c.device); err != nil {
		return err
	}
	if c.stream, err = c.device.NewStream(); err != nil {
		return err
	}
	if c.begin, err = c.device.NewEvent(); err != nil {
		return err
	}
	c.end, err = c.device.NewEvent()
	return err
}

// close releases all that was made from the device.
func (c *card) close(ctx context.Context) error { return c.device.Close(context.WithoutCancel(ctx)) }

// spareMemory is left to the driver, to graphs and to a peer that has nothing to do.
const spareMemory = 1 << 30

// limit is the memory that can be used now.
func (c *card) limit() (uint64, error) {
	unused, _, err := c.device.Memory()
	if err != nil {
		return 0, err
	}
	return unused - min(unused, spareMemory), nil
}

// field is device memory that tensors are taken from, one after another.
type field struct {
	card *card
	pool *cgo.Pool
}

func (c *card) newField() (*field, error) {
	limit, err := c.limit()
	if err != nil {
		return nil, err
	}
	return &field{c, c.device.NewPool(c.stream, limit)}, nil
}

func (f *field) close(ctx context.Context) error { return f.pool.Close(context.WithoutCancel(ctx)) }

// words takes memory of n words.
func (f *field) words(ctx context.Context, n int) (cgo.Buffer, error) {
	return f.pool.Alloc(ctx, 4*uint64(n))
}

// task is work that the card repeats.
type task struct {
	card  *card
	graph *cgo.Graph
	reps  int // of the work in the graph
}

// capture prepares enqueue, which it calls once to have every kernel compiled and then reps times to
// record it.
func (c *card) capture(ctx context.Context, reps int, enqueue func() error) (*task, error) {
	if err := enqueue(); err != nil {
		return nil, err
	}
	if err := c.stream.Wait(ctx); err != nil {
		return nil, err
	}
	graph, err := c.stream.Capture(ctx, func() error {
		for range reps {
			if err := enqueue(); err != nil {
				return err
			}
		}
		return nil
	})
	return &task{c, graph, reps}, err
}

// run is the time of one repetition: Device between events on the card, Wall from the call to its end.
func (t *task) run(ctx context.Context) (Sample, error) {
	c := t.card
	start := time.Now()
	cpu := processTime()
	if err := c.begin.Record(c.stream); err != nil {
		return Sample{}, err
	}
	if err := t.graph.Launch(ctx, c.stream); err != nil {
		return Sample{}, err
	}
	if err := c.end.Record(c.stream); err != nil {
		return Sample{}, err
	}
	if err := c.stream.Wait(ctx); err != nil {
		return Sample{}, err
	}
	s := Sample{Wall: time.Since(start), CPU: processTime() - cpu}
	var err error
	s.Device, err = c.end.Since(c.begin)
	n := time.Duration(t.reps)
	return Sample{Wall: s.Wall / n, CPU: s.CPU / n, Device: s.Device / n}, err
}

// contender is t as one side of a comparison. A run that does not count comes first: after the other side had
// the device, the first is slower.
func (t *task) contender(ctx context.Context, name string) Contender {
	return Contender{Name: name, Run: func() (Sample, error) {
		if _, err := t.run(ctx); err != nil {
			return Sample{}, err
		}
		return t.run(ctx)
	}}
}

func (t *task) close() error { return t.graph.Close() }

// operator enqueues op on operands of f, which it takes, fills with ordinary numbers and never returns.
func (f *field) operator(ctx context.Context, op kernels.Operator) (enqueue func() error, operands []cgo.Buffer, err error) {
	plan, err := launch.For(op)
	if err != nil {
		return nil, nil, err
	}
	for i, o := range op.Operands() {
		b, err := f.words(ctx, o.Len)
		if err != nil {
			return nil, nil, fmt.Errorf("%s, operand %s: %w", op.Name(), o.Name, err)
		}
		if o.Kind == kernels.I32 {
			err = f.card.stream.Fill(ctx, b, 1) // a label, an index, a counter: always allowed
		} else if err = f.draw(ctx, b, uint32(i)); err == nil && o.Name == "scalars" {
			err = f.card.stream.Upload(ctx, b, floats(scalars[:o.Len]))
		}
		if err != nil {
			return nil, nil, err
		}
		operands = append(operands, b)
	}
	workspace, err := f.words(ctx, plan.Workspace)
	if err != nil {
		return nil, nil, err
	}
	return func() error { return f.card.kernels.Enqueue(ctx, f.card.stream, plan, operands, workspace) }, operands, nil
}

// scalars are what an optimizer reads: for SGD its first ones, for Adam all.
var scalars = []float32{1e-3, 0.9, 0.1, 0.999, 1e-3, 10, 1000, 1e-8, 0.01}

// draw fills b with numbers in [0.5, 1).
func (f *field) draw(ctx context.Context, b cgo.Buffer, id uint32) error {
	rng, err := f.words(ctx, 4)
	if err != nil {
		return err
	}
	if err := f.card.stream.Fill(ctx, rng, 1); err != nil {
		return err
	}
	const most = 1 << 28 // words at once
	for at := uint64(0); at < b.Len(); at += 4 * most {
		n := min(4*most, b.Len()-at)
		part, err := b.Slice(at, n)
		if err != nil {
			return err
		}
		plan, err := launch.For(kernels.Uniform{N: int(n / 4), Lo: 0.5, Hi: 1, OpID: id})
		if err != nil {
			return err
		}
		if err := f.card.kernels.Enqueue(ctx, f.card.stream, plan, []cgo.Buffer{rng, part}, cgo.Buffer{}); err != nil {
			return err
		}
	}
	return f.pool.Free(rng)
}
