package chart

import (
	"bytes"
	"fmt"
	"html"
	"image"
	"image/color"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
)

// canvas writes what a plot draws as SVG. gonum's own begins each text at a place that it computes with a font of its
// own, which is not the reader's, and knows one colour of each thing.
type canvas struct {
	body          bytes.Buffer
	width, height vg.Length
	stack         []pen
}

// pen is the state of drawing. Groups are those that were opened since it was pushed.
type pen struct {
	color  color.Color
	width  vg.Length
	dashes []vg.Length
	offset vg.Length
	groups int
}

func newCanvas(width, height vg.Length) *canvas {
	return &canvas{width: width, height: height, stack: []pen{{color: letter, width: 1}}}
}

func (c *canvas) pen() *pen { return &c.stack[len(c.stack)-1] }

func (c *canvas) Size() (x, y vg.Length)                 { return c.width, c.height }
func (c *canvas) SetLineWidth(w vg.Length)               { c.pen().width = w }
func (c *canvas) SetColor(k color.Color)                 { c.pen().color = k }
func (c *canvas) SetLineDash(d []vg.Length, o vg.Length) { c.pen().dashes, c.pen().offset = d, o }

func (c *canvas) Push() {
	top := *c.pen()
	top.groups = 0
	c.stack = append(c.stack, top)
}

func (c *canvas) Pop() {
	for range c.pen().groups {
		c.close()
	}
	c.stack = c.stack[:len(c.stack)-1]
}

func (c *canvas) Translate(p vg.Point) { c.move("translate(%s %s)", number(p.X), number(-p.Y)) }

func (c *canvas) Scale(x, y float64) {
	c.move("translate(0 %s) scale(%s %s) translate(0 %s)", number(c.height), number(vg.Length(x)), number(vg.Length(y)), number(-c.height))
}

func (c *canvas) Rotate(rad float64) {
	c.move("rotate(%s 0 %s)", number(vg.Length(-rad*180/math.Pi)), number(c.height))
}

// move opens a group with a transform, in the coordinates of SVG, whose origin is the upper left corner.
func (c *canvas) move(format string, args ...any) {
	fmt.Fprintf(&c.body, "<g transform=\"%s\">\n", fmt.Sprintf(format, args...))
	c.pen().groups++
}

// open begins a group that a screen reader and a resting pointer name as title.
func (c *canvas) open(title string) {
	fmt.Fprintf(&c.body, "<g><title>%s</title>\n", html.EscapeString(title))
}

func (c *canvas) close() { c.body.WriteString("</g>\n") }

func (c *canvas) Stroke(p vg.Path) {
	pen := c.pen()
	if pen.width <= 0 {
		return
	}
	fmt.Fprintf(&c.body, `<path d="%s" fill="none" %s stroke-width="%s"`, c.path(p), paint("stroke", pen.color), number(pen.width))
	if len(pen.dashes) > 0 {
		var dashes []string
		for _, d := range pen.dashes {
			dashes = append(dashes, number(d))
		}
		fmt.Fprintf(&c.body, ` stroke-dasharray="%s" stroke-dashoffset="%s"`, strings.Join(dashes, " "), number(pen.offset))
	}
	c.body.WriteString("/>\n")
}

func (c *canvas) Fill(p vg.Path) {
	fmt.Fprintf(&c.body, "<path d=\"%s\" %s/>\n", c.path(p), paint("fill", c.pen().color))
}

// paint is the attributes that fill or stroke with a colour.
func paint(how string, k color.Color) string {
	switch k := k.(type) {
	case tone:
		return fmt.Sprintf(`class="%c%d" %s="%s"`, how[0], k, how, k.light())
	case faint:
		return fmt.Sprintf(`class="%c%d" %s="%s" %s-opacity="%s"`, how[0], k.tone, how, k.light(), how, k.opacity())
	}
	return fmt.Sprintf(`%s="%s"`, how, web(color.NRGBAModel.Convert(k).(color.NRGBA)))
}

// path is the data of a path.
func (c *canvas) path(p vg.Path) string {
	var b strings.Builder
	at := func(command byte, pts ...vg.Point) {
		b.WriteByte(command)
		for i, q := range pts {
			if i > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(number(q.X) + "," + number(c.height-q.Y))
		}
	}
	for _, s := range p {
		switch s.Type {
		case vg.MoveComp:
			at('M', s.Pos)
		case vg.LineComp:
			at('L', s.Pos)
		case vg.CurveComp:
			at("LQC"[len(s.Control)], append(s.Control, s.Pos)...)
		case vg.CloseComp:
			b.WriteByte('Z')
		case vg.ArcComp: // in halves, since SVG has no arc that ends where it begins
			for half := 0.; half <= 1; half += 0.5 {
				sin, cos := math.Sincos(s.Start + half*s.Angle)
				end := s.Pos.Add(vg.Point{X: s.Radius * vg.Length(cos), Y: s.Radius * vg.Length(sin)})
				if half == 0 {
					at('L', end)
					continue
				}
				sweep := 0
				if s.Angle < 0 {
					sweep = 1
				}
				fmt.Fprintf(&b, "A%s %s 0 0 %d ", number(s.Radius), number(s.Radius), sweep)
				b.WriteString(number(end.X) + "," + number(c.height-end.Y))
			}
		}
	}
	return b.String()
}

// FillString writes a text that begins at a point.
func (c *canvas) FillString(f font.Face, at vg.Point, s string) {
	c.write(s, text.Style{Color: c.pen().color, Font: f.Font}, at)
}

// write writes a line of text whose baseline begins, is centred or ends at a point, as its style says.
func (c *canvas) write(s string, style text.Style, at vg.Point) {
	x, y := number(at.X), number(c.height-at.Y)
	anchor := map[text.XAlignment]string{text.XCenter: ` text-anchor="middle"`, text.XRight: ` text-anchor="end"`}[style.XAlign]
	turn := ""
	if style.Rotation != 0 {
		turn = fmt.Sprintf(` transform="rotate(%s %s %s)"`, number(vg.Length(-style.Rotation*180/math.Pi)), x, y)
	}
	fmt.Fprintf(&c.body, "<text x=\"%s\" y=\"%s\"%s%s font-size=\"%s\" %s>%s</text>\n",
		x, y, anchor, turn, number(style.Font.Size), paint("fill", style.Color), html.EscapeString(s))
}

// DrawImage draws nothing: no chart has an image.
func (c *canvas) DrawImage(vg.Rectangle, image.Image) {}

// fallbacks are the fonts of all text.
const fallbacks = "'Liberation Sans', Arial, Helvetica, sans-serif"

// document is the whole file.
func (c *canvas) document(title string) []byte {
	var b bytes.Buffer
	w, h := number(c.width), number(c.height)
	fmt.Fprintf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%spt\" height=\"%spt\" viewBox=\"0 0 %s %s\" role=\"img\" font-family=\"%s\">\n",
		w, h, w, h, fallbacks)
	fmt.Fprintf(&b, "<title>%s</title>\n<style>%s</style>\n", html.EscapeString(title), dark())
	fmt.Fprintf(&b, "<path d=\"M0,0H%sV%sH0Z\" %s/>\n", w, h, paint("fill", ground))
	b.Write(c.body.Bytes())
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// number is a length in hundredths of a point.
func number(x vg.Length) string {
	s := strconv.FormatFloat(float64(x), 'f', 2, 64)
	s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	if s == "-0" {
		return "0"
	}
	return s
}
