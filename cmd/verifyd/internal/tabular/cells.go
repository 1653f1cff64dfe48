package tabular

import (
	"errors"
	"fmt"
	"sync/atomic"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow/memory"
)

// cells takes the cells of one column of a file as its rows follow one another.
type cells struct {
	table   *Table
	feature int     // of the table; -1 for a column that is picked
	column  *Column // that is picked
	row     int
	rows    int
	texts   map[string]string
	unique  int64 // bytes of texts
	limit   int64
}

// filled are the columns of a plan to be filled, and where their cells go.
func (p *plan) filled(t *Table, limit int64) map[int]*cells {
	all := make(map[int]*cells, len(p.features)+len(p.picks))
	for i, k := range p.features {
		all[k] = &cells{table: t, feature: i, rows: t.Rows}
	}
	for i, k := range p.picks {
		all[k] = &cells{feature: -1, column: t.Picked[i], rows: t.Rows, texts: map[string]string{}, limit: limit}
	}
	return all
}

// number takes the next cell.
func (c *cells) number(n number) error {
	if c.column != nil {
		if c.column.Kind == Whole && !n.whole {
			return c.at(fmt.Errorf("%v is above what a label may be", n))
		}
		if err := checkFinite(0, n.float64()); err != nil {
			return c.at(err)
		}
		c.column.add(n)
		c.row++
		return nil
	}
	x, err := n.float32()
	if err != nil {
		return c.at(err)
	}
	c.table.F[c.row*c.table.Cols+c.feature] = x
	c.row++
	return nil
}

// text takes the next cell of a column that is picked.
func (c *cells) text(b []byte) error {
	if len(b) > maxText {
		return c.at(fmt.Errorf("text of more than %d bytes", maxText))
	}
	s, ok := c.texts[string(b)]
	if !ok {
		switch {
		case !utf8.Valid(b):
			return c.at(errors.New("text that is not UTF-8"))
		case isMissing(string(b)):
			return c.at(errMissing)
		}
		if c.unique += int64(len(b)) + 64; c.unique > c.limit {
			return c.at(fmt.Errorf("size: text of more than %d bytes", c.limit))
		}
		s = string(b)
		c.texts[s] = s
	}
	c.column.text = append(c.column.text, s)
	c.row++
	return nil
}

// left is how many cells are still to be taken.
func (c *cells) left() int { return c.rows - c.row }

// missing is an error about the next cell.
func (c *cells) missing() error { return c.at(errMissing) }

func (c *cells) at(err error) error { return fmt.Errorf("row %d: %w", c.row, err) }

// budget hands out memory up to a limit, and panics beyond it: libraries of columns ask for what a file claims.
type budget struct {
	memory.GoAllocator
	limit int64
	used  atomic.Int64
}

// overBudget is what budget panics with.
type overBudget int64

func (o overBudget) Error() string {
	return fmt.Sprintf("size: more than %d bytes of memory", int64(o))
}

func (b *budget) take(n int) {
	if n < 0 || b.used.Add(int64(n)) > b.limit {
		panic(overBudget(b.limit))
	}
}

func (b *budget) Allocate(size int) []byte {
	b.take(size)
	return b.GoAllocator.Allocate(size)
}

func (b *budget) Reallocate(size int, old []byte) []byte {
	if size > len(old) {
		b.take(size - len(old))
	} else {
		b.used.Add(int64(size - len(old)))
	}
	return b.GoAllocator.Reallocate(size, old)
}

func (b *budget) Free(old []byte) {
	b.used.Add(-int64(len(old)))
	b.GoAllocator.Free(old)
}

// guard turns what a library panics with into an error.
func guard(err *error) {
	switch r := recover().(type) {
	case nil:
	case overBudget:
		*err = r
	default:
		*err = fmt.Errorf("malformed: %.200v", r)
	}
}
