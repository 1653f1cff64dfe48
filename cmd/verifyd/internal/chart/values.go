package chart

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Limits of a chart.
const (
	MaxPlayers = 1 << 24
	maxNamed   = 40   // players with a line of their own
	maxDrawn   = 1000 // points of a curve of ranks
)

// Value is what a player is worth and the ends of its interval, in units of 1e-9. The ends of a value
// that is exact are the value.
type Value struct {
	Player           string
	Value, Low, High int64
}

func (v Value) check() error {
	if v.Low > v.Value || v.High < v.Value {
		return fmt.Errorf("chart: player %s: %d is outside its interval, %d to %d", plain(v.Player), v.Value, v.Low, v.High)
	}
	return nil
}

// Values draws the values of players, the largest first: a point and an interval each for up to 40
// players, for more of them a curve over the ranks. interval says what the intervals are, as in
// "95 % interval"; empty if the values are exact.
func Values(w io.Writer, title, interval string, values []Value) error {
	if len(values) < 1 || len(values) > MaxPlayers {
		return fmt.Errorf("chart: players: %d is outside 1 to %d", len(values), MaxPlayers)
	}
	for _, v := range values {
		if err := v.check(); err != nil {
			return err
		}
	}
	sorted := slices.Clone(values)
	slices.SortStableFunc(sorted, func(a, b Value) int { return cmp.Compare(b.Value, a.Value) })
	if len(sorted) > maxNamed {
		return ranks(w, title, interval, sorted)
	}
	return lines(w, title, interval, sorted)
}

// lines draws a line for each player, the largest value on top.
func lines(w io.Writer, title, interval string, sorted []Value) error {
	n := len(sorted)
	p := newPage(title, "Value", "")
	points := make(plotter.XYs, n)
	whiskers := make(plotter.XErrors, n)
	ticks := make(plot.ConstantTicks, n)
	for k, v := range sorted {
		y := float64(n - 1 - k)
		points[k].X, points[k].Y = real(v.Value), y
		whiskers[k].Low, whiskers[k].High = real(v.Value)-real(v.Low), real(v.High)-real(v.Value)
		ticks[k] = plot.Tick{Value: y, Label: plain(v.Player)}
	}
	p.Y.Tick.Marker = ticks
	p.Y.Tick.Length = 0
	p.addGrid()
	if interval != "" {
		bars, err := plotter.NewXErrorBars(struct {
			plotter.XYer
			plotter.XErrorer
		}{points, whiskers})
		if err != nil {
			return fmt.Errorf("chart: %w", err)
		}
		bars.Color, bars.Width, bars.CapWidth = colors(0), 1.2, 5
		p.Add(bars)
		p.name(interval, line(draw.LineStyle{Color: colors(0), Width: 1.2}))
	}
	dots, err := plotter.NewScatter(points)
	if err != nil {
		return fmt.Errorf("chart: %w", err)
	}
	dots.GlyphStyle = draw.GlyphStyle{Color: colors(0), Radius: 3, Shape: draw.CircleGlyph{}}
	p.Add(dots)
	p.name("value", dots)
	p.widen()
	p.Y.Min, p.Y.Max = -0.5, float64(n)-0.5
	return p.write(w, 110+vg.Length(n)*18)
}

// ranks draws values over their ranks, with a band for the intervals.
func ranks(w io.Writer, title, interval string, sorted []Value) error {
	p := newPage(title, "Rank of the player", "Value")
	step := (len(sorted) + maxDrawn - 1) / maxDrawn
	c := Curve{Name: "value"}
	for k := 0; k < len(sorted); k += step {
		if k+step >= len(sorted) {
			k = len(sorted) - 1 // the least value is always there
		}
		v := sorted[k]
		c.X, c.Y = append(c.X, int64(k+1)), append(c.Y, v.Value)
		c.Low, c.High = append(c.Low, v.Low), append(c.High, v.High)
	}
	if interval == "" {
		c.Low, c.High = nil, nil
	}
	return draws(w, p, interval, []Curve{c})
}
