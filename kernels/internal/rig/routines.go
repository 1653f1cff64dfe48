package rig

import (
	"context"
	"fmt"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/launch"
)

// Routines are those that a memory of so many words has recorded, by number.
type Routines struct {
	Words int // of the memory
	all   []launch.Routine
}

// Check refuses a range that is not inside of the memory.
func (r *Routines) Check(at kernels.Range) error {
	if at.Offset < 0 || at.Words < 0 || at.Offset > r.Words || at.Words > r.Words-at.Offset {
		return fmt.Errorf("%d words from word %d on are outside of a memory of %d", at.Words, at.Offset, r.Words)
	}
	return nil
}

// CheckAll refuses a routine with a range that is not inside of the memory.
func (r *Routines) CheckAll(routine launch.Routine) error {
	all := []kernels.Range{routine.In, routine.Out}
	for _, c := range routine.Calls {
		all = append(all, c.Operands...)
	}
	for _, at := range all {
		if err := r.Check(at); err != nil {
			return err
		}
	}
	return nil
}

// Keep gives a routine its number.
func (r *Routines) Keep(routine launch.Routine) (number int) {
	r.all = append(r.all, routine)
	return len(r.all) - 1
}

// Host is the memory whose routines these are.
type Host interface {
	Write(ctx context.Context, offset int, words []uint32) error
	Read(ctx context.Context, words []uint32, offset int) error
}

// Run copies in to host as a routine wants it, has its calls executed, and copies what it leaves to out.
func (r *Routines) Run(ctx context.Context, host Host, number int, in, out []uint32, execute func(launch.Routine) error) error {
	if number < 0 || number >= len(r.all) {
		return fmt.Errorf("routine %d of %d", number, len(r.all))
	}
	routine := r.all[number]
	if len(in) != routine.In.Words || len(out) != routine.Out.Words {
		return fmt.Errorf("%d words in and %d out, the routine has %d and %d", len(in), len(out), routine.In.Words, routine.Out.Words)
	}
	if err := host.Write(ctx, routine.In.Offset, in); err != nil {
		return err
	}
	if err := execute(routine); err != nil {
		return err
	}
	return host.Read(ctx, out, routine.Out.Offset)
}
