package kernels

import "github.com/verifyd/verifyd/kernels/internal/asm"

// tilesFor returns the tiles of a code path, nil for the reference's own loops.
func tilesFor(isa ISA) *tiles {
	switch isa {
	case AVX2:
		return &tiles{
			rows: len(asm.StridedTilesAVX2), cols: asm.TileColsAVX2,
			strided: asm.StridedTilesAVX2, listed: asm.ListedTilesAVX2,
			copyPanels: asm.CopyPanelsAVX2, transpose: asm.TransposeAVX2, depth: depthAVX2(),
		}
	case AVX512:
		return &tiles{
			rows: len(asm.StridedTilesAVX512), cols: asm.TileColsAVX512,
			strided: asm.StridedTilesAVX512, listed: asm.ListedTilesAVX512,
			copyPanels: asm.CopyPanelsAVX512, transpose: asm.TransposeAVX2, depth: depthAVX2(),
		}
	}
	return nil
}

// depthAVX2 are the loops of convolutions with one channel a group. They wait for memory, not for wider vectors.
func depthAVX2() *depthLoops {
	return &depthLoops{row: asm.DepthRowAVX2, sums: []tapSums{
		{7, asm.DepthSums7AVX2}, {5, asm.DepthSums5AVX2}, {3, asm.DepthSums3AVX2}, {1, asm.DepthSums1AVX2},
	}}
}
