package round

// dotBlock is how many terms are summed before the sums of blocks are.
const dotBlock = 1 << 16

// dot is the sum of float32(w*x[e]) * v[e] in binary64, every operation rounded: term e of a block of
// dotBlock goes to lane e%8 from +0, the lanes are folded by halves, and the blocks' sums are added in
// their order.
func dot(w float32, x []float32, v []float64) float64 {
	sum := 0.0
	for lo := 0; lo < len(x); lo += dotBlock {
		hi := min(lo+dotBlock, len(x))
		sum += dotOf(w, x[lo:hi], v[lo:hi])
	}
	return sum
}

func dotOf(w float32, x []float32, v []float64) float64 {
	var l [8]float64
	v = v[:len(x)]
	for len(x) >= 8 && len(v) >= 8 {
		for k := range l {
			l[k] += float64(float64(float32(w*x[k])) * v[k])
		}
		x, v = x[8:], v[8:]
	}
	for k, e := range x {
		l[k] += float64(float64(float32(w*e)) * v[k])
	}
	for h := 4; h > 0; h >>= 1 {
		for k := range h {
			l[k] += l[k+h]
		}
	}
	return l[0]
}

// squares is the sum of the squares of tensors, in the order of dot.
func squares(tensors [][]float32) float64 {
	sum := 0.0
	for _, t := range tensors {
		v := make([]float64, min(len(t), dotBlock))
		for lo := 0; lo < len(t); lo += dotBlock {
			block := t[lo:min(lo+dotBlock, len(t))]
			for e, x := range block {
				v[e] = float64(x)
			}
			sum += dotOf(1, block, v[:len(block)])
		}
	}
	return sum
}
