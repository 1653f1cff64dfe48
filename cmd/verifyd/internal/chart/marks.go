package chart

import (
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// drawDot draws the point of a value.
func drawDot(c *draw.Canvas, at vg.Point, t tone) {
	var p vg.Path
	p.Move(vg.Point{X: at.X + 3, Y: at.Y})
	p.Arc(at, 3, 0, 2*math.Pi)
	p.Close()
	c.SetColor(t)
	c.Fill(p)
}

// drawWhisker draws an interval from one place to another, with an arrow where it goes on.
func drawWhisker(c *draw.Canvas, y, from, to vg.Length, before, beyond bool) {
	style := draw.LineStyle{Color: curve(0), Width: 1.2}
	c.StrokeLine2(style, from, y, to, y)
	for _, end := range []struct {
		x, way vg.Length
		on     bool
	}{{from, -1, before}, {to, 1, beyond}} {
		if end.on {
			c.FillPolygon(curve(0), []vg.Point{{X: end.x + 2*end.way, Y: y}, {X: end.x - 4*end.way, Y: y + 3}, {X: end.x - 4*end.way, Y: y - 3}})
		} else {
			c.StrokeLine2(style, end.x, y-2.5, end.x, y+2.5)
		}
	}
}

// What stands in the legend for points, intervals, and those that go on.
type (
	dot     struct{}
	whisker struct{}
	arrow   struct{}
)

func (dot) Thumbnail(c *draw.Canvas) { drawDot(c, c.Center(), curve(0)) }
func (whisker) Thumbnail(c *draw.Canvas) {
	drawWhisker(c, c.Center().Y, c.Min.X, c.Max.X, false, false)
}
func (arrow) Thumbnail(c *draw.Canvas) { drawWhisker(c, c.Center().Y, c.Min.X, c.Max.X-2, false, true) }
