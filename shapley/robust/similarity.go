package robust

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/verifyd/verifyd/shapley"
)

// Fingerprint is the hash of a row of data.
type Fingerprint = [32]byte

// One is the similarity 1: cosines and overlaps are integers in units of 1e-9.
const One = shapley.Unit

// cosine is that of two updates in units of 1e-9, rounded half to even: x.y / sqrt(x.x * y.y), every
// operation rounded to binary64. The squares are those of the updates with themselves.
func cosine(x, y [][]float32, xx, yy float64) int64 {
	if xx == 0 || yy == 0 {
		return 0
	}
	c := dot(x, y) / math.Sqrt(float64(xx*yy)) // within 1e-180 and 1e180: float32 squares are above 1e-90
	return max(-One, min(int64(math.RoundToEven(c*One)), One))
}

// dot is the sum of x[k][e]*y[k][e] in binary64, where each product is exact: term e of tensor k goes to
// lane e%8 from +0, the lanes are folded by halves, and the tensors' sums are added in their order.
func dot(x, y [][]float32) float64 {
	sum := 0.0
	for k, a := range x {
		var l [8]float64
		b := y[k][:len(a)]
		for len(a) >= 8 && len(b) >= 8 {
			for j := range l {
				l[j] += float64(float64(a[j]) * float64(b[j]))
			}
			a, b = a[8:], b[8:]
		}
		for j, v := range a {
			l[j] += float64(float64(v) * float64(b[j]))
		}
		for h := 4; h > 0; h >>= 1 {
			for j := range h {
				l[j] += l[j+h]
			}
		}
		sum += l[0]
	}
	return sum
}

// lengths are the squares of the updates. It refuses updates of different shapes and numbers that are
// not finite.
func lengths(ctx context.Context, updates [][][]float32) ([]float64, error) {
	squares, err := lengthsOf(ctx, updates)
	if err != nil {
		return nil, err
	}
	for i, s := range squares {
		if math.IsNaN(s) {
			return nil, fmt.Errorf("updates[%d]: an element is not finite", i)
		}
	}
	return squares, nil
}

// lengthsOf are the squares of the updates, NaN of one with an element that is not finite. It refuses updates of different shapes.
func lengthsOf(ctx context.Context, updates [][][]float32) ([]float64, error) {
	squares := make([]float64, len(updates))
	for i, u := range updates {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if len(u) != len(updates[0]) {
			return nil, fmt.Errorf("updates[%d]: %d tensors, %d in the first", i, len(u), len(updates[0]))
		}
		for k, t := range u {
			if len(t) != len(updates[0][k]) {
				return nil, fmt.Errorf("updates[%d]: tensor %d: %d elements, %d in the first", i, k, len(t), len(updates[0][k]))
			}
		}
		if squares[i] = math.NaN(); finite(u) {
			squares[i] = dot(u, u)
		}
	}
	return squares, nil
}

// finite says whether all elements are.
func finite(u [][]float32) bool {
	for _, t := range u {
		for _, v := range t {
			if math.Float32bits(v)&0x7f800000 == 0x7f800000 {
				return false
			}
		}
	}
	return true
}

// distinct sorts each player's fingerprints and removes repetitions.
func distinct(rows [][]Fingerprint) [][]Fingerprint {
	sets := make([][]Fingerprint, len(rows))
	for i, r := range rows {
		sets[i] = slices.Clone(r)
		slices.SortFunc(sets[i], func(a, b Fingerprint) int { return bytes.Compare(a[:], b[:]) })
		sets[i] = slices.Compact(sets[i])
	}
	return sets
}

// overlap is the share of the smaller of two sorted sets that the other has too, in units of 1e-9,
// rounded down; 0 for an empty set.
func overlap(a, b []Fingerprint) int64 {
	smaller := uint64(min(len(a), len(b)))
	if smaller == 0 {
		return 0
	}
	common := uint64(0)
	for len(a) > 0 && len(b) > 0 {
		switch c := bytes.Compare(a[0][:], b[0][:]); {
		case c < 0:
			a = a[1:]
		case c > 0:
			b = b[1:]
		default:
			common++
			a, b = a[1:], b[1:]
		}
	}
	return int64(common * One / smaller)
}
