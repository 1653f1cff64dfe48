// Package canonical reads the JSON files of package proofs, each of which has
// one spelling: fixed fields in a fixed order, no white space, no escapes. A
// scanner asks for what must come next and remembers in which field it did
// not, so that every refusal names a field. It allocates nothing that is not
// in its input.
package canonical

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// A Scanner goes through one file. After the first fault it stands still.
type Scanner struct {
	data   []byte
	at     int
	field  string
	reason string
}

// NewScanner begins to read data.
func NewScanner(data []byte) *Scanner { return &Scanner{data: data} }

// Fault is the first fault: the field in which it is and what it is. Field is
// empty if there is none.
func (s *Scanner) Fault() (field, reason string) { return s.field, s.reason }

// Refuse records a fault of a field, unless there was one before.
func (s *Scanner) Refuse(field, format string, args ...any) {
	if s.field == "" {
		s.field, s.reason = field, fmt.Sprintf(format, args...)
	}
}

// Next says whether text comes next, without taking it.
func (s *Scanner) Next(text string) bool {
	return s.field == "" && bytes.HasPrefix(s.data[s.at:], []byte(text))
}

// Take takes text, which must come next.
func (s *Scanner) Take(field, text string) {
	if s.Next(text) {
		s.at += len(text)
		return
	}
	s.Refuse(field, "not in canonical form: byte %d begins %.40q, want %q", s.at, s.data[s.at:min(len(s.data), s.at+40)], text)
}

// End demands that nothing is left.
func (s *Scanner) End(field string) {
	if s.at < len(s.data) {
		s.Refuse(field, "not in canonical form: %d bytes after the end", len(s.data)-s.at)
	}
}

// String takes what comes up to the next quote, and the quote: printable ASCII
// without escapes.
func (s *Scanner) String(field string) string {
	for i := s.at; s.field == "" && i < len(s.data); i++ {
		switch c := s.data[i]; {
		case c == '"':
			text := string(s.data[s.at:i])
			s.at = i + 1
			return text
		case c < ' ' || c > '~' || c == '\\':
			s.Refuse(field, "byte %d is 0x%02x, want printable ASCII without escapes", i, c)
		}
	}
	s.Refuse(field, "not in canonical form: no closing quote")
	return ""
}

// Text takes a string of UTF-8 in which only a line feed is escaped, as \n.
func (s *Scanner) Text(field string) string {
	var text []byte
	for i := s.at; s.field == "" && i < len(s.data); i++ {
		switch c := s.data[i]; {
		case c == '"':
			s.at = i + 1
			if !utf8.Valid(text) {
				s.Refuse(field, "not UTF-8")
				return ""
			}
			return string(text)
		case c == '\\' && i+1 < len(s.data) && s.data[i+1] == 'n':
			text = append(text, '\n')
			i++
		case c < ' ' || c == '\\' || c == 0x7f:
			s.Refuse(field, "byte %d is 0x%02x, which a text may not have", i, c)
		default:
			text = append(text, c)
		}
	}
	s.Refuse(field, "not in canonical form: no closing quote")
	return ""
}

// Raw takes everything up to the end of the next occurrence of mark.
func (s *Scanner) Raw(field, mark string) []byte {
	if s.field == "" {
		if i := bytes.Index(s.data[s.at:], []byte(mark)); i >= 0 {
			raw := s.data[s.at : s.at+i+len(mark)]
			s.at += len(raw)
			return raw
		}
	}
	s.Refuse(field, "not in canonical form: no %q", mark)
	return nil
}
