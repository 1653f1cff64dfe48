package chart

import (
	"strings"
	"unicode"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
)

// letters measures text by the widest common fonts and writes it anchored.
type letters struct {
	text.Plain
	on *canvas
}

func newLetters(on *canvas) letters {
	return letters{text.Plain{Fonts: plot.DefaultTextHandler.Cache()}, on}
}

// Box is what a line of text may take: its width in the widest common font, above and below the baseline that of Arial.
func (l letters) Box(s string, f font.Font) (width, height, depth vg.Length) {
	_, height, depth = l.Plain.Box("", f)
	return ems(s) * f.Size, height, depth
}

// Draw writes a line at a point, aligned with it as its style says.
func (l letters) Draw(_ vg.Canvas, s string, style text.Style, at vg.Point) {
	if s == "" {
		return
	}
	// The baseline of gonum's plain text; along a turned line, up is to the left.
	up := style.Height(s)*vg.Length(style.YAlign) - l.Extents(style.Font).Ascent + style.Font.Size
	if style.Rotation != 0 {
		at.X -= up
	} else {
		at.Y += up
	}
	l.on.write(s, style, at)
}

// ems is the room that a text takes at most, in sizes of its font.
func ems(s string) vg.Length {
	var sum vg.Length
	for _, r := range s {
		sum += advance(r)
	}
	return sum
}

// advance is the width of a character in the wider of DejaVu Sans and Verdana; of other scripts, that of the widest
// character in a block, so that a text may be given more room than it takes.
func advance(r rune) vg.Length {
	switch {
	case r < 0x7f:
		switch {
		case strings.ContainsRune("'ijl,. f", r):
			return 0.37
		case strings.ContainsRune(`IJ|:;-()[]t!r\/"`, r):
			return 0.47
		case strings.ContainsRune("mMW%@", r):
			return 1.08
		case strings.ContainsRune("w#+<=>^~&", r):
			return 0.87
		case r >= 'A' && r <= 'Z':
			return 0.8
		}
		return 0.66
	case unicode.In(r, unicode.Mn, unicode.Me) || r == joiner:
		return 0
	case r == '…' || r == '×' || r == '−':
		return 1.02
	case r < 0x1100:
		return 1.45
	case r < 0x2e80:
		return 1.8
	case r < 0xa000 || r >= 0xac00 && r < 0xfb00:
		return 1.1 // Chinese, Japanese, Korean
	}
	return 1.8 // pictures among them
}
