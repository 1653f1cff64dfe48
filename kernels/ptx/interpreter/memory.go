package interpreter

import (
	"context"
	"fmt"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/launch"
)

// Memory is a block of words on which a machine executes routines: a device's memory, in Go. An access
// outside of an operand is an error even where the block has words, and a workspace is poisoned before
// each call. It serves one goroutine at a time, and so does the machine with all its memories.
type Memory struct {
	machine  *Machine
	words    []uint32
	routines []launch.Routine
}

// Memory returns a block of so many words, all zero, that begins at a multiple of 16 bytes.
func (m *Machine) Memory(words int) *Memory {
	return &Memory{machine: m, words: make([]uint32, words)}
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
	all := []kernels.Range{r.In, r.Out}
	for _, c := range r.Calls {
		all = append(all, c.Operands...)
		for _, l := range c.Plan.Launches {
			if m.machine.kernels[l.Kernel] == nil {
				return 0, fmt.Errorf("no module has the kernel %s", l.Kernel)
			}
		}
	}
	for _, a := range all {
		if _, err := m.at(a); err != nil {
			return 0, err
		}
	}
	m.routines = append(m.routines, r)
	return len(m.routines) - 1, ctx.Err()
}

// Run copies in to the routine's range In, runs the routine, and copies its range Out to out.
func (m *Memory) Run(ctx context.Context, routine int, in, out []uint32) error {
	if routine < 0 || routine >= len(m.routines) {
		return fmt.Errorf("routine %d of %d", routine, len(m.routines))
	}
	r := m.routines[routine]
	if len(in) != r.In.Words || len(out) != r.Out.Words {
		return fmt.Errorf("%d words in and %d out, the routine has %d and %d", len(in), len(out), r.In.Words, r.Out.Words)
	}
	if err := m.Write(ctx, r.In.Offset, in); err != nil {
		return err
	}
	for i, c := range r.Calls {
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
		if err := m.machine.execute(c.Plan, mem, index); err != nil {
			return fmt.Errorf("call %d: %w", i, err)
		}
	}
	return m.Read(ctx, out, r.Out.Offset)
}

// Close releases the block.
func (m *Memory) Close(context.Context) error {
	m.words, m.routines = nil, nil
	return nil
}

// at is a range of the block, with its place between multiples of 16 bytes.
func (m *Memory) at(r kernels.Range) (buffer, error) {
	end := r.Offset + r.Words
	if r.Offset < 0 || r.Words < 0 || end > len(m.words) {
		return buffer{}, fmt.Errorf("words %d to %d are outside of a memory of %d", r.Offset, end, len(m.words))
	}
	return buffer{m.words[r.Offset:end:end], r.Offset % 4}, nil
}
