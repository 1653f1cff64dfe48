package kernels

// accelerate replaces the loops that v's instruction set has in assembly.
func accelerate(*vector) {}
