package chart

import (
	"io"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

const (
	unit   = 1e9 // of a value, to 1
	width  = 7.2 * vg.Inch
	margin = vg.Length(14)
	sample = vg.Length(22) // what stands for a curve in the legend
	gap    = vg.Length(16) // between entries of the legend
	line   = vg.Length(15) // of the legend
)

// page is a chart that is being drawn: a title, a legend below it, and panels below that.
type page struct {
	canvas  *canvas
	letters letters
	title   string
	legend  []entry
	panels  []panel
}

type entry struct {
	name  string
	thumb plot.Thumbnailer
}

type panel struct {
	*plot.Plot
	height vg.Length
}

func newPage(title string) *page {
	c := newCanvas(width, 0)
	return &page{canvas: c, letters: newLetters(c), title: plain(title)}
}

func (p *page) style(size vg.Length, t tone) text.Style {
	return text.Style{Color: t, Font: font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}, Handler: p.letters}
}

// panel adds a plot of a height below the others.
func (p *page) panel(x, y string, height vg.Length) *plot.Plot {
	f := plot.New()
	f.BackgroundColor = nil
	f.X.Label.Text, f.Y.Label.Text = x, y
	f.X.Tick.Marker, f.Y.Tick.Marker = across(7), upward(6)
	for _, axis := range []*plot.Axis{&f.X, &f.Y} {
		axis.Label.Padding, axis.Padding = 6, 0
		axis.Width, axis.Tick.Length = 0, 4
		axis.Color, axis.Tick.Color = quiet, quiet
		label, tick := p.style(11, letter), p.style(10, letter)
		label.XAlign, label.YAlign = axis.Label.TextStyle.XAlign, axis.Label.TextStyle.YAlign
		tick.XAlign, tick.YAlign = axis.Tick.Label.XAlign, axis.Tick.Label.YAlign
		axis.Label.TextStyle, axis.Tick.Label = label, tick
	}
	f.Title.TextStyle, f.Legend.TextStyle = p.style(11, letter), p.style(10, letter)
	p.panels = append(p.panels, panel{f, height})
	return f
}

// name adds an entry to the legend.
func (p *page) name(text string, thumb plot.Thumbnailer) {
	p.legend = append(p.legend, entry{text, thumb})
}

// write draws the page and writes it.
func (p *page) write(w io.Writer) error {
	const titleHeight = 24
	lines := p.lines()
	height := 2*margin + titleHeight + vg.Length(len(lines))*line
	for _, f := range p.panels {
		height += f.height + margin
	}
	height -= margin
	p.canvas.height = height
	all := draw.Crop(draw.New(p.canvas), margin, -margin, margin, -margin)
	top := all.Max.Y
	if title := shorten(p.title, all.Size().X/14); title != "" {
		all.FillText(p.style(14, letter), vg.Point{X: all.Min.X, Y: top - 14}, title)
	}
	top -= titleHeight
	for _, entries := range lines {
		x := all.Min.X
		for _, e := range entries {
			thumb := draw.Crop(all, x-all.Min.X, 0, 0, 0)
			thumb.Max.X, thumb.Min.Y, thumb.Max.Y = x+sample, top-9, top
			e.thumb.Thumbnail(&thumb)
			all.FillText(p.style(10, letter), vg.Point{X: x + sample + 6, Y: top - 10}, e.name)
			x += p.room(e)
		}
		top -= line
	}
	for _, f := range p.panels {
		area := all
		area.Min.Y, area.Max.Y = top-f.height, top
		f.Draw(area)
		top -= f.height + margin
	}
	_, err := w.Write(p.canvas.document(p.title))
	return err
}

// room is the width of an entry of the legend and of the gap behind it.
func (p *page) room(e entry) vg.Length { return sample + 6 + ems(e.name)*10 + gap }

// lines are the entries of the legend, in as many lines as they need.
func (p *page) lines() (lines [][]entry) {
	left := vg.Length(0)
	for _, e := range p.legend {
		if room := p.room(e); len(lines) == 0 || room-gap > left {
			lines, left = append(lines, nil), width-2*margin
		}
		lines[len(lines)-1] = append(lines[len(lines)-1], e)
		left -= p.room(e)
	}
	return lines
}

// addGrid adds faint rules behind all else, and one where a value is nothing.
func addGrid(f *plot.Plot, horizontal bool) {
	grid := plotter.NewGrid()
	grid.Vertical = draw.LineStyle{Color: rule, Width: 0.7}
	grid.Horizontal = draw.LineStyle{}
	if horizontal {
		grid.Horizontal = grid.Vertical
	}
	f.Add(grid)
}

// origin draws a line where x is 0, if that is in view.
type origin struct{}

func (origin) Plot(c draw.Canvas, f *plot.Plot) {
	if f.X.Min <= 0 && 0 <= f.X.Max {
		x, _ := f.Transforms(&c)
		c.StrokeLine2(draw.LineStyle{Color: zero, Width: 1}, x(0), c.Min.Y, x(0), c.Max.Y)
	}
}

// widen leaves room about what is drawn, so that equal values have a scale, too, and the marks of an axis differ in
// what binary64 holds.
func widen(axis *plot.Axis) {
	span, size := axis.Max-axis.Min, max(math.Abs(axis.Min), math.Abs(axis.Max))
	if span < size/1e9 || span == 0 {
		span = max(size, 10/unit)
		axis.Min, axis.Max = axis.Min-span, axis.Max+span
		return
	}
	axis.Min, axis.Max = axis.Min-span/40, axis.Max+span/40
}

// real is an amount in units of 1e-9, to be drawn.
func real(units int64) float64 { return float64(units) / unit }

// Around is the ends of an interval of a half-width about a value, as far as there are numbers for them.
func Around(value int64, half uint64) (low, high int64) {
	below, above := uint64(value)+1<<63, math.MaxInt64-uint64(value) // how far there are numbers, modulo 2^64
	return int64(uint64(value) - min(half, below)), int64(uint64(value) + min(half, above))
}
