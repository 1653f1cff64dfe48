package kernels

import "math"

// seenKeys are the keys of a sample that its mask lets be seen: the first n but for holes, which are places below n,
// ascending. What lies behind them, or in a hole, is no term of any sum, so that it is never read.
type seenKeys struct {
	n     int
	holes []int32 // of the worker, until it looks at another mask
}

// keysOf are the keys of a sample. A mask that is nil has them all.
func (w *worker) keysOf(o SDPA, mask []int32, sample int) seenKeys {
	if mask == nil {
		return seenKeys{n: o.Keys}
	}
	mask = mask[sample*o.Keys:][:o.Keys]
	n := len(mask)
	for n > 0 && mask[n-1] == 0 {
		n--
	}
	if cap(w.at) < n {
		w.at = make([]int32, o.Keys)
	}
	holes := w.at[:0]
	for j, m := range mask[:n] {
		if m == 0 {
			holes = append(holes, int32(j))
		}
	}
	return seenKeys{n, holes}
}

// room is the scratch that rows needs for n keys.
func (s seenKeys) room(o SDPA, n int) int {
	if len(s.holes) == 0 {
		return 0
	}
	return 2 * n * o.HeadDim
}

// rows are the matrices of the first n keys and values of a head of queries. Where there are holes they are copies with +0 in
// them, which a weight of +0 makes terms that change nothing.
func (s seenKeys) rows(o SDPA, sample, head, n int, k, v headRows, scratch []float32) (kh, vh mat, rest []float32) {
	head /= o.Heads / o.KVHeads
	kh, vh = k.head(o.HeadDim, o.Keys, sample, head), v.head(o.HeadDim, o.Keys, sample, head)
	if len(s.holes) == 0 {
		return kh, vh, scratch
	}
	kh, scratch = s.filled(kh, n, o.HeadDim, scratch)
	vh, scratch = s.filled(vh, n, o.HeadDim, scratch)
	return kh, vh, scratch
}

// filled is a copy of the first n rows of m with +0 in the holes.
func (s seenKeys) filled(m mat, n, dim int, scratch []float32) (c mat, rest []float32) {
	for j := range n {
		copy(scratch[j*dim:][:dim], m.data[j*m.row:])
	}
	for _, j := range s.holes {
		if int(j) < n {
			clear(scratch[int(j)*dim:][:dim])
		}
	}
	return mat{scratch, dim, 1}, scratch[n*dim:]
}

// weights turns the scaled scores of a query into its weights, +0 in the holes, and returns their maximum and their sum.
func (s seenKeys) weights(v *vector, e []float32) (top, sum float32) {
	for _, j := range s.holes {
		if int(j) >= len(e) {
			break
		}
		e[j] = float32(math.Inf(-1)) // never the maximum, and its exponential is +0
	}
	top = v.max(e)
	sum = v.rowExpSum(e, e, top)
	if len(s.holes) > 0 && math.IsInf(float64(top), -1) { // no key has a number as its score
		s.clear(e)
		sum = v.rowSum(e)
	}
	return top, sum
}

// clear sets the holes of a row to +0.
func (s seenKeys) clear(row []float32) {
	for _, j := range s.holes {
		if int(j) >= len(row) {
			break
		}
		row[j] = 0
	}
}
