package chart

import (
	"fmt"
	"image/color"
	"strconv"
	"strings"
)

// tone is a colour of a chart, on light pages and on dark ones.
type tone int

// The tones. Those of curves follow, which colour-blind readers tell apart: blue, vermilion and green as in
// Okabe and Ito (2008), and the others as far as they can be seen on white.
const (
	ground tone = iota
	letter      // of text
	quiet       // text and marks that matter less
	rule        // of grids
	zero        // where a value is nothing
	firstCurve
)

// shades are the colours of each tone on light and on dark pages.
func shades() [][2]color.NRGBA {
	hex := func(light, dark uint32) [2]color.NRGBA { return [2]color.NRGBA{opaque(light), opaque(dark)} }
	return [][2]color.NRGBA{
		hex(0xffffff, 0x14171c), hex(0x222222, 0xe8e8e8), hex(0x5a5a5a, 0xa8a8a8), hex(0xe4e4e4, 0x2e333b), hex(0x9a9a9a, 0x6c727c),
		hex(0x0072b2, 0x56b4e9), hex(0xc04f00, 0xff9248), hex(0x00785a, 0x2fd0a5), hex(0xa03c78, 0xf09ac8), hex(0x8a6500, 0xf0c040), hex(0x5b4bb0, 0xb5a8ff),
	}
}

func opaque(rgb uint32) color.NRGBA {
	return color.NRGBA{R: uint8(rgb >> 16), G: uint8(rgb >> 8), B: uint8(rgb), A: 0xff}
}

// curve is the tone of the k-th curve.
func curve(k int) tone { return firstCurve + tone(k%maxCurves) }

// RGBA is the tone on a light page, which makes it a color.Color that a plot hands on.
func (t tone) RGBA() (r, g, b, a uint32) { return shades()[t][0].RGBA() }

func (t tone) light() string { return web(shades()[t][0]) }

func web(c color.NRGBA) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

// dark is the style sheet of dark pages: f and s before the number of a tone fill and stroke with it.
func dark() string {
	var b strings.Builder
	b.WriteString("@media (prefers-color-scheme: dark) {\n")
	for t, s := range shades() {
		fmt.Fprintf(&b, ".f%d{fill:%s}.s%d{stroke:%s}\n", t, web(s[1]), t, web(s[1]))
	}
	b.WriteString("}")
	return b.String()
}

// faint is a tone for an area behind lines; the more areas there are, the less each covers of what is below it.
type faint struct {
	tone
	of int
}

func (f faint) opacity() string {
	return strconv.FormatFloat(max(0.06, 0.24/float64(f.of)), 'f', 2, 64)
}
