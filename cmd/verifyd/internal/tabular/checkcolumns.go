package tabular

import (
	"encoding/binary"
	"hash/maphash"
	"math"
	"slices"
	"strconv"
)

// ColumnReport is one feature.
type ColumnReport struct {
	Name     string  `json:"name"`
	Type     string  `json:"type"`
	Least    float32 `json:"least"`
	Lower    float32 `json:"lower_quartile"`
	Median   float32 `json:"median"`
	Upper    float32 `json:"upper_quartile"`
	Most     float32 `json:"most"`
	Constant bool    `json:"constant,omitempty"`
	Counts   bool    `json:"counts_rows,omitempty"` // goes up by one from row to row
	// Outliers lie beyond the quartiles by more than ten times the distance between these, or, where that is 0, beyond the mean
	// by more than a hundred deviations.
	Outliers    int     `json:"outliers,omitempty"`
	Furthest    float32 `json:"furthest,omitempty"`
	FurthestRow int     `json:"furthest_row,omitempty"`
}

// width is how far the cells reach.
func (c *ColumnReport) width() float64 { return float64(c.Most) - float64(c.Least) }

// columnReports describes the features of a table.
func columnReports(t *Table) []ColumnReport {
	reports := make([]ColumnReport, t.Cols)
	x, sorted := make([]float32, t.Rows), make([]float32, t.Rows)
	for k := range reports {
		r := &reports[k]
		r.Name, r.Type = strconv.Itoa(k+1), t.Types[k]
		if t.Names != nil {
			r.Name = t.Names[k]
		}
		r.Counts = t.Rows > 2
		for i := range x {
			x[i] = t.F[i*t.Cols+k]
			r.Counts = r.Counts && x[i] == x[0]+float32(i)
		}
		copy(sorted, x)
		slices.Sort(sorted)
		at := func(share int) float32 { return sorted[(t.Rows-1)*share/4] }
		r.Least, r.Lower, r.Median, r.Upper, r.Most = at(0), at(1), at(2), at(3), at(4)
		r.Constant = r.Least == r.Most
		r.outliers(x)
	}
	return reports
}

// outliers finds cells that are far from the others.
func (c *ColumnReport) outliers(x []float32) {
	low, high := float64(c.Lower), float64(c.Upper)
	reach := 10 * (high - low)
	if reach == 0 {
		mean, square := 0.0, 0.0
		for _, v := range x {
			mean += float64(v) / float64(len(x))
		}
		for _, v := range x {
			square += (float64(v) - mean) * (float64(v) - mean) / float64(len(x))
		}
		low, high, reach = mean, mean, 100*math.Sqrt(square)
	}
	furthest := 0.0
	for i, v := range x {
		if off := max(low-float64(v), float64(v)-high); off > reach {
			if c.Outliers++; off > furthest {
				furthest, c.Furthest, c.FurthestRow = off, v, i
			}
		}
	}
}

// rowIndex finds rows by their features.
type rowIndex struct {
	table *Table
	seed  maphash.Seed
	rows  map[uint64][]int32
}

func newRowIndex(t *Table) *rowIndex {
	x := &rowIndex{table: t, seed: maphash.MakeSeed(), rows: make(map[uint64][]int32, t.Rows)}
	for r := range t.Rows {
		if x.find(t, r) < 0 {
			h := x.hash(t, r)
			x.rows[h] = append(x.rows[h], int32(r))
		}
	}
	return x
}

// find is the first row of the index with the features of row r of t; -1 for none. The two have as many columns.
func (x *rowIndex) find(t *Table, r int) int {
	for _, k := range x.rows[x.hash(t, r)] {
		if slices.Equal(x.table.row(int(k)), t.row(r)) {
			return int(k)
		}
	}
	return -1
}

func (x *rowIndex) hash(t *Table, r int) uint64 {
	var h maphash.Hash
	h.SetSeed(x.seed)
	var b [4]byte
	for _, v := range t.row(r) {
		binary.LittleEndian.PutUint32(b[:], math.Float32bits(v+0)) // -0 is 0
		h.Write(b[:])
	}
	return h.Sum64()
}

// row is the features of a row.
func (t *Table) row(r int) []float32 { return t.F[r*t.Cols : (r+1)*t.Cols] }

// same says that two cells are the same.
func (c *Column) same(a, b int) bool {
	switch {
	case c.real != nil:
		return c.real[a] == c.real[b]
	case c.whole != nil:
		return c.whole[a] == c.whole[b]
	}
	return c.text[a] == c.text[b]
}
