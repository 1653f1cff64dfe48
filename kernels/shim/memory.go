package shim

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/internal/rig"
	"github.com/verifyd/verifyd/kernels/launch"
)

// Memory is a block of words in a host of its own, with routines that run on it: a device's memory on the
// CPU. Pages before and behind the block must not be touched, and a workspace is poisoned before each
// call. It serves one goroutine at a time. A fault of a kernel, or a context that ends during a call, ends
// the host, and the memory is lost.
type Memory struct {
	host     *Shim
	routines rig.Routines
}

var errLost = errors.New("shim: the memory is lost")

// Memory starts a host with a block of so many words, all zero. With descending, threads, warps and blocks
// run from the last to the first. The caller closes it.
func (p *Program) Memory(ctx context.Context, size int, descending bool) (*Memory, error) {
	if size < 0 || size > math.MaxUint32 {
		return nil, fmt.Errorf("shim: a memory of %d words", size)
	}
	host, err := p.Start(context.WithoutCancel(ctx), descending)
	if err != nil {
		return nil, err
	}
	m := &Memory{host: host, routines: rig.Routines{Words: size}}
	if err := m.ask(ctx, words(nil, reserve, uint32(size)), nothing); err != nil {
		return nil, errors.Join(err, m.Close(ctx))
	}
	return m, nil
}

// Write copies content to word offset and what follows.
func (m *Memory) Write(ctx context.Context, offset int, content []uint32) error {
	if err := m.routines.Check(kernels.Range{Offset: offset, Words: len(content)}); err != nil {
		return err
	}
	b := make([]byte, 0, 4*(3+len(content)))
	return m.ask(ctx, words(words(b, write, uint32(offset), uint32(len(content))), content...), nothing)
}

// Read copies content from word offset and what follows.
func (m *Memory) Read(ctx context.Context, content []uint32, offset int) error {
	if err := m.routines.Check(kernels.Range{Offset: offset, Words: len(content)}); err != nil {
		return err
	}
	return m.ask(ctx, words(nil, read, uint32(offset), uint32(len(content))), func() error {
		raw := make([]byte, 4*len(content))
		if _, err := io.ReadFull(m.host.out, raw); err != nil {
			return err
		}
		for i := range content {
			content[i] = binary.LittleEndian.Uint32(raw[4*i:])
		}
		return nil
	})
}

// Record prepares a routine and returns its number.
func (m *Memory) Record(ctx context.Context, r launch.Routine) (int, error) {
	if err := m.routines.CheckAll(r); err != nil {
		return 0, fmt.Errorf("shim: %w", err)
	}
	b := words(nil, record, uint32(len(r.Calls)))
	for _, c := range r.Calls {
		b = words(b, uint32(len(c.Operands)))
		var index []int
		for i, o := range c.Operands {
			b = words(b, uint32(o.Offset), uint32(o.Words))
			index = append(index, i)
		}
		b = launches(b, c.Plan, index)
	}
	if err := m.ask(ctx, b, nothing); err != nil {
		return 0, err
	}
	return m.routines.Keep(r), nil
}

// Run copies in to the routine's range In, runs the routine, and copies its range Out to out.
func (m *Memory) Run(ctx context.Context, routine int, in, out []uint32) error {
	return m.routines.Run(ctx, m, routine, in, out, func(launch.Routine) error {
		return m.ask(ctx, words(nil, runRoutine, uint32(routine)), nothing)
	})
}

// Close ends the host.
func (m *Memory) Close(context.Context) error { return m.host.Close() }

// ask asks the host while ctx lasts.
func (m *Memory) ask(ctx context.Context, request []byte, answer func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if m.host.cmd == nil {
		return errLost
	}
	kill := m.host.cmd.Process.Kill
	stop := context.AfterFunc(ctx, func() { kill() })
	defer stop()
	err := m.host.ask(request, answer)
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// nothing is an answer without content.
func nothing() error { return nil }
