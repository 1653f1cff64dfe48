package chart

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Limits of a chart.
const (
	MaxPlayers = 1 << 24
	MaxRows    = 60 // players with a row of their own; of more, only the extremes have one
	extremes   = 20 // rows at each end then
	rowHeight  = vg.Length(15)
	axisHeight = vg.Length(40) // marks and the label below a panel
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

// ranked is a value and the number of its player, from 1.
type ranked struct {
	Value
	number int
}

// Values draws the values of players, the largest first: a point and an interval each for up to MaxRows
// players; of more of them, for the 20 at either end, with a histogram of those between. interval says what the
// intervals are, as in "95 % interval"; empty if the values are exact.
func Values(w io.Writer, title, interval string, values []Value) error {
	if len(values) < 1 || len(values) > MaxPlayers {
		return fmt.Errorf("chart: players: %d is outside 1 to %d", len(values), MaxPlayers)
	}
	sorted := make([]ranked, len(values))
	for i, v := range values {
		if err := v.check(); err != nil {
			return err
		}
		sorted[i] = ranked{v, i + 1}
	}
	slices.SortStableFunc(sorted, func(a, b ranked) int { return cmp.Compare(b.Value.Value, a.Value.Value) })
	p := newPage(title)
	if n := len(sorted); n > MaxRows {
		p.rows(interval, sorted[:extremes], n-2*extremes, sorted[n-extremes:])
		p.histogram(sorted[extremes : n-extremes])
	} else {
		p.rows(interval, sorted, 0, nil)
	}
	return p.write(w)
}

// row is what is drawn of a player.
type row struct {
	ranked
	at float64 // place from below
}

// rows adds a panel with a row for each player, of whom some may be left out between two lists.
func (p *page) rows(interval string, top []ranked, between int, bottom []ranked) {
	shown := slices.Concat(top, bottom)
	places := len(shown)
	if between > 0 {
		places++
	}
	names := make([]string, len(shown))
	for i, v := range shown {
		names[i] = v.Player
	}
	names = labels(names, func(i int) int { return shown[i].number })
	f := p.panel("Value", "", vg.Length(places)*rowHeight+axisHeight)
	marks := make(plot.ConstantTicks, 0, places)
	all := &rows{page: p, interval: interval}
	for i, v := range shown {
		at := float64(places - 1 - i)
		if i >= len(top) {
			at = float64(len(shown) - 1 - i)
		}
		all.rows = append(all.rows, row{v, at})
		marks = append(marks, plot.Tick{Value: at, Label: names[i]})
	}
	if between > 0 {
		all.cut = float64(len(bottom))
		all.note = fmt.Sprintf("%d others: their values are below", between)
	}
	f.Y.Tick.Marker, f.Y.Tick.Length = marks, 0
	f.X.Min, f.X.Max = reach(shown)
	widen(&f.X)
	f.Y.Min, f.Y.Max = -0.5, float64(places)-0.5
	f.Y.LineStyle.Width = 0
	addGrid(f, false)
	f.Add(origin{}, all)
	p.name("value", dot{})
	if interval != "" {
		p.name(plain(interval), whisker{})
		if slices.ContainsFunc(shown, func(v ranked) bool { return real(v.Low) < f.X.Min || real(v.High) > f.X.Max }) {
			p.name("goes on beyond the chart", arrow{})
		}
	}
}

// reach is the range of an axis on which values can be told apart: all of them, and of their intervals as much as does
// not make one wide interval of the others' points.
func reach(values []ranked) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	halves := make([]float64, len(values))
	for i, v := range values {
		lo, hi = min(lo, real(v.Value.Value)), max(hi, real(v.Value.Value))
		halves[i] = max(real(v.High)-real(v.Value.Value), real(v.Value.Value)-real(v.Low))
	}
	slices.Sort(halves)
	most := max(hi-lo, 4*halves[len(halves)/2])
	from, to := lo, hi
	for _, v := range values {
		from, to = min(from, max(real(v.Low), lo-most)), max(to, min(real(v.High), hi+most))
	}
	return from, to
}

// rows draws players.
type rows struct {
	page     *page
	interval string
	rows     []row
	cut      float64 // the place of those left out
	note     string  // of them; empty if there are none
}

func (r *rows) Plot(c draw.Canvas, f *plot.Plot) {
	x, y := f.Transforms(&c)
	for _, v := range r.rows {
		title := fmt.Sprintf("%s: %s", plain(v.Player), amount(v.Value.Value))
		if r.interval != "" {
			title += fmt.Sprintf(" (%s to %s)", amount(v.Low), amount(v.High))
		}
		r.page.canvas.open(title)
		at := vg.Point{X: x(real(v.Value.Value)), Y: y(v.at)}
		if r.interval != "" {
			drawWhisker(&c, at.Y, x(max(real(v.Low), f.X.Min)), x(min(real(v.High), f.X.Max)), real(v.Low) < f.X.Min, real(v.High) > f.X.Max)
		}
		drawDot(&c, at, curve(0))
		r.page.canvas.close()
	}
	if r.note != "" {
		style, at, half := r.page.style(10, quiet), vg.Point{X: c.Center().X, Y: y(r.cut)}, ems(r.note)*5
		style.XAlign = draw.XCenter
		c.FillPolygon(ground, []vg.Point{{X: at.X - half, Y: at.Y - 6}, {X: at.X - half, Y: at.Y + 6}, {X: at.X + half, Y: at.Y + 6}, {X: at.X + half, Y: at.Y - 6}})
		c.FillText(style, at.Add(vg.Point{Y: -6}), r.note)
	}
}

// amount is units of 1e-9 as a decimal number.
func amount(units int64) string {
	sign, size := "", uint64(units)
	if units < 0 {
		sign, size = "−", -size
	}
	return fmt.Sprintf("%s%d.%09d", sign, size/unit, size%unit)
}
