package launch

import "context"

// Accelerator is a block of 32-bit words, all zero at first, with a processor beside it that runs routines. Its
// methods run one after another, each seeing all that the former wrote. It serves one goroutine at a time.
//
// A word is a number: what it means does not depend on the byte order of the host, which is the
// accelerator's to swap if its own is another.
type Accelerator interface {
	// Write copies words to word offset and what follows.
	Write(ctx context.Context, offset int, words []uint32) error
	// Read copies words from word offset and what follows.
	Read(ctx context.Context, words []uint32, offset int) error
	// Record prepares a routine, and returns its number for Run. It may keep r, which nobody changes.
	Record(ctx context.Context, r Routine) (routine int, err error)
	// Run copies in to the routine's range In, runs the routine, and copies its range Out to out.
	Run(ctx context.Context, routine int, in, out []uint32) error
	// Close releases the memory.
	Close(ctx context.Context) error
}
