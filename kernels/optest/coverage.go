package optest

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// Coverage writes how many cases of each class of data every operator has.
func Coverage(w io.Writer) error {
	counts := map[string]*[classes]int{}
	total := 0
	for _, c := range Cases() {
		name := label(c.Op)
		if counts[name] == nil {
			counts[name] = new([classes]int)
		}
		counts[name][c.Data]++
		total++
	}
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tab, "operator\t%s\n", strings.Join(classNames[:], "\t"))
	for _, name := range names() {
		fmt.Fprint(tab, name)
		for _, n := range counts[name] {
			fmt.Fprintf(tab, "\t%d", n)
		}
		fmt.Fprintln(tab)
	}
	fmt.Fprintf(tab, "%d operators, %d cases\n", len(counts), total)
	return tab.Flush()
}

// Support writes, for each operator, how many of its cases b takes.
func Support(w io.Writer, b Backend) error {
	taken, given := map[string]int{}, map[string]int{}
	for _, c := range Cases() {
		given[label(c.Op)]++
		if b.Supports(c.Op) {
			taken[label(c.Op)]++
		}
	}
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tab, "operator\t%s\n", b.Name())
	for _, name := range names() {
		fmt.Fprintf(tab, "%s\t%d of %d\n", name, taken[name], given[name])
	}
	return tab.Flush()
}

// names lists the labels of the table in its order.
func names() []string {
	var all []string
	for _, e := range table() {
		if name := label(e.shapes[0]); !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}
