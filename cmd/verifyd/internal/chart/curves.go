package chart

import (
	"fmt"
	"io"
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
	var first *plotter.Polygon // which stands for all bands in the legend
	names = labels(names, func(k int) int { return k + 1 })
	for k, c := range curves {
		band, err := p.addCurve(f, c, names[k], k)
		if err != nil {
			return err
		}
		if first == nil {
			first = band
		}
	}
	if first != nil && interval != "" {
		p.name(plain(interval), first)
	}
	widen(&f.X)
	widen(&f.Y)
	return p.write(w)
}

// addCurve adds the band of a curve, which it returns if there is one, and its line, or the point that is all of it.
func (p *page) addCurve(f *plot.Plot, c Curve, name string, k int) (*plotter.Polygon, error) {
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
		band.Color, band.LineStyle.Width = faint{curve(k)}, 0
		f.Add(band)
	}
	drawn, single, err := plotter.NewLinePoints(points)
	if err != nil {
		return nil, fmt.Errorf("chart: %w", err)
	}
	drawn.LineStyle = draw.LineStyle{Color: curve(k), Width: 1.8, Dashes: dashes(k)}
	f.Add(drawn)
	if n == 1 {
		single.GlyphStyle = draw.GlyphStyle{Color: curve(k), Radius: 3, Shape: draw.CircleGlyph{}}
		f.Add(single)
	}
	p.name(name, drawn)
	return band, nil
}

// dashes tell curves apart without colour.
func dashes(k int) []vg.Length {
	return [][]vg.Length{nil, {6, 3}, {2, 2}, {8, 2, 2, 2}, {4, 4}, {1, 3}}[k%maxCurves]
}
