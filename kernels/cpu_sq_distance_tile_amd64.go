package kernels

import (
	"golang.org/x/sys/cpu"

	"github.com/verifyd/verifyd/kernels/internal/asm"
)

// distanceTilesFor returns the tiles of a code path, nil for the reference's own loop.
func distanceTilesFor(isa ISA) *distanceTiles {
	switch {
	case isa == AVX2:
		return &distanceTiles{cols: asm.DistanceColsAVX2, tile: asm.DistanceTilesAVX2}
	case isa == AVX512 && cpu.X86.HasAVX512VNNI:
		return &distanceTiles{cols: asm.DistanceColsVNNI, tile: asm.DistanceTilesVNNI}
	case isa == AVX512:
		return distanceTilesWithoutVNNI()
	}
	return nil
}

// distanceTilesWithoutVNNI are the tiles of an AVX-512 processor that cannot multiply and add 16-bit
// numbers in one instruction.
func distanceTilesWithoutVNNI() *distanceTiles {
	return &distanceTiles{cols: asm.DistanceColsAVX512, tile: asm.DistanceTilesAVX512}
}
