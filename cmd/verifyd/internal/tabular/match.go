package tabular

import (
	"fmt"
	"slices"

	"github.com/verifyd/verifyd/verify/fault"
)

// Match brings the features of test into the order that train has them in, by name; with byPlace it only counts them.
// Errors name the file and the column.
func Match(train, test *Table, byPlace bool) error {
	switch {
	case byPlace || train.Names == nil && test.Names == nil:
		if train.Cols != test.Cols {
			return fault.New(fault.WrongType, test.File, "", "%d features, %s has %d", test.Cols, train.File, train.Cols)
		}
		return nil
	case train.Names == nil || test.Names == nil:
		with, without := train, test
		if train.Names == nil {
			with, without = test, train
		}
		return fault.New(fault.WrongType, without.File, "", "its columns have no names, those of %s have: --match place takes them by their place", with.File)
	}
	have := make(map[string]int, test.Cols)
	for k, name := range test.Names {
		have[name] = k
	}
	from := make([]int, 0, train.Cols) // column of test for each of train
	for _, name := range train.Names {
		k, ok := have[name]
		if !ok {
			return fault.New(fault.WrongType, test.File, "", "column %.80q is missing, %s has it%s", name, train.File, alike(test.Names, name))
		}
		delete(have, name)
		from = append(from, k)
	}
	for _, name := range test.Names {
		if _, ok := have[name]; ok {
			return fault.New(fault.WrongType, test.File, "", "column %.80q is not in %s: --drop leaves it out", name, train.File)
		}
	}
	if slices.IsSorted(from) {
		return nil
	}
	row, types := make([]float32, test.Cols), make([]string, test.Cols)
	for r := range test.Rows {
		to := test.F[r*test.Cols : (r+1)*test.Cols]
		copy(row, to)
		for k, c := range from {
			to[k] = row[c]
		}
	}
	for k, c := range from {
		types[k] = test.Types[c]
	}
	test.Names, test.Types = slices.Clone(train.Names), types
	test.Notes = append(test.Notes, "columns stand in another order than in "+train.File+" and were matched by name")
	return nil
}

// alike hints at a name that differs in nothing but case or spaces.
func alike(names []string, name string) string {
	for _, n := range names {
		if fold(n) == fold(name) {
			return fmt.Sprintf("; it has %.80q", n)
		}
	}
	return ""
}

// fold is a name without what is easily mistaken.
func fold(name string) string {
	b := make([]byte, 0, len(name))
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'A' && c <= 'Z':
			b = append(b, c+'a'-'A')
		case c != ' ' && c != '_' && c != '-' && c != '.':
			b = append(b, c)
		}
	}
	return string(b)
}
