package kernels

// distanceTile computes a tile of squared distances. Its height is its place in the table plus one,
// its width is distanceTiles.cols. It equals
//
//	for i := range height {
//		for j := range cols {
//			dot := int32(0)
//			for k := range w {
//				x, y := a[i*ra+k], b[k*cols+j]
//				dot += int32(int16(x))*int32(int16(y)) + (x>>16)*(y>>16)
//			}
//			c[i*rc+j] = na[i] + nb[j] - 2*dot
//		}
//	}
//
// which is sqDistanceLoop modulo 2^32 where na and nb are the squared lengths of the rows. w must not
// be 0.
type distanceTile = func(w int, a *int32, ra int, b, na, nb, c *int32, rc int)

// distanceTiles are the inner loops of SqDistance on one instruction set.
type distanceTiles struct {
	cols int
	tile []distanceTile // by height
}

// The largest tile of any instruction set.
const (
	maxDistanceRows = 12
	maxDistanceCols = 32
)
