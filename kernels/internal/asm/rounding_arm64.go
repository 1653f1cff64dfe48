package asm

// FPCR returns the control register of the vector unit.
//
//go:noescape
func FPCR() uint64

// Pause tells the processor that the thread waits in a loop.
//
//go:noescape
func Pause()
