package tabular

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/verifyd/verifyd/verify/fault"
)

// Kind is what the cells of a column are.
type Kind int

// What a cell may be.
const (
	Spelled Kind = iota // text of a CSV, which may stand for any of the others
	Whole               // integers
	Real                // binary64
	Boolean
	Text
)

func (k Kind) String() string {
	names := [...]string{"text or numbers", "whole numbers", "numbers", "booleans", "text"}
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("Kind(%d)", int(k))
}

// Column is a column that was set apart from the features: labels, targets or owners, as its file has them.
type Column struct {
	File, Name string
	Kind       Kind

	whole []int64 // Whole and, as 0 and 1, Boolean
	real  []float64
	text  []string
	line  int  // of the first row, where each row has a line of its own; 0 if that is not so
	comma bool // a decimal comma, in what is Spelled
}

// Rows is the number of cells.
func (c *Column) Rows() int { return max(len(c.whole), len(c.real), len(c.text)) }

func (c *Column) reserve(rows int) {
	switch c.Kind {
	case Whole, Boolean:
		c.whole = make([]int64, 0, rows)
	case Real:
		c.real = make([]float64, 0, rows)
	default:
		c.text = make([]string, 0, rows)
	}
}

// add appends a number, which is one of the column's kind.
func (c *Column) add(n number) {
	if c.Kind == Real {
		c.real = append(c.real, n.float64())
		return
	}
	c.whole = append(c.whole, n.i)
}

// at is an error about the cell of a row.
func (c *Column) at(row int, err error) error {
	place := fmt.Sprintf("row %d", row)
	if c.line > 0 {
		place = fmt.Sprintf("line %d (row %d)", c.line+row, row)
	}
	return fault.New(fault.OutOfRange, c.File, "", "%s: column %.40s: %w", place, c.Name, err)
}

// number is the cell of a row as a number.
func (c *Column) number(row int) (number, error) {
	switch c.Kind {
	case Whole:
		return whole(c.whole[row]), nil
	case Real:
		return number{f: c.real[row]}, nil
	case Spelled:
		n, err := parseNumber(c.text[row], c.comma)
		return n, err
	}
	return number{}, fmt.Errorf("%s where a number is needed", c.Kind)
}

// Targets are the cells in units of 1e-9, each rounded to the nearest; ties go to even.
func (c *Column) Targets() ([]int64, error) {
	targets := make([]int64, c.Rows())
	for r := range targets {
		n, err := c.number(r)
		if err == nil {
			targets[r], err = n.target()
		}
		if err != nil {
			return nil, c.at(r, err)
		}
	}
	return targets, nil
}

// Numbers are the cells as finite binary64 numbers.
func (c *Column) Numbers() ([]float64, error) {
	out := make([]float64, c.Rows())
	for r := range out {
		n, err := c.number(r)
		if err == nil {
			out[r] = n.float64()
			err = checkFinite(0, out[r])
		}
		if err != nil {
			return nil, c.at(r, err)
		}
	}
	return out, nil
}

// key is a label or an owner: an integer, or text.
type key struct {
	i int64
	s string
}

// key is the cell of a row as one of a kind: Whole, Boolean or Text.
func (c *Column) key(row int, kind Kind) (key, error) {
	switch {
	case kind == Text:
		return key{s: c.text[row]}, nil
	case kind == Boolean && c.Kind == Spelled:
		b, ok := parseBool(c.text[row])
		if !ok {
			return key{}, fmt.Errorf("%.40q among booleans", c.text[row])
		}
		return key{i: b}, nil
	case kind == Boolean:
		return key{i: c.whole[row]}, nil
	}
	n, err := c.number(row)
	if err != nil {
		return key{}, err
	}
	if !n.whole {
		if n.f != math.Trunc(n.f) || math.Abs(n.f) > 1<<53 { // NaN is unequal to itself
			return key{}, fmt.Errorf("%v is not a label: want whole numbers of at most 2^53, booleans or text; what is measured is a target", n)
		}
		n.i = int64(n.f)
	}
	return key{i: n.i}, nil
}

// spelledAs is what all cells of columns of text may be read as.
func spelledAs(columns []*Column) Kind {
	numbers, booleans := true, true
	for _, c := range columns {
		for _, s := range c.text {
			if numbers {
				_, err := parseNumber(s, c.comma)
				numbers = err == nil
			}
			if booleans {
				_, booleans = parseBool(s)
			}
			if !numbers && !booleans {
				return Text
			}
		}
	}
	if booleans {
		return Boolean
	}
	return Whole
}

// parseBool reads what pandas and R write for a truth value: true and false, in small, in large and in capital letters.
func parseBool(s string) (int64, bool) {
	switch s {
	case "true", "True", "TRUE":
		return 1, true
	case "false", "False", "FALSE":
		return 0, true
	}
	return 0, false
}

var errMissing = errors.New("missing: fill the cell or leave the row out before")

// isMissing says that a cell is what programs write for one without a value.
func isMissing(s string) bool {
	switch strings.ToLower(s) {
	case "", "na", "n/a", "nan", "<na>", "null", "none", "nat":
		return true
	}
	return false
}

// spelling is how a key of a kind is shown.
func (k key) spelling(kind Kind) string {
	switch kind {
	case Text:
		return k.s
	case Boolean:
		return strconv.FormatBool(k.i == 1)
	}
	return strconv.FormatInt(k.i, 10)
}
