package kernels

import (
	"fmt"

	"github.com/verifyd/verifyd/kernels/internal/asm"
)

// pause tells the processor that the thread waits in a loop.
func pause() { asm.Pause() }

// checkRounding returns an error unless this thread rounds to nearest, keeps subnormal numbers and
// raises no exceptions, as DRN-1 demands. A shared library that was built with fast maths may have
// changed that.
func checkRounding() error {
	if got := asm.FPCR(); got != 0 {
		return fmt.Errorf("this thread computes with FPCR %#x, DRN-1 needs 0", got)
	}
	return nil
}
