package tabular

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// maxLine bounds a line of a CSV with what it has in quotes, in bytes; its fields are at most MaxCols.
const maxLine = 64 << 20

// csvReader reads the rows of one file.
type csvReader struct {
	*csv.Reader
	Options
	size   int64 // bytes of a row in memory
	plan   plan
	table  *Table
	types  []Kind // of each feature: Spelled before the first row
	texts  map[string]string
	unique int64 // bytes of the texts that differ
	widest int   // fields of a row
	lines  bool  // each row so far has a line of its own
}

// readCSV reads a CSV file. Where a file is one column beside the rows of another, their number tells whether the first
// line is a name.
func readCSV(r io.Reader, o Options, rows int) (*Table, error) {
	held := &lines{r: io.LimitReader(r, o.limit()+1)}
	text := bufio.NewReaderSize(held, 1<<16)
	if mark, err := text.Peek(3); err == nil && string(mark) == "\uFEFF" {
		_, _ = text.Discard(3) // they were just peeked at
	}
	start, err := text.Peek(1 << 16)
	if err != nil && err != io.EOF {
		return nil, err
	}
	line, _, _ := strings.Cut(string(start), "\n")
	switch {
	case strings.HasPrefix(line, "\xff\xfe") || strings.HasPrefix(line, "\xfe\xff"):
		return nil, errors.New("line 1: text in UTF-16: save it as UTF-8")
	case strings.Contains(strings.TrimSuffix(line, "\r"), "\r"):
		return nil, errors.New("line 1: lines end with a carriage return alone: save it with line feeds")
	}
	separator, err := separatorOf(line, o)
	if err != nil {
		return nil, err
	}
	held.separator = byte(separator)
	c := csvReader{Reader: csv.NewReader(text), Options: o, texts: map[string]string{}, lines: true}
	c.Comma = separator
	c.FieldsPerRecord = -1 // compared here, to name the line
	c.ReuseRecord = true
	if err := c.read(rows); err != nil {
		return nil, err
	}
	if c.InputOffset() > o.limit() {
		return nil, fmt.Errorf("length: over the limit of %d bytes", o.limit())
	}
	name := map[rune]string{',': "comma", ';': "semicolon", '\t': "tab"}[separator]
	c.table.Notes = append([]string{"fields are separated by a " + name}, c.table.Notes...)
	return c.table, nil
}

// read reads every line.
func (c *csvReader) read(rows int) error {
	first, line, err := c.record()
	if err != nil {
		return err
	}
	second, below, err := c.record()
	if err != nil {
		return err
	}
	if first == nil {
		return errors.New("no row")
	}
	header := c.Header == Yes
	counted := c.one && len(first) == 1 // the number of rows tells
	switch {
	case counted:
		header = false
	case c.Header == Auto:
		if header, err = headerOf(first, second, c.Options); err != nil {
			return err
		}
	}
	if err := c.begin(first, second, header); err != nil {
		return fmt.Errorf("line %d: %w", line, err)
	}
	if !header {
		if err := c.row(first, line); err != nil {
			return err
		}
	}
	for second != nil {
		if err := c.row(second, below); err != nil {
			return err
		}
		if second, err = c.Read(); err == io.EOF {
			break
		} else if err != nil {
			return err // it names the line
		}
		below, _ = c.FieldPos(0)
	}
	if counted {
		if header, err = c.settle(rows); err != nil {
			return err
		}
	}
	if c.table.Rows == 0 {
		return errors.New("no row below the names")
	}
	note := "line 1 is a row"
	if header {
		note = "line 1 is names"
	}
	c.table.Notes = append(c.table.Notes, note)
	return nil
}

// record reads a line that is kept; nil at the end.
func (c *csvReader) record() ([]string, int, error) {
	record, err := c.Read()
	if err == io.EOF {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	line, _ := c.FieldPos(0)
	return append([]string(nil), record...), line, nil
}

// settle decides by the number of rows whether the first one of a single column is its name.
func (c *csvReader) settle(rows int) (header bool, err error) {
	column := c.table.Picked[0]
	switch column.Rows() {
	case rows:
		return false, nil
	case rows + 1:
		column.Name, column.text = column.text[0], column.text[1:]
		if column.line > 0 {
			column.line++
		}
		c.table.Rows--
		return true, nil
	}
	return false, fmt.Errorf("%d lines, want %d, as many as the features have rows, or a name more", column.Rows(), rows)
}

// begin plans the columns by the first line.
func (c *csvReader) begin(first, second []string, header bool) error {
	names := first
	if header && second != nil && len(second) == len(first)+1 {
		names = append([]string{""}, first...) // R's write.table
	}
	c.widest = len(names)
	fields := make([]field, len(names))
	for k, f := range names {
		if header {
			fields[k].name = strings.TrimSpace(f)
		}
		fields[k].kind = "numbers"
	}
	var err error
	if c.plan, err = planOf(fields, header, c.Options); err != nil {
		return err
	}
	c.table = c.plan.table(0, func(int) Kind { return Spelled })
	for _, p := range c.table.Picked {
		p.comma = c.DecimalComma
	}
	c.types = make([]Kind, len(c.plan.features))
	c.size = int64(4*len(c.plan.features) + 16*len(c.plan.picks))
	return nil
}

// row takes the cells of a line.
func (c *csvReader) row(record []string, line int) error {
	if len(record) != c.widest {
		return fmt.Errorf("line %d: %d fields, line 1 has %d", line, len(record), c.widest)
	}
	t := c.table
	if err := checkShape(int64(t.Rows)+1, int64(c.widest), 1, c.limit()); err != nil {
		return fmt.Errorf("line %d: %w", line, err)
	}
	if need := (int64(t.Rows)+1)*c.size + c.unique; need > c.limit() {
		return fmt.Errorf("line %d: size: %d rows take %d bytes, the limit is %d", line, t.Rows+1, need, c.limit())
	}
	for i, k := range c.plan.features {
		if err := c.feature(i, record[k]); err != nil {
			return fmt.Errorf("line %d (row %d): %s: %w", line, t.Rows, c.plan.place(k), err)
		}
	}
	for i, k := range c.plan.picks {
		if err := c.pick(t.Picked[i], record[k], line); err != nil {
			return fmt.Errorf("line %d (row %d): %s: %w", line, t.Rows, c.plan.place(k), err)
		}
	}
	t.Rows++
	return nil
}

// feature takes the cell of feature i: a number, or a boolean where all cells of the column are.
func (c *csvReader) feature(i int, cell string) error {
	kind := Real
	b, isBool := parseBool(cell)
	if isBool {
		kind = Boolean
	}
	if c.types[i] == Spelled {
		if c.types[i] = kind; isBool {
			c.table.Types[i] = Boolean.String()
		}
	}
	var x float32
	n, err := whole(b), error(nil)
	switch {
	case c.types[i] != kind && isBool:
		return fmt.Errorf("%q among numbers", cell)
	case c.types[i] != kind:
		return fmt.Errorf("%.40q among booleans", cell)
	case !isBool:
		n, err = parseNumber(cell, c.DecimalComma)
	}
	if err == nil {
		x, err = n.float32()
	}
	if err != nil {
		return err
	}
	c.table.F = append(c.table.F, x)
	return nil
}

// pick takes the cell of a column that is set apart.
func (c *csvReader) pick(p *Column, cell string, line int) error {
	cell = strings.Trim(cell, " \t")
	switch {
	case isMissing(cell):
		return errMissing
	case len(cell) > maxText:
		return fmt.Errorf("%d bytes of text, the limit is %d", len(cell), maxText)
	case !utf8.ValidString(cell):
		return errors.New("text that is not UTF-8")
	}
	kept, ok := c.texts[cell]
	if !ok {
		kept = strings.Clone(cell)
		c.texts[kept] = kept
		c.unique += int64(len(kept)) + 64
	}
	if len(p.text) == 0 {
		p.line = line
	}
	if c.lines = c.lines && line == p.line+len(p.text); !c.lines {
		p.line = 0
	}
	p.text = append(p.text, kept)
	return nil
}

// lines passes a file on unless a line of it is too long or has too many fields, of which a library makes a slice before
// anybody can count them. A line that ends within quotes goes on: their number is even where a field ends.
type lines struct {
	r            io.Reader
	separator    byte // 0 while it is not known, in the first bytes
	long, fields int
	quoted       bool
}

func (l *lines) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	for _, b := range p[:n] {
		l.long++
		switch {
		case b == '"':
			l.quoted = !l.quoted
		case l.quoted:
		case b == '\n':
			l.long, l.fields = 0, 0
		case b == l.separator:
			l.fields++
		}
		if l.long > maxLine {
			return 0, fmt.Errorf("a line is longer than %d bytes", maxLine)
		}
		if l.fields >= MaxCols {
			return 0, fmt.Errorf("a line has more than %d fields", MaxCols)
		}
	}
	return n, err
}
