package optest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/internal/rig"
	"github.com/verifyd/verifyd/kernels/launch"
)

// Accelerated returns a backend that runs each operator on an accelerator of its own, which open makes with so
// many words. Every operand begins on a cache line, whatever its placement here, between guard words that
// must survive. All waits end with ctx.
func Accelerated[A launch.Accelerator](ctx context.Context, name string, open func(ctx context.Context, words int) (A, error)) Backend {
	return accelerated{ctx, name, func(words int) (launch.Accelerator, error) { return open(ctx, words) }}
}

type accelerated struct {
	ctx  context.Context
	name string
	open func(words int) (launch.Accelerator, error)
}

func (a accelerated) Name() string { return a.name }

// Supports says whether there is a kernel for op.
func (a accelerated) Supports(op kernels.Operator) bool {
	_, err := launch.For(op)
	return err == nil
}

// line is the words of a cache line.
const line = 32

func (a accelerated) Run(op kernels.Operator, bufs []kernels.Buf) (err error) {
	if err := kernels.Check(op, bufs); err != nil {
		return err
	}
	plan, err := launch.For(op)
	if err != nil {
		return err
	}
	places, words := layout(bufs)
	device, err := a.open(words)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, device.Close(context.WithoutCancel(a.ctx))) }()
	memory := make([]uint32, words)
	for i := range memory {
		memory[i] = guardWord
	}
	for i, b := range bufs {
		for j := range length(b) {
			memory[places[i].Offset+j] = word(b, j)
		}
	}
	before := slices.Clone(memory)
	if err := device.Write(a.ctx, 0, memory); err != nil {
		return err
	}
	routine, err := device.Record(a.ctx, launch.Routine{Calls: []launch.Planned{{Plan: plan, Operands: places}}})
	if err != nil {
		return err
	}
	if err := device.Run(a.ctx, routine, nil, nil); err != nil {
		return err
	}
	if err := device.Read(a.ctx, memory, 0); err != nil {
		return err
	}
	for i, b := range bufs {
		at := memory[places[i].Offset:][:length(b)]
		for j, w := range at {
			if b.I != nil {
				b.I[j] = int32(w)
			} else {
				b.F[j] = math.Float32frombits(w)
			}
		}
		copy(before[places[i].Offset:], at) // what is left to compare are the guards
	}
	for i := range memory {
		if memory[i] != before[i] {
			return fmt.Errorf("%w: %s wrote outside its operands", ErrBits, op.Name())
		}
	}
	return nil
}

// layout places buffers in a memory, each between guards. Buffers that are one slice are one there.
func layout(bufs []kernels.Buf) (places []kernels.Range, words int) {
	own, index := rig.Distinct(bufs)
	words = guardWords
	all := make([]kernels.Range, len(own))
	for i, b := range own {
		all[i] = kernels.Range{Offset: words, Words: length(b)}
		words += (all[i].Words+line-1)/line*line + guardWords
	}
	for _, i := range index {
		places = append(places, all[i])
	}
	return places, words
}
