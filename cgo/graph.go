//go:build cgo && linux

package cgo

// #include "library.h"
import "C"

import (
	"context"
	"errors"
	"fmt"
	"runtime"
)

// Graph is captured work, ready to be launched whole: one crossing into the driver for a step of
// hundreds of kernels. The addresses and scalars are those of the capture.
type Graph struct {
	device *Device
	exec   C.CUgraphExec
	nodes  int
}

// Capture records what enqueue puts on the stream instead of running it. enqueue must not wait,
// allocate or transfer Go memory, and must not start goroutines that use the device. The goroutine
// stays on one thread meanwhile, because the driver binds a capture to it.
func (s *Stream) Capture(ctx context.Context, enqueue func() error) (*Graph, error) {
	g := s.device
	if err := g.usable(); err != nil {
		return nil, err
	}
	if s.capturing {
		return nil, fail(ErrInvalid, "cuStreamBeginCapture_v2", "the stream is being captured")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	graph, err := s.record(enqueue)
	if graph == nil {
		return nil, fmt.Errorf("capture: %w", err)
	}
	c := &capture{device: g, graph: graph}
	g.own(c)
	var exec *Graph
	if err == nil {
		exec, err = c.instantiate(ctx)
	}
	if ctx.Err() == nil { // otherwise the driver may still be reading it; Close of the device releases it
		err = errors.Join(err, g.disown(c))
	}
	if err != nil && exec != nil {
		err = errors.Join(err, exec.Close())
	}
	if err != nil {
		return nil, fmt.Errorf("capture: %w", err)
	}
	return exec, nil
}

// capture is recorded work before the driver has made it ready.
type capture struct {
	device *Device
	graph  C.CUgraph
}

func (c *capture) release() error {
	return c.device.destroy("cuGraphDestroy", func() C.int { return C.verifyd_cuGraphDestroy(&c.device.driver.api, c.device.ctx, c.graph) })
}

func (c *capture) instantiate(ctx context.Context) (*Graph, error) {
	g := c.device
	var count C.size_t
	if err := g.check("cuGraphGetNodes", C.verifyd_cuGraphGetNodes(&g.driver.api, g.ctx, c.graph, nil, &count)); err != nil {
		return nil, err
	}
	out := new(C.CUgraphExec)
	err := g.guard(ctx, "cuGraphInstantiateWithFlags",
		func() C.int { return C.verifyd_cuGraphInstantiateWithFlags(&g.driver.api, g.ctx, out, c.graph, 0) },
		func() C.int { return C.verifyd_cuGraphExecDestroy(&g.driver.api, g.ctx, *out) })
	if err != nil {
		return nil, err
	}
	r := &Graph{device: g, exec: *out, nodes: int(count)}
	g.own(r)
	return r, nil
}

// record runs enqueue between the begin and the end of a capture, which it ends in any case.
func (s *Stream) record(enqueue func() error) (graph C.CUgraph, err error) {
	const threadLocal = 1 // only this thread is forbidden what would break the capture
	g := s.device
	if err := g.check("cuStreamBeginCapture_v2", C.verifyd_cuStreamBeginCapture_v2(&g.driver.api, g.ctx, s.s, threadLocal)); err != nil {
		return nil, err
	}
	s.capturing = true
	defer func() {
		s.capturing = false
		end := func() C.int { return C.verifyd_cuStreamEndCapture(&g.driver.api, g.ctx, s.s, &graph) }
		err = errors.Join(err, g.destroy("cuStreamEndCapture", end))
	}()
	return nil, enqueue()
}

// Nodes is the number of kernels, copies and fills in the graph.
func (r *Graph) Nodes() int { return r.nodes }

// Launch enqueues the whole graph on s.
func (r *Graph) Launch(ctx context.Context, s *Stream) error {
	if err := s.enqueue(ctx); err != nil {
		return err
	}
	return r.device.check("cuGraphLaunch", C.verifyd_cuGraphLaunch(&r.device.driver.api, r.device.ctx, r.exec, s.s))
}

// Close releases the graph, which must not be in flight.
func (r *Graph) Close() error { return r.device.disown(r) }

func (r *Graph) release() error {
	return r.device.destroy("cuGraphExecDestroy", func() C.int { return C.verifyd_cuGraphExecDestroy(&r.device.driver.api, r.device.ctx, r.exec) })
}
