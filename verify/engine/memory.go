package engine

import (
	"context"
	"fmt"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/launch"
	"github.com/verifyd/verifyd/verify/internal/little"
	"github.com/verifyd/verifyd/verify/program"
)

// Memory is a block of 32-bit words, all zero at first, with a processor beside it that runs lists of operators on
// ranges of it: what is computed beside the steps of a program. Its methods run one after another, each seeing all
// that the former wrote. It serves one goroutine at a time. The words are the same whatever the device.
type Memory interface {
	// Write copies words to word offset and what follows.
	Write(ctx context.Context, offset int, words []uint32) error
	// Read copies words from word offset and what follows.
	Read(ctx context.Context, words []uint32, offset int) error
	// Record prepares calls, one after another, and returns their number for Run.
	Record(ctx context.Context, calls []kernels.Call) (routine int, err error)
	// Run runs what was recorded.
	Run(ctx context.Context, routine int) error
	// Close releases the memory.
	Close(ctx context.Context) error
}

// Open allocates words of this process. Its errors are those of calls that do not fit.
func (c *CPU) Open(_ context.Context, words int) (Memory, error) {
	if words < 0 {
		return nil, fmt.Errorf("memory: %d words", words)
	}
	f := make([]float32, words)
	return &host{runner: c.runner, floats: f, integers: little.Integers32(f), words: little.Words32(f)}, nil
}

// host is a memory of this process, under the three types that a word has.
type host struct {
	runner   program.Runner
	floats   []float32
	integers []int32
	words    []uint32
	routines [][]bound
}

// bound is a call with its operands at hand.
type bound struct {
	op   kernels.Operator
	bufs []kernels.Buf
}

func (m *host) Write(ctx context.Context, offset int, words []uint32) error {
	if err := m.check(kernels.Range{Offset: offset, Words: len(words)}); err != nil {
		return err
	}
	copy(m.words[offset:], words)
	return ctx.Err()
}

func (m *host) Read(ctx context.Context, words []uint32, offset int) error {
	if err := m.check(kernels.Range{Offset: offset, Words: len(words)}); err != nil {
		return err
	}
	copy(words, m.words[offset:])
	return ctx.Err()
}

func (m *host) Record(_ context.Context, calls []kernels.Call) (int, error) {
	all := make([]bound, len(calls))
	for i, c := range calls {
		all[i].op = c.Op
		operands := c.Op.Operands()
		for k, r := range c.Operands {
			if err := m.check(r); err != nil {
				return 0, fmt.Errorf("call %d, %s: operand %d: %w", i, c.Op.Name(), k, err)
			}
			b, end := kernels.Buf{}, r.Offset+r.Words
			if k < len(operands) && operands[k].Kind == kernels.I32 {
				b.I = m.integers[r.Offset:end:end]
			} else {
				b.F = m.floats[r.Offset:end:end]
			}
			all[i].bufs = append(all[i].bufs, b)
		}
		if err := kernels.Check(c.Op, all[i].bufs); err != nil {
			return 0, fmt.Errorf("call %d: %w", i, err)
		}
	}
	m.routines = append(m.routines, all)
	return len(m.routines) - 1, nil
}

func (m *host) Run(ctx context.Context, routine int) error {
	if routine < 0 || routine >= len(m.routines) {
		return fmt.Errorf("routine %d of %d", routine, len(m.routines))
	}
	for _, c := range m.routines[routine] {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := m.runner.Run(c.op, c.bufs); err != nil {
			return err
		}
	}
	return nil
}

func (m *host) Close(context.Context) error {
	*m = host{}
	return nil
}

func (m *host) check(r kernels.Range) error {
	if r.Offset < 0 || r.Words < 0 || r.Offset > len(m.words)-r.Words {
		return fmt.Errorf("%d words from word %d on, the memory has %d", r.Words, r.Offset, len(m.words))
	}
	return nil
}

// NewMemory makes a memory of the accelerator that open makes with so many words, all zero. Whatever fails on the
// accelerator while ctx lasts, and calls that no kernel computes, are of class ErrDevice.
func NewMemory(ctx context.Context, words int, open Opener) (Memory, error) {
	a, err := open(ctx, (words+15)/16*16) // whole cache lines
	if err != nil {
		return nil, failed(ctx, "open a memory", err)
	}
	return &remote{a}, nil
}

// remote is a memory that an accelerator has.
type remote struct{ device Accelerator }

func (m *remote) Write(ctx context.Context, offset int, words []uint32) error {
	return failed(ctx, "write", m.device.Write(ctx, offset, words))
}

func (m *remote) Read(ctx context.Context, words []uint32, offset int) error {
	return failed(ctx, "read", m.device.Read(ctx, words, offset))
}

func (m *remote) Record(ctx context.Context, list []kernels.Call) (int, error) {
	planned, err := calls(list)
	if err != nil {
		return 0, err
	}
	routine, err := m.device.Record(ctx, launch.Routine{Calls: planned})
	return routine, failed(ctx, "record calls", err)
}

func (m *remote) Run(ctx context.Context, routine int) error {
	return failed(ctx, "run calls", m.device.Run(ctx, routine, nil, nil))
}

func (m *remote) Close(ctx context.Context) error {
	return failed(ctx, "close", m.device.Close(ctx))
}

// Host is the processor behind a device whose memory is this process', false for another device. Work that reads its
// data where they lie takes it.
func Host(d Device) (*kernels.CPU, bool) {
	c, ok := d.(*CPU)
	if !ok {
		return nil, false
	}
	cpu, ok := c.runner.(*kernels.CPU)
	return cpu, ok
}

// Words returns the memory of x as a Memory takes and gives it.
func Words[T float32 | int32](x []T) []uint32 { return little.Words32(x) }

// Layout hands out the words of a memory before it is opened.
type Layout struct{ words int }

// Take is the next n words, on a cache line.
func (l *Layout) Take(n int) kernels.Range {
	r := kernels.Range{Offset: l.words, Words: n}
	l.words += (n + 15) / 16 * 16
	return r
}

// Words is the size of what was taken.
func (l *Layout) Words() int { return l.words }
