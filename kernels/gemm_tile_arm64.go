package kernels

// tilesFor returns the tiles of a code path, nil for the reference's own loops.
func tilesFor(isa ISA) *tiles {
	if isa == NEON {
		return tilesNEON()
	}
	return nil
}
