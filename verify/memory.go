package verify

import (
	"fmt"
	"math"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
)

// DefaultMaxMemory is the limit of a zero Options, Work or Response, in bytes.
const DefaultMaxMemory = 8 << 30

// MemoryError refuses a program that is larger than the caller allows. It comes before any buffer is
// allocated.
type MemoryError struct {
	BatchSize, Accumulation int    // of the program
	Need, Limit             uint64 // bytes
}

// Error names the file and the fields that the size comes from.
func (e *MemoryError) Error() string {
	return fmt.Sprintf("%s: graph, with batch_size %d and accumulation %d: %d bytes for its buffers and two states, the limit is %d",
		ProgramFile, e.BatchSize, e.Accumulation, e.Need, e.Limit)
}

// Unwrap is the refusal as an error of its class.
func (e *MemoryError) Unwrap() error {
	return fault.New(fault.TooMuchMemory, ProgramFile, "graph", "%d bytes for its buffers and two states, the limit is %d", e.Need, e.Limit)
}

// MemoryBytes is what a limit of memory is held against: the plan's buffers, two states, what one step keeps for each of its
// samples (ids, leaf, inclusion proof, and as it is stored the sample, the next one and the one after), what a step is measured
// in, and a few numbers for each segment. A runner's scratch, the data set and small fixed buffers come on top.
func (t *Terms) MemoryBytes() uint64 {
	const ids = 2 * 8
	const measured = 4 * 4 // which elements are read and what they hold, drawn, given and counted
	sample := ids + merkle.Size*(1+merkle.MaxProof(t.Job.Data.Most()))
	for _, width := range t.Job.Data.Widths() {
		sample += 3 * width
	}
	segment := 2*merkle.Size + 8*(4+len(t.spec.Gradient.Tensors())) // two hashes, the moves of its slices, and what ranks it
	base, err := t.baseBytes()
	if err != nil { // no such program compiles
		return math.MaxUint64
	}
	return uint64(base) + t.Plan.MemoryBytes() + 2*uint64(t.spec.State.Bytes()) + uint64(t.rows)*uint64(sample) +
		measured*uint64(t.Gate.Words()) + t.Job.Segments()*uint64(segment)
}

// CheckMemory refuses a program that needs more than limit bytes; 0 stands for DefaultMaxMemory.
func (t *Terms) CheckMemory(limit uint64) error {
	if limit == 0 {
		limit = DefaultMaxMemory
	}
	if need := t.MemoryBytes(); need > limit {
		return &MemoryError{t.spec.Program.BatchSize, t.spec.Program.Accumulation, need, limit}
	}
	return nil
}
