package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
)

// emit writes a command's data: value as indented JSON with -o json, otherwise
// what text writes.
func (a *app) emit(value any, text func(w io.Writer)) error {
	if a.output == "json" {
		data, err := json.MarshalIndent(value, "", "  ")
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(a.stdout, "%s\n", data)
		return err
	}
	w := tabwriter.NewWriter(a.stdout, 0, 8, 2, ' ', 0)
	text(w)
	return w.Flush()
}

// row writes the cells of one row of a text table.
func row(w io.Writer, cells ...any) {
	for i, cell := range cells {
		if i > 0 {
			fmt.Fprint(w, "\t")
		}
		fmt.Fprint(w, cell)
	}
	fmt.Fprintln(w)
}
