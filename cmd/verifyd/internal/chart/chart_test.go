package chart

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"math"
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

// named are players of equal intervals with names.
func named(names ...string) []Value {
	values := players(len(names))
	for i, n := range names {
		values[i].Player = n
	}
	return values
}

// hostile are names that people have, and names that somebody would like to have drawn.
func hostile() []string {
	return []string{
		"Universitätsklinikum Hamburg-Eppendorf, Station 1", "Universitätsklinikum Hamburg-Eppendorf, Station 2", "東京大学医学部附属病院の研究室", "Больница № 7",
		"مستشفى الجامعة", "בית חולים 12", "नमस्ते अस्पताल", "🐙🐙🐙🐙🐙🐙🐙🐙🐙🐙🐙🐙🐙", "👩‍🔬👩‍🔬", "<script>alert(1)</script>&\"'",
		"a\nb\x00\x1b[31mc\td", "evil\u202egnp.exe", "\xff\xfe", "", "Z" + strings.Repeat("\u0335\u0300", 40) + "algo", "\ufdfd\ufdfd", "𒐫𒐫𒐫",
		strings.Repeat("W", 1000), strings.Repeat("@", 30), "]]>--><!--", "a", "a",
	}
}

// charts are one of each kind, and those that are hardest to draw.
func charts() map[string]func(io.Writer) error {
	removal := []Curve{settling(0), settling(1)}
	removal[0].Name, removal[0].Low, removal[0].High = "highest value first", nil, nil
	removal[1].Name, removal[1].Low, removal[1].High = "lowest value first", nil, nil
	crowd := []Curve{settling(0), settling(1), settling(2), settling(3), settling(4), settling(5)}
	for k := range crowd {
		crowd[k].Name = hostile()[k]
	}
	equal := players(30)
	for i := range equal {
		equal[i].Value, equal[i].Low, equal[i].High = 250_000_000, 250_000_000, 250_000_000
	}
	wide := players(12)
	wide[3].Low, wide[3].High = Around(wide[3].Value, math.MaxUint64)
	ends := named("least", "nothing", "most")
	for i, v := range []int64{math.MinInt64, 0, math.MaxInt64} {
		ends[i].Value, ends[i].Low, ends[i].High = v, v, v
	}
	same := players(200)
	for i := range same[:150] {
		same[i].Value, same[i].Low, same[i].High = 7, 7, 7
	}
	const interval = "95.0 % simultaneous interval"
	values := func(title, interval string, v []Value) func(io.Writer) error {
		return func(w io.Writer) error { return Values(w, title, interval, v) }
	}
	return map[string]func(io.Writer) error{
		"few":      values("Values of 12 workers", interval, players(12)),
		"exact":    values("Values of 3 workers", "", players(3)),
		"one":      values("Value of one worker", interval, players(1)),
		"sixty":    values("Values of 60 workers", interval, players(60)),
		"many":     values("Values of 3000 points", interval, players(3000)),
		"most":     values("Values of 100000 points", "", players(100_000)),
		"equal":    values("Values of 30 workers who did the same", interval, equal),
		"wide":     values("One interval is wider than numbers go", interval, wide),
		"ends":     values("The least and the largest number", "", ends),
		"plateau":  values("Of 200 values 150 are equal", interval, same),
		"hostile":  values("<b>"+strings.Repeat("A long title & ", 30), "<i>interval</i>", named(hostile()...)),
		"settling": func(w io.Writer) error { return Convergence(w, "Convergence", interval, crowd[:]) },
		"short": func(w io.Writer) error {
			return Convergence(w, "Convergence after one look", interval, []Curve{{Name: "a", X: []int64{16}, Y: []int64{5}, Low: []int64{1}, High: []int64{9}}})
		},
		"convergence": func(w io.Writer) error {
			return Convergence(w, "Convergence of antithetic", interval, []Curve{settling(0), settling(1), settling(2)})
		},
		"removal": func(w io.Writer) error { return Removal(w, "Utility as players are removed", removal) },
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
		"few":         {"Values of 12 workers", "Value", "worker 11", "95.0 % simultaneous interval"},
		"exact":       {"Values of 3 workers", "Value", "worker 2"},
		"many":        {"Values of 3000 points", "2960 others: their values are below", "Value of the others", "Players", "worker 321", "worker 2000"},
		"wide":        {"goes on beyond the chart"},
		"convergence": {"Utilities evaluated", "Estimated value", "worker 2", "95.0 % simultaneous interval"},
		"removal":     {"Players removed", "Utility of the rest", "highest value first", "lowest value first"},
	}
	for name, f := range charts() {
		got := texts(t, drawn(t, f)) // also of those without a row above: well-formed, and no number that is none
		for _, text := range want[name] {
			if !strings.Contains(got, text) {
				t.Errorf("%s: no %q in the SVG", name, text)
			}
		}
	}
}

func TestUpToSixtyPlayersHaveARowAndOfMoreTheTwentyAtEitherEnd(t *testing.T) {
	for n, rows := range map[int]int{1: 1, 60: 60, 61: 40, 5000: 40} {
		svg := drawn(t, func(w io.Writer) error { return Values(w, "", "interval", players(n)) })
		if got := bytes.Count(svg, []byte("<g><title>worker ")); got != rows {
			t.Errorf("%d players: %d rows, want %d", n, got, rows)
		}
	}
}

func TestWideBandsDoNotMakeOneLineOfTheCurves(t *testing.T) {
	c := Curve{Name: "a", X: []int64{1, 2, 3}, Y: []int64{10, 30, 20}, Low: []int64{math.MinInt64, -1000, 0}, High: []int64{math.MaxInt64, 1000, 40}}
	low, high := settled([]Curve{c})
	if low != 10-40 || high != 30+40 {
		t.Errorf("%d to %d", low, high)
	}
	cut := c.within(low, high)
	if cut.Low[0] != low || cut.High[0] != high || cut.Low[2] != 0 || cut.High[2] != 40 || c.Low[0] != math.MinInt64 {
		t.Errorf("%v, of %v", cut, c)
	}
	c.Low[2], c.High[2] = math.MinInt64, math.MaxInt64
	if low, high := settled([]Curve{c}); low != math.MinInt64 || high != math.MaxInt64 {
		t.Errorf("%d to %d", low, high)
	}
}

func TestTheBinsOfAHistogramHoldAllValues(t *testing.T) {
	for _, r := range [][2]int64{{0, 0}, {0, 1}, {-5, 400}, {math.MinInt64, math.MaxInt64}, {math.MaxInt64 - 1, math.MaxInt64}} {
		if a, b := bin(r[0], r[0], r[1]), bin(r[1], r[0], r[1]); r[0] != r[1] && (a != 0 || b != bins-1) || a < 0 || b >= bins {
			t.Errorf("%v: the ends are in %d and %d", r, a, b)
		}
	}
}

func TestIntervalsBeyondAllNumbersEndWithThem(t *testing.T) {
	for _, c := range []struct {
		value     int64
		half      uint64
		low, high int64
	}{
		{5, 3, 2, 8}, {-5, 0, -5, -5}, {0, math.MaxUint64, math.MinInt64, math.MaxInt64}, {math.MaxInt64, 1, math.MaxInt64 - 1, math.MaxInt64},
		{math.MinInt64, 7, math.MinInt64, math.MinInt64 + 7}, {math.MinInt64, math.MaxUint64, math.MinInt64, math.MaxInt64},
	} {
		if low, high := Around(c.value, c.half); low != c.low || high != c.high {
			t.Errorf("%d +- %d: %d to %d", c.value, c.half, low, high)
		}
	}
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
