package kernels

// accelerate replaces the loops that v's instruction set has in assembly.
func accelerate(v *vector) {
	switch v.isa {
	case AVX2:
		v.useAVX2()
	case AVX512:
		v.useAVX512()
	}
}
