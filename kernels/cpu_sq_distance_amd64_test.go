package kernels

import "slices"

// otherDistanceTiles are tiles of this processor that no code path takes here.
func otherDistanceTiles() map[string]*distanceTiles {
	if slices.Contains(native(), AVX512) {
		return map[string]*distanceTiles{"avx512 without vnni": distanceTilesWithoutVNNI()}
	}
	return nil
}
