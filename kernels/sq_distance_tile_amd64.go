package kernels

import "golang.org/x/sys/cpu"

// distanceTilesFor returns the tiles of a code path, nil for the reference's own loop.
func distanceTilesFor(isa ISA) *distanceTiles {
	switch {
	case isa == AVX2:
		return distanceTilesAVX2()
	case isa == AVX512 && cpu.X86.HasAVX512VNNI:
		return distanceTilesVNNI()
	case isa == AVX512:
		return distanceTilesAVX512()
	}
	return nil
}
