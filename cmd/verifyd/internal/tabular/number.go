package tabular

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// maxTarget bounds the magnitude of a target: 2^53 units of 1e-9.
const maxTarget = 1 << 53

// scale is the units of a target in 1.
const scale = 1_000_000_000

// maxField bounds the text of a number, in bytes.
const maxField = 400

// number is a file's number, exactly: the integer i if whole, else f.
type number struct {
	i     int64
	f     float64
	whole bool
}

func whole(v int64) number { return number{i: v, whole: true} }

func (n number) String() string {
	if n.whole {
		return strconv.FormatInt(n.i, 10)
	}
	return strconv.FormatFloat(n.f, 'g', -1, 64)
}

// float64 is n rounded to nearest even, if that is needed.
func (n number) float64() float64 {
	if n.whole {
		return float64(n.i)
	}
	return n.f
}

// float32 is n as a binary64 number, rounded once more, to nearest even: what NumPy's astype gives, whichever file n
// came in.
func (n number) float32() (float32, error) {
	v := n.float64()
	x := float32(v)
	return x, checkFinite(x, v)
}

// checkFinite refuses x, which came of v, if it is not finite.
func checkFinite(x float32, v float64) error {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return fmt.Errorf("%v is not finite", v)
	case math.IsInf(float64(x), 0):
		return fmt.Errorf("%v is beyond the range of a float32", v)
	}
	return nil
}

// target is n in units of 1e-9. The product of a number that is not whole and 1e9 is rounded to a
// float64 and then to an integer, both to nearest even: a number of up to 15 significant digits of
// which at most nine are decimals comes out as it was written.
func (n number) target() (int64, error) {
	const limit = maxTarget / scale
	if n.whole {
		if n.i < -limit || n.i > limit {
			return 0, fmt.Errorf("%v is outside -%d to %[2]d", n, limit)
		}
		return n.i * scale, nil
	}
	if err := checkFinite(0, n.f); err != nil {
		return 0, err
	}
	units := math.RoundToEven(float64(n.f * scale))
	if math.Abs(units) > maxTarget {
		return 0, fmt.Errorf("%v is outside -%d to %[2]d", n, limit)
	}
	return int64(units), nil
}

// parseNumber reads a decimal number, with a comma for the point if comma is set. An error says what else the text may be.
func parseNumber(field string, comma bool) (number, error) {
	text := strings.Trim(field, " \t")
	if isMissing(text) {
		return number{}, errMissing
	}
	point := text
	if comma {
		if strings.Contains(text, ".") {
			return number{}, fmt.Errorf("%.40q has a point where commas are decimal: remove what separates thousands", text)
		}
		point = strings.Replace(text, ",", ".", 1)
	}
	if len(text) > maxField || strings.ContainsAny(point, "xXpP_") {
		return number{}, fmt.Errorf("%.40q is not a number", text)
	}
	if v, err := strconv.ParseInt(point, 10, 64); err == nil {
		return whole(v), nil
	}
	v, err := strconv.ParseFloat(point, 64)
	if err != nil && errors.Is(err, strconv.ErrSyntax) {
		return number{}, whyNot(text, comma)
	}
	return number{f: v}, nil // one beyond the range is infinite, and refused as such
}

// whyNot says why a text is no number.
func whyNot(text string, comma bool) error {
	bare := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" ,.'’\u00a0\u202f", r) {
			return -1
		}
		return r
	}, text)
	if _, err := strconv.ParseInt(bare, 10, 64); err == nil && bare != text {
		if !comma && strings.Count(text, ",") == 1 && !strings.ContainsAny(text, ".' \u00a0\u202f’") {
			return fmt.Errorf("%.40q is not a number: --decimal-comma reads the comma as a decimal point; separators of thousands must be removed", text)
		}
		return fmt.Errorf("%.40q is not a number: separators of thousands must be removed", text)
	}
	return fmt.Errorf("%.40q is not a number", text)
}

// isNumber says that a field is a number, be it infinite or NaN, or of a spelling with a decimal comma if that is asked for.
func isNumber(field string, comma bool) bool {
	text := strings.Trim(field, " \t")
	if strings.EqualFold(text, "nan") {
		return true
	}
	_, err := parseNumber(text, comma)
	return err == nil
}

// place names element k of rows of cols elements as NumPy indexes it.
func place(k, cols int, vector bool) string {
	if vector {
		return fmt.Sprintf("element [%d]", k)
	}
	return fmt.Sprintf("element [%d, %d]", k/cols, k%cols)
}
