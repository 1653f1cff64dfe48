package knn

import (
	"fmt"
	"math"
	"slices"
	"sync"
)

// Limits of a game.
const (
	MaxRows  = 1 << 24 // training or test rows
	MaxWidth = 1 << 16 // features
	MaxPairs = 1 << 40 // training rows times test rows
)

// Grid is the largest magnitude of a quantised feature of rows so wide: (2 Grid)^2 times the width is below 2^32, so
// that no squared distance overflows, and it is at most 16383.
func Grid(width int) int {
	q := int(math.Sqrt(float64((1<<32-1)/width)) / 2)
	return min(q, 16383)
}

// Quantise turns the features of training and test rows, which are finite, into pairs of int16, rows of
// (width+1)/2 words. Whole numbers up to Grid stay as they are; otherwise every feature is x*Grid/most, in binary64
// with a rounding to binary64 for each operation, rounded to the nearest integer, ties to even, where most is
// the largest magnitude in both sets.
func Quantise(train, test []float32, width, threads int) (trainWords, testWords []int32) {
	grid := float64(Grid(width))
	most, whole := 0.0, true
	for _, x := range [][]float32{train, test} {
		m, w := magnitude(x, threads)
		most, whole = max(most, m), whole && w
	}
	if whole && most <= grid {
		most = grid
	}
	if most == 0 {
		most = 1
	}
	return words(train, width, threads, grid, most), words(test, width, threads, grid, most)
}

// magnitude is the largest magnitude in x, and whether all of it is whole numbers.
func magnitude(x []float32, threads int) (most float64, whole bool) {
	parts := make([]float32, threads)
	broken := make([]bool, threads)
	inParts(len(x), threads, func(p, lo, hi int) {
		m, ok := float32(0), true
		for _, v := range x[lo:hi] {
			a := math.Float32frombits(math.Float32bits(v) &^ (1 << 31))
			if a > m {
				m = a
			}
			if ok && float32(math.Trunc(float64(a))) != a {
				ok = false
			}
		}
		parts[p], broken[p] = m, !ok
	})
	return float64(slices.Max(parts)), !slices.Contains(broken, true)
}

// inParts runs f on equal parts of 0 to n-1 side by side.
func inParts(n, threads int, f func(part, lo, hi int)) {
	var group sync.WaitGroup
	for p := range threads {
		group.Go(func() { f(p, n*p/threads, n*(p+1)/threads) })
	}
	group.Wait()
}

func words(x []float32, width, threads int, grid, most float64) []int32 {
	rows, w := len(x)/width, (width+1)/2
	out := make([]int32, rows*w)
	inParts(rows, threads, func(_, lo, hi int) {
		for r := lo; r < hi; r++ {
			row, to := x[r*width:(r+1)*width], out[r*w:(r+1)*w]
			for j, v := range row {
				q := int32(math.RoundToEven(float64(float64(v)*grid) / most))
				to[j/2] |= int32(uint32(uint16(q)) << (16 * (j % 2)))
			}
		}
	})
	return out
}

// rowsOf counts the rows of features and refuses what is ragged or not finite.
func rowsOf(name string, x []float32, width, threads int) (int, error) {
	if len(x) == 0 || len(x)%width != 0 {
		return 0, fmt.Errorf("%s: %d numbers are not whole rows of %d", name, len(x), width)
	}
	n := len(x) / width
	if n > MaxRows {
		return 0, fmt.Errorf("%s: %d rows are above the limit %d", name, n, MaxRows)
	}
	first := slices.Repeat([]int{len(x)}, threads)
	inParts(len(x), threads, func(p, lo, hi int) {
		for i := lo; i < hi; i++ {
			if math.Float32bits(x[i])&0x7f800000 == 0x7f800000 {
				first[p] = i
				return
			}
		}
	})
	if i := slices.Min(first); i < len(x) {
		return 0, fmt.Errorf("%s: row %d: feature %d is not finite", name, i/width, i%width)
	}
	return n, nil
}
