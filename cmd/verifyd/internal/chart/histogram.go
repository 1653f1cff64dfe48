package chart

import (
	"fmt"
	"math/bits"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

const (
	bins            = 40
	histogramHeight = 2.1 * vg.Inch
)

// histogram adds a panel with how many players of a list, the largest value first, have which value.
func (p *page) histogram(sorted []ranked) {
	low, high := sorted[len(sorted)-1].Value.Value, sorted[0].Value.Value
	counts := make([]int, bins)
	for _, v := range sorted {
		counts[bin(v.Value.Value, low, high)]++
	}
	f := p.panel("Value of the others", "Players", histogramHeight)
	f.X.Min, f.X.Max = real(low), real(high)
	if low == high {
		f.X.Tick.Marker = across(3)
	}
	widen(&f.X)
	f.Y.Min, f.Y.Max = 0, 0
	for _, n := range counts {
		f.Y.Max = max(f.Y.Max, float64(n))
	}
	f.Y.Max *= 1.05
	f.Y.Tick.Marker = upward(4)
	addGrid(f, true)
	f.Add(origin{}, &bars{p, counts, low, high})
}

// bin is the bin of a value among those from low to high: bins*(v-low)/(high-low+1), without rounding.
func bin(v, low, high int64) int {
	span := uint64(high) - uint64(low)
	if span == 0 {
		return bins / 2
	}
	hi, lo := bits.Mul64(uint64(v)-uint64(low), bins)
	if hi >= span {
		return bins - 1
	}
	q, _ := bits.Div64(hi, lo, span)
	return int(min(q, bins-1))
}

// bars draws the counts of bins.
type bars struct {
	page      *page
	counts    []int
	low, high int64
}

func (b *bars) Plot(c draw.Canvas, f *plot.Plot) {
	x, y := f.Transforms(&c)
	from, to := x(real(b.low)), x(real(b.high))
	if b.low == b.high {
		from, to = c.Min.X, c.Max.X
	}
	each := (to - from) / bins
	for k, n := range b.counts {
		if n == 0 {
			continue
		}
		left := from + vg.Length(k)*each
		b.page.canvas.open(fmt.Sprintf("%d players", n))
		c.FillPolygon(curve(0), []vg.Point{
			{X: left + 0.5, Y: c.Min.Y}, {X: left + 0.5, Y: y(float64(n))}, {X: left + each - 0.5, Y: y(float64(n))}, {X: left + each - 0.5, Y: c.Min.Y},
		})
		b.page.canvas.close()
	}
}
