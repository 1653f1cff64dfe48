package knn

import (
	"fmt"
	"math"
	"slices"
)

// Scale is what the features of a column are measured in. It is taken from the test rows alone, which are the operator's:
// no training row moves how another one is measured.
type Scale uint8

// The scales. A column that is constant in the test rows has the unit 1, and its constant for a centre.
const (
	None     Scale = iota // one unit for all columns, about the middle of each column's range
	Standard              // standard deviations (over m, not m-1) about the mean
	Robust                // interquartile ranges over 1.349, a normal law's deviation, about the median; deviations where they are 0
)

var scaleNames = [...]string{"none", "standard", "robust"}

func (s Scale) String() string {
	if int(s) < len(scaleNames) {
		return scaleNames[s]
	}
	return fmt.Sprintf("scale(%d)", uint8(s))
}

// ParseScale reads a scale's name.
func ParseScale(name string) (Scale, error) {
	for s, n := range scaleNames {
		if n == name {
			return Scale(s), nil
		}
	}
	return 0, fmt.Errorf("unknown scale %.40q: want one of %v", name, scaleNames)
}

// Features say how features were measured: x in column j as the whole number nearest to (x - Centre)/(Unit Step), ties to
// even. Centre, Unit, Step and 1/(Unit Step) are binary64, each operation rounded once.
type Features struct {
	Scale   Scale
	Step    float64 // of the grid, in units of the scale
	Grid    int     // the largest magnitude of a whole number
	Exact   bool    // nothing was rounded or clipped: all distances are those of the features as they were given
	Clipped int     // features that were set to the edge of the grid, in training and test rows
	Columns []Column
}

// Column is how a column is measured.
type Column struct {
	Centre, Unit float64
	Clipped      int // of Features.Clipped
}

// factor is what a feature less its column's centre is multiplied by.
func (f *Features) factor(column int) float64 { return 1 / float64(f.Columns[column].Unit*f.Step) }

const (
	reach      = 16   // units of Standard and Robust that the grid covers, each way
	resolution = 2048 // steps that None has for the test rows, each way, if the grid is as large; the rest, half of the grid at least, is for training rows beyond
)

// measureFeatures takes the scale from the test rows.
func measureFeatures(test []float32, width int, scale Scale, threads int) *Features {
	f := &Features{Scale: scale, Grid: Grid(width), Columns: make([]Column, width)}
	columns := make([]column, width)
	inParts(width, threads, func(_, lo, hi int) { sweep(columns[lo:hi], test[lo:], width) })
	whole, most, size := true, 0.0, 0.0
	for j := range columns {
		c := &columns[j]
		f.Columns[j] = Column{Centre: c.middle(), Unit: 1}
		whole = whole && c.whole
		most = max(most, c.most-f.Columns[j].Centre, f.Columns[j].Centre-c.least)
		size = max(size, c.most, -c.least)
	}
	if scale == None {
		f.Step = f.step(whole, most, size)
		return f
	}
	f.Step = reach / float64(f.Grid)
	inParts(width, threads, func(_, lo, hi int) { deviations(columns[lo:hi], test[lo:], width) })
	inParts(width, threads, func(_, lo, hi int) {
		var sorted []float32
		for j := lo; j < hi; j++ {
			c := &columns[j]
			if c.least == c.most {
				continue
			}
			f.Columns[j] = Column{Centre: c.mean, Unit: c.deviation}
			if scale == Robust {
				sorted = sorted[:0]
				for i := j; i < len(test); i += width {
					sorted = append(sorted, test[i])
				}
				slices.Sort(sorted)
				f.Columns[j].Centre = quantile(sorted, 2)
				if between := float64(quantile(sorted, 3) - quantile(sorted, 1)); between > 0 {
					f.Columns[j].Unit = between / 1.349
				}
			}
		}
	})
	return f
}

// step is that of None. Where all test rows are whole it is a power of two, 1 at most if the grid reaches as far: whole
// numbers stay as they are. Test rows that are all equal have no range: their own magnitude is taken for it.
func (f *Features) step(whole bool, most, size float64) float64 {
	if most == 0 {
		most = size
	}
	if most == 0 {
		most = 1
	}
	step := most / float64(min(resolution, f.Grid/2))
	if !whole {
		return step
	}
	fraction, exponent := math.Frexp(step)
	if fraction == 0.5 {
		exponent--
	}
	step = math.Ldexp(1, exponent)
	if step > 1 && most <= float64(f.Grid) {
		step = 1
	}
	return step
}

// column is what the test rows say of a feature.
type column struct {
	least, most     float64
	whole           bool
	mean, deviation float64
}

// middle is the middle of the column's range, a whole number if the column has no others.
func (c *column) middle() float64 {
	m := float64(c.least+c.most) / 2
	if c.whole {
		return math.RoundToEven(m)
	}
	return m
}

// sweep finds the ranges and sums of columns that begin with x, rows being width apart.
func sweep(columns []column, x []float32, width int) {
	for j := range columns {
		columns[j] = column{least: float64(x[j]), most: float64(x[j]), whole: true}
	}
	rows := 0
	for ; rows*width < len(x); rows++ {
		for j, v := range x[rows*width:][:len(columns)] {
			c, v := &columns[j], float64(v)
			c.least, c.most = min(c.least, v), max(c.most, v)
			c.whole = c.whole && math.Trunc(v) == v
			c.mean += v
		}
	}
	for j := range columns {
		columns[j].mean /= float64(rows)
	}
}

// deviations adds the standard deviations of columns whose means are known.
func deviations(columns []column, x []float32, width int) {
	rows := 0
	for ; rows*width < len(x); rows++ {
		for j, v := range x[rows*width:][:len(columns)] {
			off := float64(v) - columns[j].mean
			columns[j].deviation += float64(off * off)
		}
	}
	for j := range columns {
		columns[j].deviation = math.Sqrt(columns[j].deviation / float64(rows))
	}
}

// quantile is a quartile of sorted numbers, linear between those at its sides.
func quantile(sorted []float32, quarter int) float64 {
	at := quarter * (len(sorted) - 1)
	low := float64(sorted[at/4])
	if at%4 == 0 {
		return low
	}
	return low + float64(float64(float64(sorted[at/4+1])-low)*(float64(at%4)/4))
}
