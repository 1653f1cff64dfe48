package kernels

import "fmt"

// fpcr returns the control register of the vector unit.
//
//go:noescape
func fpcr() uint64

// pause tells the processor that the thread waits in a loop.
//
//go:noescape
func pause()

// checkRounding returns an error unless this thread rounds to nearest, keeps subnormal numbers and
// raises no exceptions, as DRN-1 demands. A shared library that was built with fast maths may have
// changed that.
func checkRounding() error {
	if got := fpcr(); got != 0 {
		return fmt.Errorf("this thread computes with FPCR %#x, DRN-1 needs 0", got)
	}
	return nil
}
