package tabular

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// element is an element type of an array.
type element struct {
	bytes  int
	name   string // for people
	kind   Kind
	number func(b []byte) number
	text   func(b []byte) (string, error) // for Text
}

// elementOf gives the element type of an NPY descr.
func elementOf(descr string) (element, error) {
	if len(descr) < 2 {
		return element{}, fmt.Errorf("%q is no element type", descr)
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch descr[0] {
	case '>':
		order = binary.BigEndian
	case '<', '|':
	default:
		return element{}, fmt.Errorf("%.20q does not begin with the order of its bytes: <, > or |", descr)
	}
	if e, ok := numbersOf(descr[1:], order); ok {
		return e, nil
	}
	n, err := strconv.Atoi(descr[2:])
	if err == nil && n >= 1 && n <= maxText && (descr[1] == 'U' || descr[1] == 'S') {
		if descr[1] == 'S' {
			return element{bytes: n, name: "text", kind: Text, text: latin}, nil
		}
		return element{bytes: 4 * n, name: "text", kind: Text, text: func(b []byte) (string, error) { return runes(b, order) }}, nil
	}
	switch descr[1] {
	case 'O':
		return element{}, fmt.Errorf("%q holds Python objects, which are never loaded: save numbers, or text with astype(str)", descr)
	case 'U', 'S':
		return element{}, fmt.Errorf("%.20q: text of 1 to %d characters is read", descr, maxText)
	case 'M', 'm':
		return element{}, fmt.Errorf("%.20q is a time: save it as a number", descr)
	}
	return element{}, fmt.Errorf("%.20q: want f2, f4, f8, i1 to i8, u1 to u8, b1, U or S", descr)
}

// numbersOf gives an element type of numbers.
func numbersOf(name string, order binary.ByteOrder) (element, bool) {
	real := func(bytes int, f func(b []byte) float64) (element, bool) {
		return element{bytes: bytes, name: "numbers", kind: Real, number: func(b []byte) number { return number{f: f(b)} }}, true
	}
	integer := func(bytes int, f func(b []byte) int64) (element, bool) {
		return element{bytes: bytes, name: "whole numbers", kind: Whole, number: func(b []byte) number { return whole(f(b)) }}, true
	}
	switch name {
	case "f2":
		return real(2, func(b []byte) float64 { return half(order.Uint16(b)) })
	case "bf2":
		return real(2, func(b []byte) float64 { return float64(math.Float32frombits(uint32(order.Uint16(b)) << 16)) })
	case "f4":
		return real(4, func(b []byte) float64 { return float64(math.Float32frombits(order.Uint32(b))) })
	case "f8":
		return real(8, func(b []byte) float64 { return math.Float64frombits(order.Uint64(b)) })
	case "i1":
		return integer(1, func(b []byte) int64 { return int64(int8(b[0])) })
	case "i2":
		return integer(2, func(b []byte) int64 { return int64(int16(order.Uint16(b))) })
	case "i4":
		return integer(4, func(b []byte) int64 { return int64(int32(order.Uint32(b))) })
	case "i8":
		return integer(8, func(b []byte) int64 { return int64(order.Uint64(b)) })
	case "u1":
		return integer(1, func(b []byte) int64 { return int64(b[0]) })
	case "u2":
		return integer(2, func(b []byte) int64 { return int64(order.Uint16(b)) })
	case "u4":
		return integer(4, func(b []byte) int64 { return int64(order.Uint32(b)) })
	case "u8":
		e, _ := integer(8, nil)
		e.number = func(b []byte) number { return unsigned(order.Uint64(b)) }
		return e, true
	case "b1":
		e, _ := integer(1, func(b []byte) int64 { return int64(b[0]) })
		e.name, e.kind = "booleans", Boolean
		return e, true
	}
	return element{}, false
}

// unsigned is a number that need not fit an int64; one that does not is rounded to a float64.
func unsigned(v uint64) number {
	if v > math.MaxInt64 {
		return number{f: float64(v)}
	}
	return whole(int64(v))
}

// half is a binary16 number.
func half(h uint16) float64 {
	sign, exponent, fraction := 1.0, int(h>>10&31), float64(h&1023)
	if h>>15 == 1 {
		sign = -1
	}
	switch {
	case exponent == 0:
		return sign * math.Ldexp(fraction, -24)
	case exponent == 31 && fraction == 0:
		return math.Inf(int(sign))
	case exponent == 31:
		return math.NaN()
	}
	return sign * math.Ldexp(1024+fraction, exponent-25)
}

// latin is text of bytes that are padded with zeros.
func latin(b []byte) (string, error) {
	s := strings.TrimRight(string(b), "\x00")
	if !utf8.ValidString(s) {
		return "", fmt.Errorf("text that is not UTF-8")
	}
	return s, nil
}

// runes is text in UTF-32 that is padded with zeros.
func runes(b []byte, order binary.ByteOrder) (string, error) {
	var s strings.Builder
	end := 0
	for k := 0; k < len(b); k += 4 {
		r := order.Uint32(b[k:])
		if r > utf8.MaxRune || !utf8.ValidRune(rune(r)) {
			return "", fmt.Errorf("%#x is no character", r)
		}
		s.WriteRune(rune(r))
		if r != 0 {
			end = s.Len()
		}
	}
	return s.String()[:end], nil
}

// array is one array of a file.
type array struct {
	name       string
	rows, cols int64
	vector     bool // of one dimension
	fortran    bool // the columns follow one another
	element
}

// into takes the elements of a as they follow one another in r: into the features of t from column `at` on, or into a
// column.
func (a *array) into(r io.Reader, t *Table, at int, c *Column) error {
	n := int(a.rows * a.cols)
	chunk := make([]byte, min(n, 8192)*a.bytes)
	for k := 0; k < n; {
		b := chunk[:min(n-k, 8192)*a.bytes]
		if _, err := io.ReadFull(r, b); err != nil {
			return fmt.Errorf("%s: %w", a.place(k), truncated(err))
		}
		for ; len(b) > 0; b = b[a.bytes:] {
			if err := a.take(b[:a.bytes], k, t, at, c); err != nil {
				return fmt.Errorf("%s: %w", a.place(k), err)
			}
			k++
		}
	}
	return nil
}

// take takes element k.
func (a *array) take(b []byte, k int, t *Table, at int, c *Column) error {
	if a.kind == Text {
		s, err := a.text(b)
		switch {
		case err != nil:
			return err
		case isMissing(s):
			return errMissing
		}
		c.text = append(c.text, s)
		return nil
	}
	if a.kind == Boolean && b[0] > 1 {
		return fmt.Errorf("byte %d is no boolean", b[0])
	}
	v := a.number(b)
	if c != nil {
		if a.kind == Whole && !v.whole {
			return fmt.Errorf("%v is above %d", v, int64(math.MaxInt64))
		}
		if err := checkFinite(0, v.float64()); err != nil {
			return err
		}
		c.add(v)
		return nil
	}
	x, err := v.float32()
	if err != nil {
		return err
	}
	row, col := k/int(a.cols), k%int(a.cols)
	if a.fortran {
		row, col = k%int(a.rows), k/int(a.rows)
	}
	t.F[row*t.Cols+at+col] = x
	return nil
}

// place names element k as NumPy indexes it.
func (a *array) place(k int) string {
	if a.fortran {
		k = k%int(a.rows)*int(a.cols) + k/int(a.rows)
	}
	return place(k, int(a.cols), a.vector)
}
