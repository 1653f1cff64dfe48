package tabular

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Header says whether a CSV begins with a line of names.
type Header int

// What the first line of a CSV is.
const (
	Auto Header = iota // names, if any field of it is not a number
	Yes
	No
)

// ParseHeader reads a flag's value: auto, yes or no.
func ParseHeader(text string) (Header, error) {
	if k := slices.Index([]string{"auto", "yes", "no"}, text); k >= 0 {
		return Header(k), nil
	}
	return 0, fmt.Errorf("%q: want auto, yes or no", text)
}

// maxField bounds the text of a number, in bytes.
const maxField = 400

// csvReader reads the lines of one file.
type csvReader struct {
	*csv.Reader
	want   wanted
	limit  int64
	fields int // of each line
	picked int // column that is read by itself; -1 for none
}

// readCSV reads a CSV file.
func readCSV(r io.Reader, file string, want wanted, o Options) (Table, error) {
	limit := o.limit()
	text := bufio.NewReader(io.LimitReader(r, limit+1))
	if bom, err := text.Peek(3); err == nil && string(bom) == "\uFEFF" {
		_, _ = text.Discard(3) // they were just peeked at
	}
	c := csvReader{Reader: csv.NewReader(text), want: want, limit: limit, picked: -1}
	c.FieldsPerRecord = -1 // compared here, to name the line
	c.ReuseRecord = true
	var t Table
	err := c.read(&t, o)
	if err == nil && t.Rows == 0 {
		err = errors.New("no row of numbers")
	}
	if err == nil && c.InputOffset() > limit {
		err = fmt.Errorf("length: over the limit of %d bytes", limit)
	}
	if err != nil {
		return Table{}, fmt.Errorf("%s: %w", file, err)
	}
	return t, nil
}

// read reads every line.
func (c *csvReader) read(t *Table, o Options) error {
	first := 0
	for {
		record, err := c.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err // it names the line
		}
		line, _ := c.FieldPos(0)
		if c.fields == 0 {
			c.fields, first = len(record), line
			header := o.Header == Yes || o.Header == Auto && slices.ContainsFunc(record, isName)
			if err := c.choose(record, header, o.Column); err != nil {
				return fmt.Errorf("line %d: %w", line, err)
			}
			if header {
				continue
			}
		}
		if len(record) != c.fields {
			return fmt.Errorf("line %d: %d fields, line %d has %d", line, len(record), first, c.fields)
		}
		if err := c.row(t, record); err != nil {
			return fmt.Errorf("line %d: %w", line, err)
		}
	}
}

// choose finds the column that is read by itself and the number of the others.
func (c *csvReader) choose(record []string, header bool, column string) error {
	if column != "" {
		k, err := findColumn(record, header, column)
		if err != nil {
			return err
		}
		c.picked = k
	} else if c.want.kind != Features && c.fields > 1 {
		return fmt.Errorf("%d columns: which one holds the %v is not said", c.fields, c.want.kind)
	}
	if c.want.beside && c.fields == 1 {
		return fmt.Errorf("1 column: no features beside the %v", c.want.kind)
	}
	return nil
}

// findColumn finds a column by its name, or else by its number from 1, or from the last one backwards
// if it is negative.
func findColumn(record []string, header bool, column string) (int, error) {
	found := -1
	for k, name := range record {
		if header && strings.TrimSpace(name) == column {
			if found >= 0 {
				return 0, fmt.Errorf("column %q is there twice", column)
			}
			found = k
		}
	}
	if found >= 0 {
		return found, nil
	}
	n, err := strconv.Atoi(column)
	switch {
	case err != nil && header:
		return 0, fmt.Errorf("column %.40q is missing", column)
	case err != nil:
		return 0, fmt.Errorf("column %.40q: there is no line of names: want a number from 1 to %d", column, len(record))
	case n < 0:
		n += len(record) + 1
	}
	if n < 1 || n > len(record) {
		return 0, fmt.Errorf("column %s: there are %d", column, len(record))
	}
	return n - 1, nil
}

// row takes the numbers of a line.
func (c *csvReader) row(t *Table, record []string) error {
	cols := c.fields
	switch {
	case c.want.beside:
		cols--
	case c.picked >= 0:
		cols = 1
	}
	kind := c.want.kind
	if c.want.beside {
		kind = Features
	}
	if err := checkShape(int64(t.Rows)+1, int64(cols), kind.bytes(), c.limit); err != nil {
		return err
	}
	t.Rows, t.Cols = t.Rows+1, cols
	for k, field := range record {
		kind := c.want.kind
		if c.picked >= 0 && k != c.picked {
			if !c.want.beside {
				continue
			}
			kind = Features
		}
		if err := t.addText(kind, field); err != nil {
			return fmt.Errorf("column %d: %w", k+1, err)
		}
	}
	return nil
}

// addText appends a decimal number. Features are rounded once, from the decimal to a float32.
func (t *Table) addText(kind Want, field string) error {
	text := strings.Trim(field, " \t")
	if text == "" {
		return errors.New("empty: want a number")
	}
	if isName(text) {
		return fmt.Errorf("%.40q is not a number", text)
	}
	if kind == Features {
		x, err := strconv.ParseFloat(text, 32)
		v, _ := strconv.ParseFloat(text, 64)
		if bad := checkFinite(float32(x), v); bad != nil {
			return bad
		}
		if err != nil {
			return fmt.Errorf("%.40q is beyond the range of a float32", text)
		}
		t.F = append(t.F, float32(x))
		return nil
	}
	if v, err := strconv.ParseInt(text, 10, 64); err == nil {
		return t.add(kind, whole(v))
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil && !math.IsInf(v, 0) {
		return fmt.Errorf("%.40q is not a number", text)
	}
	return t.add(kind, number{f: v})
}

// isName says that a field is no number. NaN and infinities are numbers, to be refused as such; what
// else Go's literals allow, hexadecimal and underscores, is not.
func isName(field string) bool {
	text := strings.Trim(field, " \t")
	if len(text) > maxField || strings.ContainsAny(text, "xXpP_") {
		return true
	}
	_, err := strconv.ParseFloat(text, 64)
	return errors.Is(err, strconv.ErrSyntax)
}
