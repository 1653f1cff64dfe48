package chart

import (
	"bytes"
	"fmt"
	"image/color"
	"io"
	"strings"
	"unicode"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

const (
	unit     = 1e9 // of a value, to 1
	maxLabel = 60  // characters of a label
	width    = 7.2 * vg.Inch
	margin   = vg.Length(12)
)

// The face of all text: metrics of Liberation Sans, which are those of Arial and Helvetica.
const (
	face      = "Liberation Sans"
	fallbacks = "'Liberation Sans', Arial, Helvetica, sans-serif"
)

// colors are those of Okabe and Ito (2008), which colour-blind readers tell apart, most contrast first.
func colors(k int) color.NRGBA {
	list := []color.NRGBA{
		{0x00, 0x72, 0xb2, 0xff}, {0xd5, 0x5e, 0x00, 0xff}, {0x00, 0x9e, 0x73, 0xff},
		{0xcc, 0x79, 0xa7, 0xff}, {0xe6, 0x9f, 0x00, 0xff}, {0x56, 0xb4, 0xe9, 0xff},
	}
	return list[k%len(list)]
}

// faint is a colour for an area behind lines.
func faint(c color.NRGBA) color.NRGBA { c.A = 0x33; return c }

func ink() color.Color  { return color.Gray{0x33} }
func rule() color.Color { return color.Gray{0xe2} }

// page is a chart that is being drawn.
type page struct {
	*plot.Plot
	legend plot.Legend
	named  bool // something is in the legend
}

// newPage begins a chart.
func newPage(title, x, y string) *page {
	p := &page{Plot: plot.New(), legend: plot.NewLegend()}
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = plain(title), plain(x), plain(y)
	p.Title.Padding = 10
	style(&p.Title.TextStyle, 14)
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Label.Padding = 6
		axis.Padding = 6
		axis.Color, axis.Tick.Color = ink(), ink()
		style(&axis.Label.TextStyle, 11)
		style(&axis.Tick.Label, 10)
	}
	style(&p.legend.TextStyle, 10)
	p.legend.Top, p.legend.Left = true, true
	p.legend.Padding = 4
	p.legend.ThumbnailWidth = 22
	return p
}

func style(s *text.Style, size vg.Length) {
	s.Font = font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
	s.Color = ink()
}

// name adds a line to the legend.
func (p *page) name(text string, thumbs ...plot.Thumbnailer) {
	p.legend.Add(plain(text), thumbs...)
	p.named = true
}

// write draws the page, the legend beside it, and writes the SVG.
func (p *page) write(w io.Writer, height vg.Length) error {
	canvas := vgsvg.NewWith(vgsvg.UseWH(width, height))
	all := draw.New(canvas)
	all.SetColor(color.White)
	all.Fill(all.Rectangle.Path())
	all = draw.Crop(all, margin, -margin, margin, -margin)
	area := all
	if p.named {
		size := p.legend.Rectangle(all).Size()
		area = draw.Crop(all, 0, -(size.X + 2*margin), 0, 0)
		// The legend begins where the plot does, below the title.
		top := p.Title.TextStyle.Height("X") + p.Title.Padding + margin
		p.legend.Draw(draw.Crop(all, all.Size().X-size.X-margin/2, 0, 0, -top))
	}
	p.Draw(area)
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return fmt.Errorf("chart: %w", err)
	}
	_, err := w.Write(bytes.ReplaceAll(b.Bytes(), []byte("font-family:"+face), []byte("font-family:"+fallbacks)))
	return err
}

// plain is a text in one line of bounded length.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, s)
	if r := []rune(s); len(r) > maxLabel {
		s = string(r[:maxLabel-1]) + "…"
	}
	return s
}

// real is an amount in units of 1e-9, to be drawn.
func real(units int64) float64 { return float64(units) / unit }
