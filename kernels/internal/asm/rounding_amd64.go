package asm

// MXCSR returns the control and status register of the vector unit.
//
//go:noescape
func MXCSR() uint32

// Pause tells the processor that the thread waits in a loop.
//
//go:noescape
func Pause()
