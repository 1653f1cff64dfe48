package tabular

import (
	"encoding/csv"
	"fmt"
	"io"
	"iter"
)

// WriteCSV writes a line of names and then the rows, each with as many fields, with commas and line
// feeds. Fields are quoted where RFC 4180 asks for it; the same rows give the same bytes.
func WriteCSV(w io.Writer, names []string, rows iter.Seq[[]string]) error {
	c := csv.NewWriter(w)
	if err := c.Write(names); err != nil {
		return err
	}
	line := 1
	for row := range rows {
		line++
		if len(row) != len(names) {
			return fmt.Errorf("line %d: %d fields, the line of names has %d", line, len(row), len(names))
		}
		if err := c.Write(row); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}
