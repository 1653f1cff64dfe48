package kernels

import "github.com/verifyd/verifyd/kernels/internal/asm"

// tilesFor returns the tiles of a code path, nil for the reference's own loops.
func tilesFor(isa ISA) *tiles {
	switch isa {
	case AVX2:
		return &tiles{
			rows: len(asm.StridedTilesAVX2), cols: asm.TileColsAVX2,
			strided: asm.StridedTilesAVX2, listed: asm.ListedTilesAVX2,
			copyPanels: asm.CopyPanelsAVX2, transpose: asm.TransposeAVX2,
		}
	case AVX512:
		return &tiles{
			rows: len(asm.StridedTilesAVX512), cols: asm.TileColsAVX512,
			strided: asm.StridedTilesAVX512, listed: asm.ListedTilesAVX512,
			copyPanels: asm.CopyPanelsAVX512, transpose: asm.TransposeAVX2,
		}
	}
	return nil
}
