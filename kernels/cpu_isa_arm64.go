package kernels

// native lists the code paths of this processor. Every arm64 machine has NEON.
func native() []ISA { return []ISA{NEON} }
