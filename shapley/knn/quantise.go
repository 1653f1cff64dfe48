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

// Outlier is a feature beyond the grid, which nothing but clipping brings into it.
type Outlier struct {
	Test        bool // of a test row
	Row, Column int  // from 0
	Value       float32
	Low, High   float64 // what the grid reaches, about
}

func (o *Outlier) Error() string {
	rows := "train"
	if o.Test {
		rows = "test"
	}
	return fmt.Sprintf("%s: row %d: feature %d: %v is outside %.6g to %.6g, which the test rows set: scale robustly, or clip", rows, o.Row, o.Column, o.Value, o.Low, o.High)
}

// inParts runs f on equal parts of 0 to n-1 side by side.
func inParts(n, threads int, f func(part, lo, hi int)) {
	var group sync.WaitGroup
	for p := range threads {
		group.Go(func() { f(p, n*p/threads, n*(p+1)/threads) })
	}
	group.Wait()
}

// quantise gives the features of train and test as pairs of int16, rows of (width+1)/2 words, and says in f what was
// rounded or clipped. Without clip it fails with the first Outlier, of training rows before test rows.
func (f *Features) quantise(train, test []float32, clip bool, threads int) (trainWords, testWords []int32, err error) {
	f.Exact = f.Scale == None && f.Step <= 1
	if trainWords, err = f.words(train, false, clip, threads); err != nil {
		return nil, nil, err
	}
	testWords, err = f.words(test, true, clip, threads)
	return trainWords, testWords, err
}

func (f *Features) words(x []float32, test, clip bool, threads int) ([]int32, error) {
	width, grid := len(f.Columns), float64(f.Grid)
	rows, w := len(x)/width, (width+1)/2
	centres, factors := make([]float64, width), make([]float64, width)
	for j, c := range f.Columns {
		centres[j], factors[j] = c.Centre, f.factor(j)
	}
	out := make([]int32, rows*w)
	first, rounded := slices.Repeat([]int{len(x)}, threads), make([]bool, threads)
	var clipped sync.Mutex
	inParts(rows, threads, func(p, lo, hi int) {
		exact := true
		for r := lo; r < hi; r++ {
			row, to := x[r*width:(r+1)*width], out[r*w:(r+1)*w]
			centres, factors := centres[:len(row)], factors[:len(row)]
			for j, v := range row {
				off := float64(v) - centres[j]
				z := float64(off * factors[j])
				q := math.RoundToEven(z)
				if q != z || off+centres[j] != float64(v) {
					exact = false
				}
				if q > grid || q < -grid {
					if !clip {
						first[p] = r*width + j
						return
					}
					q, exact = math.Copysign(grid, q), false
					clipped.Lock()
					f.Clipped++
					f.Columns[j].Clipped++
					clipped.Unlock()
				}
				to[j/2] |= int32(uint32(uint16(int32(q))) << (16 * (j % 2)))
			}
		}
		rounded[p] = !exact
	})
	if i := slices.Min(first); i < len(x) {
		c := f.Columns[i%width]
		far := float64(float64(grid*f.Step) * c.Unit)
		return nil, &Outlier{Test: test, Row: i / width, Column: i % width, Value: x[i], Low: c.Centre - far, High: c.Centre + far}
	}
	f.Exact = f.Exact && !slices.Contains(rounded, true)
	return out, nil
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
