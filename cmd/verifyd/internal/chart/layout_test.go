package chart

import (
	"encoding/xml"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
)

// room is that of a text in an SVG, from its upper left corner.
type room struct {
	text           string
	x0, y0, x1, y1 float64
}

// rooms are those of all texts, and the size of the page.
func rooms(t *testing.T, svg []byte) (all []room, w, h float64) {
	t.Helper()
	var doc struct {
		ViewBox string `xml:"viewBox,attr"`
	}
	if err := xml.Unmarshal(svg, &doc); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(doc.ViewBox, "0 0 %g %g", &w, &h); err != nil {
		t.Fatal(err)
	}
	d := xml.NewDecoder(strings.NewReader(string(svg)))
	for {
		token, err := d.Token()
		if err != nil {
			return all, w, h
		}
		start, ok := token.(xml.StartElement)
		if !ok || start.Name.Local != "text" {
			continue
		}
		var s string
		if err := d.DecodeElement(&s, &start); err != nil {
			t.Fatal(err)
		}
		at := map[string]string{}
		for _, a := range start.Attr {
			at[a.Name.Local] = a.Value
		}
		n := func(name string) float64 {
			x, err := strconv.ParseFloat(at[name], 64)
			if err != nil {
				t.Fatal(err)
			}
			return x
		}
		x, y, size := n("x"), n("y"), n("font-size")
		long, up, down := float64(ems(s))*size, 0.75*size, 0.24*size
		before := map[string]float64{"": 0, "middle": 0.5, "end": 1}[at["text-anchor"]] * long
		r := room{s, x - before, y - up, x - before + long, y + down}
		if at["transform"] != "" { // turned to the left about its anchor
			r = room{s, x - up, y - (long - before), x + down, y + before}
		}
		all = append(all, r)
	}
}

// TestEveryTextHasRoomOfItsOwn holds texts, in the widest font, to the page and off each other.
func TestEveryTextHasRoomOfItsOwn(t *testing.T) {
	for name, f := range charts() {
		all, w, h := rooms(t, drawn(t, f))
		for i, a := range all {
			if a.x0 < 0 || a.y0 < 0 || a.x1 > w || a.y1 > h {
				t.Errorf("%s: %q is cut: %.0f,%.0f to %.0f,%.0f on a page of %.0f,%.0f", name, a.text, a.x0, a.y0, a.x1, a.y1, w, h)
			}
			for _, b := range all[:i] {
				if a.x0 < b.x1 && b.x0 < a.x1 && a.y0 < b.y1 && b.y0 < a.y1 {
					t.Errorf("%s: %q is drawn over %q", name, a.text, b.text)
				}
			}
		}
	}
}

func TestMarksAreRoundFewAndDifferent(t *testing.T) {
	for _, c := range []struct {
		lo, hi float64
		want   string
	}{
		{-0.032, 0.071, "−0.02 0 0.02 0.04 0.06"}, {0, 1, "0 0.2 0.4 0.6 0.8 1.0"}, {0, 10_000, "0 2k 4k 6k 8k 10k"},
		{-25, 1_200_000, "0 0.2M 0.4M 0.6M 0.8M 1M 1.2M"}, {0.25, 0.25 + 3e-9, "0.250000000 0.250000002"},
		{-9.3e9, 9.3e9, "−5G 0 5G"}, {9e9, 9e9 + 20, "9G 9.00000001G 9.00000002G"}, {1500, 4200, "1500 2000 2500 3000 3500 4000"},
	} {
		var got []string
		for _, m := range across(7).Ticks(c.lo, c.hi) {
			got = append(got, m.Label)
			if m.Value < c.lo || m.Value > c.hi {
				t.Errorf("%g is outside %g to %g", m.Value, c.lo, c.hi)
			}
		}
		if len(got) > 7 || strings.Join(got, " ") != c.want {
			t.Errorf("%g to %g: %s", c.lo, c.hi, strings.Join(got, " "))
		}
	}
}

// TestTextAndMarksAreLegibleOnLightAndDarkPages asks for the contrast of WCAG 2.2: 4.5 of text, 3 of marks.
func TestTextAndMarksAreLegibleOnLightAndDarkPages(t *testing.T) {
	luminance := func(c [3]uint8) float64 {
		sum := 0.
		for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
			x := float64(c[i]) / 255
			if x <= 0.04045 {
				x /= 12.92
			} else {
				x = math.Pow((x+0.055)/1.055, 2.4)
			}
			sum += weight * x
		}
		return sum
	}
	for page, name := range []string{"light", "dark"} {
		of := func(k tone) float64 {
			c := shades()[k][page]
			return luminance([3]uint8{c.R, c.G, c.B})
		}
		for k := letter; int(k) < len(shades()); k++ {
			least := 4.5
			switch {
			case k == rule:
				continue // not needed to read a chart
			case k == zero:
				least = 2.5
			}
			hi, lo := max(of(k), of(ground)), min(of(k), of(ground))
			if contrast := (hi + 0.05) / (lo + 0.05); contrast < least {
				t.Errorf("tone %d on a %s page has a contrast of %.2f", k, name, contrast)
			}
		}
	}
	if len(shades()) != int(firstCurve)+maxCurves {
		t.Errorf("%d tones for %d curves", len(shades()), maxCurves)
	}
}

func TestNumbersAreHundredthsOfAPoint(t *testing.T) {
	for x, want := range map[vg.Length]string{0: "0", -0.001: "0", 1.005: "1", 12.5: "12.5", 100: "100", -3.14159: "-3.14"} {
		if got := number(x); got != want {
			t.Errorf("%g is %s, want %s", float64(x), got, want)
		}
	}
}
