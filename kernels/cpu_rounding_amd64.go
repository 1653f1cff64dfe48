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
	const sticky = 0x3f // flags of past exceptions
	if got := asm.MXCSR() &^ sticky; got != 0x1f80 {
		return fmt.Errorf("this thread computes with MXCSR %#x, DRN-1 needs 0x1f80", got)
	}
	return nil
}
