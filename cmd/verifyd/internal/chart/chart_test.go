package chart

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"testing"
)

// players are n made-up values with intervals.
func players(n int) []Value {
	values := make([]Value, n)
	for i := range values {
		v := int64((i*7919)%1000-300) * 100_000
		values[i] = Value{fmt.Sprintf("worker %d", i), v, v - 2_000_000 - int64(i%5)*1_000_000, v + 3_000_000}
	}
	return values
}

// settling are curves that come to rest.
func settling(k int) Curve {
	c := Curve{Name: fmt.Sprintf("worker %d", k)}
	for i := range 40 {
		x := int64(i+1) * 250
		half := int64(2e8 / math.Sqrt(float64(i+1)))
		y := int64(3e8/float64(k+1)) + half/4*int64(i%3-1)
		c.X, c.Y = append(c.X, x), append(c.Y, y)
		c.Low, c.High = append(c.Low, y-half), append(c.High, y+half)
	}
	return c
}

// charts are one of each kind.
func charts() map[string]func(io.Writer) error {
	removal := []Curve{settling(0), settling(1)}
	removal[0].Name, removal[0].Low, removal[0].High = "highest value first", nil, nil
	removal[1].Name, removal[1].Low, removal[1].High = "lowest value first", nil, nil
	return map[string]func(io.Writer) error{
		"few":   func(w io.Writer) error { return Values(w, "Values of 12 workers", "95 % interval", players(12)) },
		"exact": func(w io.Writer) error { return Values(w, "Values of 3 workers", "", players(3)) },
		"many":  func(w io.Writer) error { return Values(w, "Values of 3000 points", "95 % interval", players(3000)) },
		"convergence": func(w io.Writer) error {
			return Convergence(w, "Convergence", "95 % interval", []Curve{settling(0), settling(1), settling(2)})
		},
		"removal": func(w io.Writer) error { return Removal(w, "Removal", removal) },
	}
}

func drawn(t *testing.T, f func(io.Writer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := f(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestTheSameInputGivesTheSameBytes(t *testing.T) {
	for name, f := range charts() {
		first := drawn(t, f)
		if !bytes.Equal(first, drawn(t, f)) {
			t.Errorf("%s: two drawings differ", name)
		}
		if dir := os.Getenv("VERIFYD_CHARTS"); dir != "" { // to look at them
			if err := os.WriteFile(dir+"/"+name+".svg", first, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// texts are those of an SVG, which must be well-formed and without numbers that are none.
func texts(t *testing.T, svg []byte) string {
	t.Helper()
	for _, bad := range []string{"NaN", "Inf", "<script"} {
		if bytes.Contains(svg, []byte(bad)) {
			t.Errorf("%s in the SVG", bad)
		}
	}
	var all strings.Builder
	d := xml.NewDecoder(bytes.NewReader(svg))
	for {
		token, err := d.Token()
		if err == io.EOF {
			return all.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		if text, ok := token.(xml.CharData); ok {
			all.Write(text)
			all.WriteByte('\n')
		}
	}
}

func TestEachChartNamesItsAxesAndCurves(t *testing.T) {
	want := map[string][]string{
		"few":         {"Values of 12 workers", "Value", "worker 11", "95 % interval"},
		"exact":       {"Values of 3 workers", "Value", "worker 2"},
		"many":        {"Values of 3000 points", "Rank of the player", "Value", "95 % interval"},
		"convergence": {"Utilities evaluated", "Estimated value", "worker 2", "95 % interval"},
		"removal":     {"Players removed", "Utility of the rest", "highest value first", "lowest value first"},
	}
	for name, f := range charts() {
		got := texts(t, drawn(t, f))
		for _, text := range want[name] {
			if !strings.Contains(got, text) {
				t.Errorf("%s: no %q in the SVG", name, text)
			}
		}
	}
}

func TestEqualValuesAndHostileNamesAreDrawn(t *testing.T) {
	values := []Value{{"<script>&\"'\n\x00" + strings.Repeat("x", 1000), 0, 0, 0}, {"\xff", 0, 0, 0}, {"", math.MaxInt64, math.MinInt64, math.MaxInt64}}
	for n := 1; n <= len(values); n++ {
		texts(t, drawn(t, func(w io.Writer) error { return Values(w, "<b>", "interval", values[:n]) }))
	}
	texts(t, drawn(t, func(w io.Writer) error {
		return Removal(w, "one point", []Curve{{Name: "a", X: []int64{0}, Y: []int64{5}}})
	}))
}

func TestAChartOfNothingIsRefused(t *testing.T) {
	for name, f := range map[string]func(io.Writer) error{
		"no players": func(w io.Writer) error { return Values(w, "", "", nil) },
		"outside":    func(w io.Writer) error { return Values(w, "", "", []Value{{"a", 3, 4, 5}}) },
		"no curves":  func(w io.Writer) error { return Removal(w, "", nil) },
		"no points":  func(w io.Writer) error { return Removal(w, "", []Curve{{Name: "a"}}) },
		"ragged":     func(w io.Writer) error { return Removal(w, "", []Curve{{X: []int64{1, 2}, Y: []int64{1}}}) },
		"descending": func(w io.Writer) error { return Removal(w, "", []Curve{{X: []int64{2, 1}, Y: []int64{1, 1}}}) },
		"half an interval": func(w io.Writer) error {
			return Convergence(w, "", "", []Curve{{X: []int64{1}, Y: []int64{1}, Low: []int64{1}}})
		},
	} {
		var b bytes.Buffer
		if err := f(&b); err == nil || b.Len() > 0 {
			t.Errorf("%s: %v, with %d bytes written", name, err, b.Len())
		}
	}
}
