//go:build !amd64 && !arm64

package kernels

import "runtime"

// pause lets another goroutine run while this one waits in a loop.
func pause() { runtime.Gosched() }

// checkRounding does nothing: the reference's arithmetic is Go's own, and nothing here could change
// the rounding of a thread.
func checkRounding() error { return nil }
