package kernels

import "github.com/verifyd/verifyd/kernels/internal/asm"

// tilesFor returns the tiles of a code path, nil for the reference's own loops.
func tilesFor(isa ISA) *tiles {
	if isa == NEON {
		return &tiles{
			rows: len(asm.StridedTilesNEON), cols: asm.TileColsNEON,
			strided: asm.StridedTilesNEON, listed: asm.ListedTilesNEON,
		}
	}
	return nil
}
