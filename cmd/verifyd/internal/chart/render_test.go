package chart

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
)

// rendered is an SVG as librsvg draws it, a pixel for each unit of it.
func rendered(t *testing.T, svg string) *image.NRGBA {
	t.Helper()
	cmd := exec.Command("rsvg-convert", "--format", "png")
	cmd.Stdin = strings.NewReader(svg)
	var out, problem bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problem
	if err := cmd.Run(); err != nil {
		t.Fatalf("rsvg-convert: %v: %s", err, problem.String())
	}
	img, err := png.Decode(&out)
	if err != nil {
		t.Fatal(err)
	}
	pixels, ok := img.(*image.NRGBA)
	if !ok {
		t.Fatalf("rsvg-convert writes %T", img)
	}
	return pixels
}

// needRenderer ends a test without librsvg and its fonts: one is wide, one is narrow.
func needRenderer(t *testing.T) (fonts []string) {
	t.Helper()
	fonts = []string{"DejaVu Sans", "Liberation Sans Narrow"}
	missing := ""
	if _, err := exec.LookPath("rsvg-convert"); err != nil {
		missing = "rsvg-convert"
	}
	for _, font := range append(fonts, "Noto Color Emoji", "Droid Sans Fallback", "Lohit Devanagari") {
		if got, _ := exec.Command("fc-match", "--format", "%{family[0]}", font).Output(); string(got) != font {
			missing = "the font " + font
		}
	}
	if missing != "" && os.Getenv("VERIFYD_CI") != "" {
		t.Fatalf("%s is missing", missing)
	}
	if missing != "" {
		t.Skipf("%s is missing", missing)
	}
	return fonts
}

var (
	size   = regexp.MustCompile(`width="[0-9.]+pt" height="[0-9.]+pt" viewBox="0 0 ([0-9.]+) ([0-9.]+)"`)
	back   = regexp.MustCompile(`<path d="M0,0H[^>]*>`)
	shapes = regexp.MustCompile(`<path [^>]*>`)
	ends   = regexp.MustCompile(`<text x="([0-9.]+)" y="([0-9.]+)" text-anchor="end".*`)
)

const around = 300 // units about the page

// enlarged is a chart with room about it and nothing behind it, in a font.
func enlarged(svg []byte, font string) (page string, w, h float64) {
	page = strings.Replace(string(svg), fallbacks, "'"+font+"'", 1)
	m := size.FindStringSubmatch(page)
	w, _ = strconv.ParseFloat(m[1], 64)
	h, _ = strconv.ParseFloat(m[2], 64)
	n := func(x float64) string { return strconv.FormatFloat(x, 'f', 2, 64) }
	page = size.ReplaceAllLiteralString(page, `width="`+n(w+2*around)+`" height="`+n(h+2*around)+`" viewBox="-300 -300 `+n(w+2*around)+" "+n(h+2*around)+`"`)
	return back.ReplaceAllLiteralString(page, ""), w, h
}

// inked calls f for each pixel that something was drawn on, in units of the page, with how much covers it.
func inked(img *image.NRGBA, f func(x, y int, cover uint8)) {
	for j := range img.Rect.Dy() {
		row := img.Pix[j*img.Stride:][:4*img.Rect.Dx()]
		for i := 0; 4*i < len(row); i++ {
			if cover := row[4*i+3]; cover > 0 {
				f(i-around, j-around, cover)
			}
		}
	}
}

// TestNothingIsCutAndNoTextMeetsAnotherWhateverFontDrawsIt renders charts beyond their pages, then their texts alone,
// each half transparent.
func TestNothingIsCutAndNoTextMeetsAnotherWhateverFontDrawsIt(t *testing.T) {
	for _, font := range needRenderer(t) {
		for name, f := range charts() {
			page, w, h := enlarged(drawn(t, f), font)
			beyond := 0
			inked(rendered(t, page), func(x, y int, _ uint8) {
				if x < 0 || y < 0 || float64(x) > w || float64(y) > h {
					beyond++
				}
			})
			texts := shapes.ReplaceAllLiteralString(page, "")
			twice := 0
			inked(rendered(t, strings.ReplaceAll(texts, "<text ", `<text opacity="0.5" `)), func(_, _ int, cover uint8) {
				if cover > 132 {
					twice++
				}
			})
			// Names end where the plot begins.
			over := 0
			if names := ends.FindAllStringSubmatch(page, -1); len(names) > 0 {
				head, _, _ := strings.Cut(page, "<text")
				only := shapes.ReplaceAllLiteralString(head, "")
				edge := 0.
				for _, n := range names {
					x, _ := strconv.ParseFloat(n[1], 64)
					edge, only = max(edge, x), only+n[0]
				}
				only += strings.Repeat("</g>", strings.Count(only, "<g>")-strings.Count(only, "</g>")) + "</svg>"
				inked(rendered(t, only), func(x, _ int, _ uint8) {
					if float64(x) > edge+1 {
						over++
					}
				})
			}
			if beyond > 0 || twice > 0 || over > 0 {
				t.Errorf("%s in %s: %d pixels beyond the page, %d of a text over another, %d of a name in the plot", name, font, beyond, twice, over)
			}
		}
	}
}

// TestACutTextAndOneOverAnotherWouldBeFound holds the measure above to what it is to find.
func TestACutTextAndOneOverAnotherWouldBeFound(t *testing.T) {
	font := needRenderer(t)[0]
	c := newCanvas(100, 50)
	style := newPage("").style(10, letter)
	c.write("this line is too long for its page", style, vg.Point{X: 10, Y: 30})
	c.write("over it", style, vg.Point{X: 12, Y: 31})
	page, w, _ := enlarged(c.document(""), font)
	beyond, twice := 0, 0
	inked(rendered(t, page), func(x, _ int, _ uint8) {
		if float64(x) > w {
			beyond++
		}
	})
	inked(rendered(t, strings.ReplaceAll(page, "<text ", `<text opacity="0.5" `)), func(_, _ int, cover uint8) {
		if cover > 132 {
			twice++
		}
	})
	if beyond == 0 || twice == 0 {
		t.Errorf("%d pixels beyond the page, %d of a text over another", beyond, twice)
	}
}

// TestChartsAreLeftToBeLookedAt writes all charts and their pictures on light and dark pages into $VERIFYD_CHARTS.
func TestChartsAreLeftToBeLookedAt(t *testing.T) {
	dir := os.Getenv("VERIFYD_CHARTS")
	if dir == "" {
		return
	}
	fonts := needRenderer(t)
	for name, f := range charts() {
		svg := drawn(t, f)
		night := strings.Replace(strings.Replace(string(svg), "@media (prefers-color-scheme: dark) {", "", 1), "}</style>", "</style>", 1)
		night = strings.Replace(night, fallbacks, "'"+fonts[0]+"'", 1)
		for file, page := range map[string]string{
			name: string(svg), name + "-narrow": strings.Replace(string(svg), fallbacks, "'"+fonts[1]+"'", 1), name + "-wide-dark": night,
		} {
			var b bytes.Buffer
			if err := png.Encode(&b, rendered(t, page)); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, file+".png"), b.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, name+".svg"), svg, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
