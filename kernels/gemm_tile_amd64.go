package kernels

// tilesFor returns the tiles of a code path, nil for the reference's own loops.
func tilesFor(isa ISA) *tiles {
	switch isa {
	case AVX2:
		return tilesAVX2()
	case AVX512:
		return tilesAVX512()
	}
	return nil
}
