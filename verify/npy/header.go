package npy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/verifyd/verifyd/verify/fault"
)

// maxText bounds the text of an NPY header, in bytes. NumPy's own reader refuses more than 10,000.
const maxText = 10_000

// MaxRank is the most dimensions of an array.
const MaxRank = 8

// Header describes an array: NEP 1 of NumPy.
type Header struct {
	Descr   string // element type, such as <f4
	Fortran bool   // columns follow one another
	Shape   []int64
	Bytes   int64 // of the file before the elements
}

// Read reads the magic, the version and the header of an NPY file.
func Read(r io.Reader) (Header, error) {
	var prefix [8]byte
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		return Header{}, fmt.Errorf("magic: %w", fault.Truncated(err))
	}
	if string(prefix[:6]) != "\x93NUMPY" {
		return Header{}, errors.New("magic: not an NPY file")
	}
	width := 4
	switch {
	case prefix[6] == 1 && prefix[7] == 0:
		width = 2
	case (prefix[6] == 2 || prefix[6] == 3) && prefix[7] == 0:
	default:
		return Header{}, fmt.Errorf("version: %d.%d is not 1.0, 2.0 or 3.0", prefix[6], prefix[7])
	}
	var length [4]byte
	if _, err := io.ReadFull(r, length[:width]); err != nil {
		return Header{}, fmt.Errorf("header length: %w", fault.Truncated(err))
	}
	n := binary.LittleEndian.Uint32(length[:])
	if n > maxText {
		return Header{}, fmt.Errorf("header length: %d bytes, the limit is %d", n, maxText)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return Header{}, fmt.Errorf("header: %w", fault.Truncated(err))
	}
	h, err := parseHeader(text)
	if err != nil {
		return Header{}, fmt.Errorf("header: %w", err)
	}
	h.Bytes = int64(len(prefix) + width + len(text))
	return h, nil
}

// parseHeader reads the Python literal of a header: a dictionary of exactly descr, fortran_order and
// shape, in any order, followed by spaces and one line feed. It understands no other Python.
func parseHeader(text []byte) (h Header, err error) {
	rest, ok := bytes.CutSuffix(text, []byte("\n"))
	if !ok {
		return h, errors.New("does not end with a line feed")
	}
	p := literal{text: strings.TrimRight(string(rest), " ")}
	if err := p.expect('{'); err != nil {
		return h, err
	}
	seen := make(map[string]bool, 3)
	for !p.take('}') {
		key, err := p.quoted()
		if err != nil {
			return h, fmt.Errorf("key: %w", err)
		}
		if seen[key] {
			return h, fmt.Errorf("key %q is given twice", key)
		}
		seen[key] = true
		if err := p.expect(':'); err != nil {
			return h, err
		}
		if err := p.value(key, &h); err != nil {
			return h, fmt.Errorf("%s: %w", key, err)
		}
		if !p.take(',') {
			if err := p.expect('}'); err != nil {
				return h, err
			}
			break
		}
	}
	if p.text != "" {
		return h, fmt.Errorf("%d bytes follow the dictionary", len(p.text))
	}
	if len(seen) != 3 { // no other key gets past value
		return h, errors.New("descr, fortran_order and shape are needed")
	}
	return h, nil
}

// literal is what is left of a header.
type literal struct{ text string }

// take eats spaces, and then c if it is next.
func (p *literal) take(c byte) bool {
	p.text = strings.TrimLeft(p.text, " ")
	if p.text == "" || p.text[0] != c {
		return false
	}
	p.text = p.text[1:]
	return true
}

func (p *literal) expect(c byte) error {
	if p.take(c) {
		return nil
	}
	return fmt.Errorf("%.20q where %q is needed", p.text, string(c))
}

// quoted reads a string between quotes of either kind, without escapes.
func (p *literal) quoted() (string, error) {
	quote := byte('\'')
	if !p.take(quote) {
		quote = '"'
		if err := p.expect(quote); err != nil {
			return "", err
		}
	}
	s, rest, ok := strings.Cut(p.text, string(quote))
	if !ok {
		return "", errors.New("a quote is not closed")
	}
	if strings.Contains(s, `\`) {
		return "", fmt.Errorf("%.40q has an escape", s)
	}
	p.text = rest
	return s, nil
}

// value reads the value of a key into h.
func (p *literal) value(key string, h *Header) (err error) {
	switch key {
	case "descr":
		if p.text = strings.TrimLeft(p.text, " "); strings.HasPrefix(p.text, "[") {
			return errors.New("an array of records: save one array of numbers")
		}
		h.Descr, err = p.quoted()
		return err
	case "fortran_order":
		p.text = strings.TrimLeft(p.text, " ")
		for word, fortran := range map[string]bool{"False": false, "True": true} {
			if rest, ok := strings.CutPrefix(p.text, word); ok {
				p.text, h.Fortran = rest, fortran
				return nil
			}
		}
		return fmt.Errorf("%.20q where True or False is needed", p.text)
	case "shape":
		h.Shape, err = p.tuple()
		return err
	}
	return fmt.Errorf("unknown key %.40q", key)
}

// tuple reads plain decimal integers: (3,) or (3, 4).
func (p *literal) tuple() ([]int64, error) {
	if err := p.expect('('); err != nil {
		return nil, err
	}
	var list []int64
	comma := false
	for !p.take(')') {
		if len(list) > 0 && !comma {
			return nil, p.expect(')')
		}
		digits := 0
		for digits < len(p.text) && p.text[digits] >= '0' && p.text[digits] <= '9' {
			digits++
		}
		v, err := strconv.ParseInt(p.text[:digits], 10, 64)
		if err != nil || strconv.FormatInt(v, 10) != p.text[:digits] {
			return nil, fmt.Errorf("%.20q is not a plain decimal integer below 2^63", p.text)
		}
		if len(list) == MaxRank {
			return nil, fmt.Errorf("more than %d dimensions", MaxRank)
		}
		list = append(list, v)
		p.text = p.text[digits:]
		comma = p.take(',')
	}
	switch {
	case len(list) == 0:
		return nil, errors.New("no dimension: a single number is not a table")
	case len(list) == 1 && !comma:
		return nil, errors.New("one dimension without a comma is not a tuple")
	}
	return list, nil
}
