package kernels

// Range is Words 32-bit words from word Offset on of a memory.
type Range struct{ Offset, Words int }

// Call is an operator on ranges of one memory, in the order of its operands.
type Call struct {
	Op       Operator
	Operands []Range
}
