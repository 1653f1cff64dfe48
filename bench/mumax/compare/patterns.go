// SPDX-License-Identifier: GPL-3.0-or-later

package compare

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Pattern is a result, bit for bit, and how often it came.
type Pattern struct {
	Bits  string  `json:"bits"` // of the binary32, in hexadecimal
	Value float32 `json:"value"`
	Times int     `json:"times"`
}

// Repeat is one reduction of the same numbers, done many times by one side.
type Repeat struct {
	Side      string    `json:"side"`
	Reduction Reduction `json:"reduction"`
	Elements  int       `json:"elements"`
	Runs      int       `json:"runs"`
	Distinct  int       `json:"distinct"`
	Patterns  []Pattern `json:"patterns"` // the most frequent first
	Exact     float64   `json:"exact"`    // in binary64
	Spread    float64   `json:"spread"`   // from the least result to the largest, in units of the last place of the exact one
}

// patternsOf counts the results of r over x.
func patternsOf(side string, r Reduction, x []float32, results []float32) Repeat {
	times := map[uint32]int{}
	for _, v := range results {
		times[math.Float32bits(v)]++
	}
	value, _ := exact(r, x)
	repeat := Repeat{Side: side, Reduction: r, Elements: len(x), Runs: len(results), Distinct: len(times), Exact: value}
	for bits, n := range times {
		repeat.Patterns = append(repeat.Patterns, Pattern{fmt.Sprintf("%08x", bits), math.Float32frombits(bits), n})
	}
	slices.SortFunc(repeat.Patterns, func(p, q Pattern) int {
		return cmp.Or(cmp.Compare(q.Times, p.Times), cmp.Compare(p.Bits, q.Bits))
	})
	if len(results) > 0 {
		repeat.Spread = (float64(slices.Max(results)) - float64(slices.Min(results))) / lastPlace(value)
	}
	return repeat
}

// lastPlace is the distance from the binary32 number nearest to v to the next larger magnitude.
func lastPlace(v float64) float64 {
	m := float32(math.Abs(v))
	return float64(math.Nextafter32(m, math.MaxFloat32)) - float64(m)
}

// steady is an error if a side's results varied.
func (r *Report) steady(side string) error {
	for _, p := range r.Repeats {
		if p.Side == side && p.Distinct != 1 {
			return fmt.Errorf("%s: %d runs of the %s of the same %d numbers gave %d different results, must be one",
				side, p.Runs, p.Reduction, p.Elements, p.Distinct)
		}
	}
	return nil
}
