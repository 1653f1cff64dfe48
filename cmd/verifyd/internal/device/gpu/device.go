package gpu

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/verifyd/verifyd/cgo"
	"github.com/verifyd/verifyd/verify/engine"
)

// Options say which device to use and how long to wait for it.
type Options struct {
	Ordinal  int           // as nvidia-smi and CUDA_VISIBLE_DEVICES count, or Any
	Watchdog time.Duration // no single wait for the device is longer; 0 is two minutes
	Margin   time.Duration // on top of it, until a child that does not answer is killed; 0 is ten seconds
	Log      *slog.Logger  // of children that start and end; nil is none

	environment []string // of children, beside ours
}

func (o Options) withDefaults() Options {
	if o.Watchdog <= 0 {
		o.Watchdog = 2 * time.Minute
	}
	if o.Margin <= 0 {
		o.Margin = 10 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Device is a GPU behind a child process. It implements engine.Device. Engines that are started at once share
// the child, and the device, side by side.
type Device struct {
	opts Options
	info cgo.Info

	lock   chan struct{} // holds one value while what follows is in use
	child  *child        // the last one; nil if it is known to have ended
	closed bool
}

// Open starts a device's child. Its errors are of the classes of package cgo: ErrNoDriver and ErrNoDevice where
// there is nothing to use.
func Open(ctx context.Context, o Options) (*Device, error) {
	d := &Device{opts: o.withDefaults(), lock: make(chan struct{}, 1)}
	c, err := spawn(ctx, d.opts)
	if err != nil {
		return nil, err
	}
	d.child, d.info = c, c.info
	d.opts.Ordinal = c.info.Ordinal
	return d, nil
}

// Info describes the device.
func (d *Device) Info() cgo.Info { return d.info }

// Name is such as "cuda:0 NVIDIA H100 80GB HBM3, driver 12.4": the newest CUDA version that the driver serves.
func (d *Device) Name() string {
	return fmt.Sprintf("cuda:%d %s, driver %d.%d", d.info.Ordinal, d.info.Name, d.info.Driver/1000, d.info.Driver%1000/10)
}

// Path is the device's own identity: two GPUs are two.
func (d *Device) Path() string { return "cuda " + d.info.UUID }

// Start makes an engine in the child, and a child if the last one has ended.
func (d *Device) Start(ctx context.Context, s *engine.Spec) (engine.Engine, error) {
	return engine.NewAccelerated(ctx, s, d.Accelerator)
}

// Open reserves a memory in the child that runs operators.
func (d *Device) Open(ctx context.Context, words int) (engine.Memory, error) {
	return engine.NewMemory(ctx, words, d.Accelerator)
}

// Accelerator reserves a memory of so many words, all zero, in the child.
func (d *Device) Accelerator(ctx context.Context, words int) (engine.Accelerator, error) {
	c, err := d.serving(ctx)
	if err != nil {
		return nil, err
	}
	a, err := c.connect()
	if err != nil {
		return nil, err
	}
	if err := a.open(ctx, words); err != nil {
		a.conn.Close()
		return nil, err
	}
	return a, nil
}

// serving is a child that has not ended, as far as is known.
func (d *Device) serving(ctx context.Context) (*child, error) {
	select {
	case d.lock <- struct{}{}:
		defer func() { <-d.lock }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if d.closed {
		return nil, fail(cgo.ErrClosed, "%s", d.Name())
	}
	if d.child != nil {
		if !d.child.over() {
			return d.child, nil
		}
		// The device's memory is free once the process has ended.
		d.child.end()
		d.child = nil
	}
	c, err := spawn(ctx, d.opts)
	if err != nil {
		return nil, err
	}
	if c.info.UUID != d.info.UUID {
		c.end()
		return nil, fail(cgo.ErrNoDevice, "%s is now %s", d.Name(), c.info.Name)
	}
	d.child = c
	return c, nil
}

// Close ends the child and waits for it. Engines that are still open fail.
func (d *Device) Close() {
	d.lock <- struct{}{}
	defer func() { <-d.lock }()
	if d.child != nil {
		d.child.end()
	}
	d.child, d.closed = nil, true
}
