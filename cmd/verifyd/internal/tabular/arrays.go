package tabular

import (
	"fmt"
	"slices"
)

// readArrays makes a table of the arrays of a file. The elements of one are read by `each`, which is called in the order of
// the file.
//
// A file of one array has the columns of that array, without names. In a file of more, those of Options.Pick and Drop are
// named; what is left is either one array of features, or arrays of one dimension, each a feature with a name.
func readArrays(arrays []array, o Options, file int64, each func(a *array, t *Table, at int, c *Column) error) (*Table, error) {
	if len(arrays) == 0 {
		return nil, fmt.Errorf("no array")
	}
	a := &arrays[0]
	if len(arrays) == 1 && !slices.Contains(o.Pick, a.name) {
		return readOne(a, o, file, each)
	}
	fields := make([]field, len(arrays))
	for k, a := range arrays {
		fields[k] = field{name: a.name, kind: a.element.name}
	}
	p, err := planOf(fields, true, o)
	if err != nil {
		return nil, err
	}
	wide := len(p.features) == 1
	cols := int64(len(p.features))
	if wide {
		cols = arrays[p.features[0]].cols
	}
	rows := int64(-1)
	for _, k := range slices.Concat(p.features, p.picks) {
		a, isPick := &arrays[k], slices.Contains(p.picks, k)
		switch {
		case rows >= 0 && a.rows != rows:
			return nil, fmt.Errorf("array %q: %d rows, others have %d", a.name, a.rows, rows)
		case isPick && a.cols != 1:
			return nil, fmt.Errorf("array %q: shape: %d columns: want one", a.name, a.cols)
		case !isPick && !wide && a.cols != 1:
			return nil, fmt.Errorf("arrays %q, ...: which one holds the features is not said: want one of them, or only such as have one dimension", a.name)
		case !isPick && a.kind == Text:
			return nil, fmt.Errorf("array %q: text is no feature: --drop %s leaves it out", a.name, a.name)
		}
		rows = a.rows
		if err := checkShape(a.rows, a.cols, int64(max(8, a.bytes)), o.limit()); err != nil {
			return nil, fmt.Errorf("array %q: %w", a.name, err)
		}
	}
	if err := checkTable(rows, cols, int64(len(p.picks)), o.limit(), file); err != nil {
		return nil, err
	}
	t := p.table(int(rows), func(k int) Kind { return arrays[k].kind })
	if wide {
		t.F, t.Cols, t.Names = make([]float32, rows*cols), int(cols), nil
		t.Types = slices.Repeat(t.Types, int(cols))
	}
	t.Rows = int(rows)
	for k := range arrays {
		var c *Column
		at := max(0, slices.Index(p.features, k))
		if i := slices.Index(p.picks, k); i >= 0 {
			c = t.Picked[i]
		} else if !slices.Contains(p.features, k) {
			at = -1 // passed over
		}
		if err := each(&arrays[k], t, at, c); err != nil {
			return nil, fmt.Errorf("array %q: %w", arrays[k].name, err)
		}
	}
	return t, nil
}

// readOne makes a table of the columns of one array.
func readOne(a *array, o Options, file int64, each func(a *array, t *Table, at int, c *Column) error) (*Table, error) {
	if err := checkShape(a.rows, a.cols, int64(max(a.bytes, 4)), o.limit()); err != nil {
		return nil, fmt.Errorf("shape: %w", err)
	}
	fields := make([]field, a.cols)
	for k := range fields {
		fields[k].kind = a.element.name
	}
	p, err := planOf(fields, false, o)
	if err != nil {
		return nil, err
	}
	if err := checkTable(a.rows, a.cols, int64(len(p.picks)), o.limit(), file); err != nil {
		return nil, err
	}
	if o.one && a.cols == 1 {
		t := p.table(0, func(int) Kind { return a.kind })
		t.Rows = int(a.rows)
		t.Picked[0].reserve(t.Rows)
		return t, each(a, nil, 0, t.Picked[0])
	}
	if a.kind == Text {
		return nil, fmt.Errorf("text is no feature")
	}
	all := &Table{Matrix: Matrix{Rows: int(a.rows), Cols: int(a.cols), F: make([]float32, a.rows*a.cols)}}
	if len(p.features) == int(a.cols) {
		for _, f := range fields {
			all.Types = append(all.Types, f.kind)
		}
		return all, each(a, all, 0, nil)
	}
	return nil, fmt.Errorf("one array has no names: give the labels in a file of their own")
}

// checkTable refuses a table that is beyond a limit, or far more than its file.
func checkTable(rows, cols, picks, limit, file int64) error {
	if err := checkShape(rows, max(1, cols), 4, limit); err != nil {
		return err
	}
	bytes := rows * (4*cols + 8*picks)
	if bytes > limit {
		return fmt.Errorf("size: %d bytes in memory, the limit is %d", bytes, limit)
	}
	return checkExpansion(bytes, file)
}
