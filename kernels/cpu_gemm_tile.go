package kernels

// stridedTile adds one chunk of terms to a tile of c. Its height is its place in the table plus one,
// its width is tiles.cols. It equals
//
//	for i := range height {
//		for j := range tiles.cols {
//			p := float32(0)
//			for k := range kc {
//				p = fma32(a[i*ra+k*ka], b[k*kb+j], p)
//			}
//			if add != 0 {
//				c[i*rc+j] += p
//			} else {
//				c[i*rc+j] = 0 + p
//			}
//		}
//	}
//
// kc must not be 0.
type stridedTile = func(kc int, a *float32, ra, ka int, b *float32, kb int, c *float32, rc, add int)

// listedTile is stridedTile with b[at[k]+j] for b[k*kb+j].
type listedTile = func(kc int, a *float32, ra, ka int, b *float32, at *int32, c *float32, rc, add int)

// tiles are the inner loops of the GEMM family on one instruction set.
type tiles struct {
	rows, cols int           // size of the largest tile; cols is a multiple of 8
	strided    []stridedTile // by height
	listed     []listedTile
	copyPanels copyPanels  // nil for Go's own copy
	transpose  transpose8  // likewise
	depth      *depthLoops // nil where convolutions with one channel a group have no loops of their own
}

// transpose8 turns 8 rows into columns: dst[k*rd+i] = src[i*rs+k] for i < 8 and k < n. n is a
// multiple of 8 and not 0.
type transpose8 func(n int, src *float32, rs int, dst *float32, rd int)

// copyPanels copies rows into panels of tiles.cols columns:
// dst[p*step+k*cols+j] = src[k*rs+p*cols+j] for k < kc, p < n and j < cols. kc and n are not 0.
type copyPanels func(kc, n int, src *float32, rs int, dst *float32, step int)
