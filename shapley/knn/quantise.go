package knn

import (
	"fmt"
	"math"
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

// Quantise turns the features of training and test rows into pairs of int16, rows of (width+1)/2 words.
// Whole numbers up to Grid stay as they are; otherwise every feature is x*Grid/most, in binary64 with a rounding
// to binary64 for each operation, rounded to the nearest integer, ties to even, where most is the largest
// magnitude in both sets.
func Quantise(train, test []float32, width int) (trainWords, testWords []int32) {
	grid := float64(Grid(width))
	most, whole := 0.0, true
	for _, x := range [][]float32{train, test} {
		for _, v := range x {
			a := math.Abs(float64(v))
			most = max(most, a)
			whole = whole && a == math.Trunc(a)
		}
	}
	if whole && most <= grid {
		most = grid
	}
	if most == 0 {
		most = 1
	}
	return words(train, width, grid, most), words(test, width, grid, most)
}

func words(x []float32, width int, grid, most float64) []int32 {
	rows, w := len(x)/width, (width+1)/2
	out := make([]int32, rows*w)
	for r := range rows {
		for j, v := range x[r*width : (r+1)*width] {
			q := int32(math.RoundToEven(float64(float64(v)*grid) / most))
			out[r*w+j/2] |= int32(uint32(uint16(q)) << (16 * (j % 2)))
		}
	}
	return out
}

// rowsOf counts the rows of features and refuses what is ragged or not finite.
func rowsOf(name string, x []float32, width int) (int, error) {
	if len(x) == 0 || len(x)%width != 0 {
		return 0, fmt.Errorf("%s: %d numbers are not whole rows of %d", name, len(x), width)
	}
	for i, v := range x {
		if math.Float32bits(v)&0x7f800000 == 0x7f800000 {
			return 0, fmt.Errorf("%s: row %d: feature %d is not finite", name, i/width, i%width)
		}
	}
	n := len(x) / width
	if n > MaxRows {
		return 0, fmt.Errorf("%s: %d rows are above the limit %d", name, n, MaxRows)
	}
	return n, nil
}
