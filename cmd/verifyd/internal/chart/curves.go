package chart

import (
	"fmt"
	"io"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

const (
	curveHeight = 4.2 * vg.Inch
	maxCurves   = 6
	maxPoints   = 10_000
)

// Curve is a line of a chart: Y, in units of 1e-9, over the counts X, which ascend. Low and High, if
// set, are the ends of an interval about each Y.
type Curve struct {
	Name         string
	X            []int64
	Y, Low, High []int64
}

func (c Curve) check() error {
	n := len(c.X)
	switch {
	case n < 1 || n > maxPoints:
		return fmt.Errorf("chart: curve %s: %d points is outside 1 to %d", plain(c.Name), n, maxPoints)
	case len(c.Y) != n || len(c.Low) != len(c.High) || len(c.Low) != 0 && len(c.Low) != n:
		return fmt.Errorf("chart: curve %s: %d counts for %d points with %d and %d ends of intervals", plain(c.Name), n, len(c.Y), len(c.Low), len(c.High))
	case !slices.IsSorted(c.X):
		return fmt.Errorf("chart: curve %s: the counts do not ascend", plain(c.Name))
	}
	return nil
}

// Convergence draws how estimates settle as the number of utility evaluations grows. interval says
// what the bands are; empty for none.
func Convergence(w io.Writer, title, interval string, curves []Curve) error {
	return draws(w, title, "Utilities evaluated", "Estimated value", interval, curves)
}

// Removal draws what is left of a utility as more and more players are removed.
func Removal(w io.Writer, title string, curves []Curve) error {
	return draws(w, title, "Players removed", "Utility of the rest", "", curves)
}

func draws(w io.Writer, title, x, y, interval string, curves []Curve) error {
	if len(curves) < 1 || len(curves) > maxCurves {
		return fmt.Errorf("chart: curves: %d is outside 1 to %d", len(curves), maxCurves)
	}
	names := make([]string, len(curves))
	for k, c := range curves {
		if err := c.check(); err != nil {
			return err
		}
		names[k] = c.Name
	}
	p := newPage(title)
	f := p.panel(x, y, curveHeight)
	addGrid(f, true)
	low, high := settled(curves)
	var first *plotter.Polygon // which stands for all bands in the legend
	for k, c := range curves { // behind all lines
		band, err := addBand(f, c.within(low, high), faint{curve(k), len(curves)})
		if err != nil {
			return err
		}
		if first == nil {
			first = band
		}
	}
	for k, name := range labels(names, func(k int) int { return k + 1 }) {
		line, err := addLine(f, curves[k], k)
		if err != nil {
			return err
		}
		p.name(name, line)
	}
	if first != nil && interval != "" {
		p.name(plain(interval), first)
	}
	widen(&f.X)
	widen(&f.Y)
	return p.write(w)
}

// settled is the range in which curves are drawn: all of them, and of their bands as much as leaves the curves apart,
// which is several times what the bands are at the end.
func settled(curves []Curve) (low, high int64) {
	low, high = math.MaxInt64, math.MinInt64
	half := uint64(0)
	for _, c := range curves {
		low, high = min(low, slices.Min(c.Y)), max(high, slices.Max(c.Y))
		if n := len(c.Low); n > 0 {
			half = max(half, uint64(c.High[n-1])-uint64(c.Y[n-1]), uint64(c.Y[n-1])-uint64(c.Low[n-1]))
		}
	}
	most := max(2*min(half, math.MaxUint64/2), (uint64(high)-uint64(low))/2)
	low, _ = Around(low, most)
	_, high = Around(high, most)
	return low, high
}

// within is a curve whose band is cut where it leaves a range.
func (c Curve) within(low, high int64) Curve {
	c.Low, c.High = slices.Clone(c.Low), slices.Clone(c.High)
	for i := range c.Low {
		c.Low[i], c.High[i] = max(c.Low[i], low), min(c.High[i], high)
	}
	return c
}

// addBand adds the band of a curve, and returns it if there is one.
func addBand(f *plot.Plot, c Curve, shade faint) (*plotter.Polygon, error) {
	n := len(c.Low)
	if n == 0 {
		return nil, nil
	}
	outline := make(plotter.XYs, 0, 2*n)
	for i := range n {
		outline = append(outline, plotter.XY{X: float64(c.X[i]), Y: real(c.Low[i])})
	}
	for i := range n {
		outline = append(outline, plotter.XY{X: float64(c.X[n-1-i]), Y: real(c.High[n-1-i])})
	}
	band, err := plotter.NewPolygon(outline)
	if err != nil {
		return nil, fmt.Errorf("chart: %w", err)
	}
	band.Color, band.LineStyle.Width = shade, 0
	f.Add(band)
	return band, nil
}

// addLine adds the line of a curve, or the point that is all of it.
func addLine(f *plot.Plot, c Curve, k int) (*plotter.Line, error) {
	points := make(plotter.XYs, len(c.X))
	for i := range points {
		points[i] = plotter.XY{X: float64(c.X[i]), Y: real(c.Y[i])}
	}
	drawn, single, err := plotter.NewLinePoints(points)
	if err != nil {
		return nil, fmt.Errorf("chart: %w", err)
	}
	drawn.LineStyle = draw.LineStyle{Color: curve(k), Width: 1.8, Dashes: dashes(k)}
	f.Add(drawn)
	if len(points) == 1 {
		single.GlyphStyle = draw.GlyphStyle{Color: curve(k), Radius: 3, Shape: draw.CircleGlyph{}}
		f.Add(single)
	}
	return drawn, nil
}

// dashes tell curves apart without colour.
func dashes(k int) []vg.Length {
	return [][]vg.Length{nil, {6, 3}, {2, 2}, {8, 2, 2, 2}, {4, 4}, {1, 3}}[k%maxCurves]
}
