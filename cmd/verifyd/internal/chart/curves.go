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
	return draws(w, newPage(title, "Utilities evaluated", "Estimated value"), interval, curves)
}

// Removal draws what is left of a utility as more and more players are removed.
func Removal(w io.Writer, title string, curves []Curve) error {
	return draws(w, newPage(title, "Players removed", "Utility of the rest"), "", curves)
}

func draws(w io.Writer, p *page, interval string, curves []Curve) error {
	if len(curves) < 1 || len(curves) > maxCurves {
		return fmt.Errorf("chart: curves: %d is outside 1 to %d", len(curves), maxCurves)
	}
	p.addGrid()
	var first *plotter.Polygon // which stands for all bands in the legend
	for k, c := range curves {
		band, err := p.addCurve(c, k)
		if err != nil {
			return err
		}
		if first == nil {
			first = band
		}
	}
	if first != nil && interval != "" {
		p.name(interval, first)
	}
	p.widen()
	return p.write(w, curveHeight)
}

// addCurve adds the band of a curve, which it returns if there is one, and its line.
func (p *page) addCurve(c Curve, k int) (*plotter.Polygon, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	n := len(c.X)
	at := func(y []int64, i int) plotter.XY { return plotter.XY{X: float64(c.X[i]), Y: real(y[i])} }
	points := make(plotter.XYs, n)
	for i := range n {
		points[i] = at(c.Y, i)
	}
	var band *plotter.Polygon
	if len(c.Low) > 0 {
		outline := make(plotter.XYs, 0, 2*n)
		for i := range n {
			outline = append(outline, at(c.Low, i))
		}
		for i := range n {
			outline = append(outline, at(c.High, n-1-i))
		}
		var err error
		if band, err = plotter.NewPolygon(outline); err != nil {
			return nil, fmt.Errorf("chart: %w", err)
		}
		band.Color, band.LineStyle.Width = faint(colors(k)), 0
		p.Add(band)
	}
	drawn, err := plotter.NewLine(points)
	if err != nil {
		return nil, fmt.Errorf("chart: %w", err)
	}
	drawn.LineStyle = draw.LineStyle{Color: colors(k), Width: 1.8, Dashes: dashes(k)}
	p.Add(drawn)
	p.name(c.Name, drawn)
	return band, nil
}

// dashes tell curves apart without colour.
func dashes(k int) []vg.Length {
	return [][]vg.Length{nil, {6, 3}, {2, 2}, {8, 2, 2, 2}, {4, 4}, {1, 3}}[k%maxCurves]
}

// addGrid adds faint rules behind all else.
func (p *page) addGrid() {
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = rule(), rule()
	p.Add(grid)
}

// widen leaves room about the points, so that a chart of equal values has a scale too.
func (p *page) widen() {
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		span := axis.Max - axis.Min
		if span <= 0 {
			span = max(math.Abs(axis.Max), 1e-9)
			axis.Min, axis.Max = axis.Min-span, axis.Max+span
			continue
		}
		axis.Min, axis.Max = axis.Min-span/50, axis.Max+span/50
	}
}

// line is a line in the legend.
type line draw.LineStyle

// Thumbnail draws the line across the middle.
func (l line) Thumbnail(c *draw.Canvas) {
	y := c.Center().Y
	c.StrokeLine2(draw.LineStyle(l), c.Min.X, y, c.Max.X, y)
}
