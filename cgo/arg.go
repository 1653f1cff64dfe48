package cgo

import "math"

// Arg is a kernel's argument: an address or a 32-bit scalar, by its bits.
type Arg uint64

// Uint32 is v as a kernel's argument.
func Uint32(v uint32) Arg { return Arg(v) }

// Int32 is v as a kernel's argument.
func Int32(v int32) Arg { return Arg(uint32(v)) }

// Float32 is v as a kernel's argument, bit for bit.
func Float32(v float32) Arg { return Arg(math.Float32bits(v)) }

// Launch is one kernel with its grid, block, dynamic shared bytes and arguments. The arguments must
// be those of the kernel in number and kind: the driver cannot check them.
type Launch struct {
	Kernel      *Kernel
	Grid, Block [3]uint32
	Shared      uint32
	Args        []Arg
}
