// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
	"unsafe"

	"github.com/verifyd/verifyd/bench/mumax/compare"
	"github.com/verifyd/verifyd/cgo"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/launch"
)

// verifyd is the side that is tested: package cgo and the kernels of DRN-1.
type verifyd struct {
	name     string
	captured bool // launches in a row are one graph
	device   *cgo.Device
	stream   *cgo.Stream
	pool     *cgo.Pool
	kernels  *cgo.Kernels
	number   *cgo.Pinned // where a result reaches the host

	n       int
	a, b, c cgo.Buffer
	result  cgo.Buffer
	partial cgo.Buffer // workspace
}

// newVerifyd starts a side on device that holds at most limit bytes of its memory.
func newVerifyd(ctx context.Context, device *cgo.Device, captured bool, limit uint64) (*verifyd, error) {
	v := &verifyd{name: "launches", captured: captured, device: device}
	if captured {
		v.name = "a captured graph"
	}
	var err error
	if v.kernels, err = cgo.NewKernels(device); err != nil {
		return nil, err
	}
	if v.stream, err = device.NewStream(); err != nil {
		return nil, err
	}
	v.pool = device.NewPool(v.stream, limit)
	if v.number, err = device.NewPinned(ctx, 4); err != nil {
		return nil, err
	}
	v.result, err = v.pool.Alloc(ctx, 4)
	return v, err
}

func (v *verifyd) Name() string { return v.name }

func (v *verifyd) Has(r compare.Reduction) bool { return r.Operator(1) != nil }

func (v *verifyd) Place(ctx context.Context, a, b []float32) error {
	for _, old := range []cgo.Buffer{v.a, v.b, v.c, v.partial} {
		if err := v.pool.Free(old); err != nil {
			return err
		}
	}
	v.n, v.a, v.b, v.c, v.partial = len(a), cgo.Buffer{}, cgo.Buffer{}, cgo.Buffer{}, cgo.Buffer{}
	if err := v.pool.Trim(ctx); err != nil {
		return err
	}
	for _, to := range []*cgo.Buffer{&v.a, &v.b, &v.c} {
		var err error
		if *to, err = v.pool.Alloc(ctx, 4*uint64(len(a))); err != nil {
			return err
		}
	}
	plan, err := launch.For(kernels.Sum{N: len(a)}) // both sums have the largest workspace of what is measured
	if err != nil {
		return err
	}
	if v.partial, err = v.pool.Alloc(ctx, 4*uint64(plan.Workspace)); err != nil {
		return err
	}
	if err := v.stream.Upload(ctx, v.a, memory(a)); err != nil {
		return err
	}
	if err := v.stream.Upload(ctx, v.b, memory(b)); err != nil {
		return err
	}
	return v.stream.Wait(ctx)
}

// memory is x as the device reads it. Devices are little-endian, as every host is that they are built into.
func memory(x []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 4*len(x))
}

func (v *verifyd) Reduce(ctx context.Context, r compare.Reduction, results []float32) (time.Duration, error) {
	op := r.Operator(v.n)
	if op == nil {
		return 0, fmt.Errorf("DRN-1 has no %s", r)
	}
	plan, err := launch.For(op)
	if err != nil {
		return 0, err
	}
	once := func() (float32, error) {
		if err := v.kernels.Enqueue(ctx, v.stream, plan, []cgo.Buffer{v.a, v.result}, v.partial); err != nil {
			return 0, err
		}
		if err := v.stream.CopyOut(ctx, v.number, 0, v.result); err != nil {
			return 0, err
		}
		err := v.stream.Wait(ctx)
		return math.Float32frombits(binary.LittleEndian.Uint32(v.number.Bytes())), err
	}
	if _, err := once(); err != nil {
		return 0, err
	}
	start := time.Now()
	for i := range results {
		if results[i], err = once(); err != nil {
			return 0, err
		}
	}
	return time.Since(start), nil
}

func (v *verifyd) Map(ctx context.Context, m compare.Map, waits, launches int) (_ time.Duration, err error) {
	enqueue, err := v.mapping(ctx, m)
	if err != nil {
		return 0, err
	}
	if err := errors.Join(enqueue(), v.stream.Wait(ctx)); err != nil {
		return 0, err
	}
	row := func() error {
		for range launches {
			if err := enqueue(); err != nil {
				return err
			}
		}
		return nil
	}
	if v.captured {
		graph, err := v.stream.Capture(ctx, row)
		if err != nil {
			return 0, err
		}
		defer func() { err = errors.Join(err, graph.Close()) }()
		row = func() error { return graph.Launch(ctx, v.stream) }
		if err := errors.Join(row(), v.stream.Wait(ctx)); err != nil { // the first launch uploads the graph
			return 0, err
		}
	}
	start := time.Now()
	for range waits {
		if err := errors.Join(row(), v.stream.Wait(ctx)); err != nil {
			return 0, err
		}
	}
	return time.Since(start), nil
}

// mapping returns what puts one m on the stream.
func (v *verifyd) mapping(ctx context.Context, m compare.Map) (func() error, error) {
	var op kernels.Operator = kernels.Add{N: v.n}
	switch m {
	case compare.Copy:
		return func() error { return v.stream.Copy(ctx, v.c, v.a) }, nil
	case compare.Mul:
		op = kernels.Mul{N: v.n}
	}
	plan, err := launch.For(op)
	operands := []cgo.Buffer{v.a, v.b, v.c}
	return func() error { return v.kernels.Enqueue(ctx, v.stream, plan, operands, v.partial) }, err
}

func (v *verifyd) Mapped(ctx context.Context, c []float32) error {
	return v.stream.Download(ctx, memory(c), v.c)
}

// Close gives everything back to the device.
func (v *verifyd) Close(ctx context.Context) error {
	return errors.Join(v.pool.Close(ctx), v.number.Close(), v.stream.Close(ctx), v.kernels.Close())
}
