package verify

import (
	"context"
	"time"

	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/program"
)

// Device runs programs under a name that a verdict's build carries.
type Device struct {
	Runner program.Runner
	Name   string // e.g. "cpu avx2, 2 threads"
}

// Options are a verifier's.
type Options struct {
	Device Device
	// Confirm repeats the segment of a mismatch before it becomes a FAIL. It should share as little as
	// possible with Device: other hardware, or at least another instruction set.
	Confirm Device
	// Threads bounds the goroutines that hash states; 0 means 1.
	Threads int
	// Now is the time at which a missing opening is judged; the zero time means that no deadline is over.
	Now time.Time
	// Progress, if set, is called after each replayed step with the steps done and those to do.
	Progress func(done, total uint64)
}

// Judge checks the bundle in dir against the operator's key. An error means that it cannot be judged.
func Judge(ctx context.Context, dir string, operator document.Key, o Options) (*Verdict, error) {
	return judge(ctx, dir, operator, o)
}
