package interpreter

import (
	"context"
	"fmt"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/internal/rig"
	"github.com/verifyd/verifyd/kernels/launch"
)

// Memory is a block of words on which a machine executes routines: a device's memory, in Go. An access
// outside of an operand is an error even where the block has words, and a workspace is poisoned before
// each call. It serves one goroutine at a time; the memories of a machine take turns.
type Memory struct {
	machine  *Machine
	words    []uint32
	routines rig.Routines
}

// Memory returns a block of so many words, all zero, that begins at a multiple of 16 bytes.
func (m *Machine) Memory(words int) *Memory {
	return &Memory{machine: m, words: make([]uint32, words), routines: rig.Routines{Words: words}}
}

// Write copies content to word offset and what follows.
func (m *Memory) Write(ctx context.Context, offset int, content []uint32) error {
	b, err := m.at(kernels.Range{Offset: offset, Words: len(content)})
	if err != nil {
		return err
	}
	copy(b.data, content)
	return ctx.Err()
}

// Read copies content from word offset and what follows.
func (m *Memory) Read(ctx context.Context, content []uint32, offset int) error {
	b, err := m.at(kernels.Range{Offset: offset, Words: len(content)})
	if err != nil {
		return err
	}
	copy(content, b.data)
	return ctx.Err()
}

// Record checks and keeps a routine and returns its number.
func (m *Memory) Record(ctx context.Context, r launch.Routine) (int, error) {
	for _, c := range r.Calls {
		for _, l := range c.Plan.Launches {
			if m.machine.kernels[l.Kernel] == nil {
				return 0, fmt.Errorf("no module has the kernel %s", l.Kernel)
			}
		}
	}
	if err := m.routines.CheckAll(r); err != nil {
		return 0, err
	}
	return m.routines.Keep(r), ctx.Err()
}

// Run copies in to the routine's range In, runs the routine, and copies its range Out to out.
func (m *Memory) Run(ctx context.Context, routine int, in, out []uint32) error {
	return m.routines.Run(ctx, m, routine, in, out, func(r launch.Routine) error {
		for i, c := range r.Calls {
			if err := m.call(ctx, c); err != nil {
				return fmt.Errorf("call %d: %w", i, err)
			}
		}
		return nil
	})
}

func (m *Memory) call(ctx context.Context, c launch.Planned) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	mem := &memory{}
	var index []int
	for k, o := range c.Operands {
		b, err := m.at(o)
		if err != nil {
			return err
		}
		mem.buffers, index = append(mem.buffers, b), append(index, k)
	}
	return m.machine.execute(c.Plan, mem, index)
}

// Close releases the block.
func (m *Memory) Close(context.Context) error {
	m.words, m.routines = nil, rig.Routines{}
	return nil
}

// at is a range of the block, with its place between multiples of 16 bytes.
func (m *Memory) at(r kernels.Range) (buffer, error) {
	if err := m.routines.Check(r); err != nil {
		return buffer{}, err
	}
	end := r.Offset + r.Words
	return buffer{m.words[r.Offset:end:end], r.Offset % 4}, nil
}
