package tabular

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// field is a column of a file before it is read.
type field struct {
	name string
	kind string // in the file's own words
}

// plan says what becomes of each column of a file.
type plan struct {
	fields   []field
	named    bool
	features []int // columns of the file
	picks    []int // column of each pick
	notes    []string
}

// planOf decides what becomes of the columns of a file, which has names or not.
func planOf(fields []field, named bool, o Options) (plan, error) {
	p := plan{fields: fields, named: named}
	if named {
		if err := checkNames(fields); err != nil {
			return p, err
		}
	}
	taken := map[int]string{}
	for _, name := range o.Pick {
		k, err := p.find(name)
		if err != nil {
			return p, err
		}
		if taken[k] != "" {
			return p, fmt.Errorf("column %.40q is asked for twice", name)
		}
		taken[k] = "picked"
		p.picks = append(p.picks, k)
	}
	for _, name := range o.Drop {
		k, err := p.find(name)
		if err != nil && o.Lenient {
			continue
		}
		if err != nil {
			return p, err
		}
		if taken[k] == "" {
			taken[k] = "dropped"
			p.notes = append(p.notes, p.place(k)+" is left out, as asked")
		}
	}
	if err := p.index(taken, o.Index); err != nil {
		return p, err
	}
	for k := range fields {
		if taken[k] == "" {
			p.features = append(p.features, k)
		}
	}
	return p, p.check(o)
}

// check holds what is left against what is wanted.
func (p *plan) check(o Options) error {
	if !o.one {
		if len(p.features) == 0 {
			return errors.New("no features beside what is picked out")
		}
		return nil
	}
	if len(o.Pick) == 0 {
		if len(p.features) != 1 {
			return fmt.Errorf("%d columns: which one is meant is not said: want a file of one", len(p.features))
		}
		p.picks = p.features
	}
	p.features = nil
	return nil
}

// index settles what becomes of columns that pandas and R write for the names of rows.
func (p *plan) index(taken map[int]string, how Index) error {
	if !p.named {
		return nil
	}
	for k, f := range p.fields {
		isIndex := k == 0 && (f.name == "" || f.name == "Unnamed: 0" || f.name == "...1") || strings.HasPrefix(f.name, "__index_level_")
		switch {
		case taken[k] != "" || !isIndex && f.name != "":
		case !isIndex:
			return fmt.Errorf("column %d has no name", k+1)
		case how == Ask:
			return fmt.Errorf("column %d has no name of its own (%q): pandas and R write the index of rows so; --index-column drop leaves it out, keep makes it a feature", k+1, f.name)
		case how == Drop:
			taken[k] = "dropped"
			p.notes = append(p.notes, fmt.Sprintf("column %d, an index, is left out", k+1))
		default:
			p.notes = append(p.notes, fmt.Sprintf("column %d, an index, is a feature", k+1))
		}
	}
	return nil
}

// checkNames refuses names that are there twice, too long or no text.
func checkNames(fields []field) error {
	seen := make(map[string]int, len(fields))
	for k, f := range fields {
		if len(f.name) > maxText || !utf8.ValidString(f.name) {
			return fmt.Errorf("column %d: its name is not text in UTF-8 of at most %d bytes", k+1, maxText)
		}
		if before := seen[f.name]; before > 0 && f.name != "" {
			return fmt.Errorf("column %.40q is there twice, as column %d and column %d", f.name, before, k+1)
		}
		seen[f.name] = k + 1
	}
	return nil
}

// find finds a column by its name, or else by its number from 1, or from the last one backwards if it is negative.
func (p *plan) find(column string) (int, error) {
	if p.named {
		if k := slices.IndexFunc(p.fields, func(f field) bool { return f.name == column }); k >= 0 {
			return k, nil
		}
	}
	n, err := strconv.Atoi(column)
	switch {
	case err != nil && p.named:
		return 0, fmt.Errorf("column %.40q is missing", column)
	case err != nil:
		return 0, fmt.Errorf("column %.40q: columns have no names here: want a number from 1 to %d", column, len(p.fields))
	case n < 0:
		n += len(p.fields) + 1
	}
	if n < 1 || n > len(p.fields) {
		return 0, fmt.Errorf("column %s: there are %d", column, len(p.fields))
	}
	return n - 1, nil
}

// place names a column.
func (p *plan) place(k int) string {
	if p.named && p.fields[k].name != "" {
		return fmt.Sprintf("column %d (%.40s)", k+1, p.fields[k].name)
	}
	return fmt.Sprintf("column %d", k+1)
}

// table makes the table that the plan fills: of so many rows, or of none yet if rows is 0.
func (p *plan) table(rows int, kindOf func(k int) Kind) *Table {
	t := &Table{Matrix: Matrix{Rows: rows, Cols: len(p.features)}, Notes: p.notes}
	t.F = make([]float32, rows*t.Cols)
	for _, k := range p.features {
		if p.named {
			t.Names = append(t.Names, p.fields[k].name)
		}
		t.Types = append(t.Types, p.fields[k].kind)
	}
	for _, k := range p.picks {
		c := &Column{Name: p.fields[k].name, Kind: kindOf(k)}
		if c.Name == "" {
			c.Name = strconv.Itoa(k + 1)
		}
		c.reserve(rows)
		t.Picked = append(t.Picked, c)
	}
	return t
}
