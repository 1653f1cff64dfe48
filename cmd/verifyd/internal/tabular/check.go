package tabular

import (
	"fmt"
	"slices"
)

// Report is what was understood of files, before any value is computed.
type Report struct {
	Files   []FileReport `json:"files"`
	Classes []ClassCount `json:"classes,omitempty"`
	Players int          `json:"owners,omitempty"`
	// Refused says what keeps values from being computed, and Doubtful what may make them mean something else than is thought.
	Refused  []string `json:"refused"`
	Doubtful []string `json:"doubtful"`
}

// FileReport is one file.
type FileReport struct {
	File       string         `json:"file"`
	Rows       int            `json:"rows"`
	Notes      []string       `json:"notes,omitempty"`
	Columns    []ColumnReport `json:"columns"`
	Targets    []TargetReport `json:"targets,omitempty"`
	Duplicates int            `json:"duplicates"` // rows with the features of an earlier one
	Conflicts  int            `json:"conflicts"`  // of those, the ones with another label or target
	Leaks      int            `json:"leaks"`      // rows with the features of a training row
}

// TargetReport is a column of targets.
type TargetReport struct {
	Name  string  `json:"name"`
	Least float64 `json:"least"`
	Most  float64 `json:"most"`
}

// ClassCount is a class and its rows in each file.
type ClassCount struct {
	Label string `json:"label"`
	Rows  []int  `json:"rows"`
}

// CheckFiles name what is checked: the first of Features is the training rows, the others are rows to judge by.
type CheckFiles struct {
	Features            []string
	Columns             []string // of all files
	Labels              []string // a file for each of Features, in place of Columns; or none
	Owners, OwnerColumn string
	Want                Want
	ByPlace             bool
	Options
}

// Check reads files and says what it understood. What is wrong with them is in the report.
func Check(f CheckFiles) *Report {
	c := checker{CheckFiles: f, Report: &Report{Refused: []string{}, Doubtful: []string{}}}
	for i := range f.Features {
		c.file(i)
	}
	if c.tables[0] != nil {
		c.owners()
		if f.Want == Labels {
			c.classes()
		} else {
			c.targets()
		}
	}
	return c.Report
}

type checker struct {
	CheckFiles
	*Report
	tables []*Table
	picked [][]*Column
}

func (c *checker) refuse(err error) { c.Refused = append(c.Refused, err.Error()) }

func (c *checker) doubt(format string, args ...any) {
	c.Doubtful = append(c.Doubtful, fmt.Sprintf(format, args...))
}

// file reads file i and compares it with the first.
func (c *checker) file(i int) {
	path := c.Features[i]
	c.Report.Files = append(c.Report.Files, FileReport{File: path, Columns: []ColumnReport{}})
	c.tables, c.picked = append(c.tables, nil), append(c.picked, nil)
	var data Data
	var labels string
	if len(c.Labels) > 0 {
		labels = c.Labels[i]
	}
	files := Files{Columns: c.Columns, OwnerColumn: c.OwnerColumn, Options: c.Options}
	var t *Table
	columns, err := data.rows(&t, path, labels, files, i == 0)
	if err != nil {
		c.refuse(err)
		return
	}
	if i > 0 && c.tables[0] != nil {
		if err := Match(c.tables[0], t, c.ByPlace); err != nil {
			c.refuse(err)
			return
		}
	}
	c.tables[i], c.picked[i] = t, columns
	r := &c.Report.Files[i]
	r.Rows, r.Notes, r.Columns = t.Rows, t.Notes, columnReports(t)
	for _, col := range r.Columns {
		switch {
		case col.Constant:
			c.doubt("%s: column %s is %v in every row", path, col.Name, col.Least)
		case col.Counts:
			c.doubt("%s: column %s counts the rows, as an index does: --drop leaves it out", path, col.Name)
		}
		if col.Outliers > 0 {
			c.doubt("%s: column %s: %d cells are far from the others, the furthest, in row %d, is %v; half of all lie from %v to %v",
				path, col.Name, col.Outliers, col.FurthestRow, col.Furthest, col.Lower, col.Upper)
		}
	}
	c.spread(r)
	c.same(i, r)
}

// spread doubts columns whose ranges differ so much that distances see one of them alone.
func (c *checker) spread(r *FileReport) {
	least, most := -1, -1
	for k, col := range r.Columns {
		if col.Constant {
			continue
		}
		if least < 0 || col.width() < r.Columns[least].width() {
			least = k
		}
		if most < 0 || col.width() > r.Columns[most].width() {
			most = k
		}
	}
	if least >= 0 && r.Columns[most].width() > 1000*r.Columns[least].width() {
		c.doubt("%s: column %s ranges over %v, column %s over %v: without a scale for each, distances see the first alone",
			r.File, r.Columns[most].Name, r.Columns[most].width(), r.Columns[least].Name, r.Columns[least].width())
	}
}

// same counts rows that are there twice, and rows to judge by that are training rows.
func (c *checker) same(i int, r *FileReport) {
	t := c.tables[i]
	first := newRowIndex(t)
	conflict := func(a, b int) bool {
		return slices.ContainsFunc(c.picked[i], func(col *Column) bool { return !col.same(a, b) })
	}
	for row := range t.Rows {
		if k := first.find(t, row); k < row {
			if r.Duplicates++; conflict(k, row) {
				r.Conflicts++
			}
		}
	}
	if r.Duplicates > 0 {
		c.doubt("%s: %d rows have the features of an earlier row, %d of them with another label or target", r.File, r.Duplicates, r.Conflicts)
	}
	if i == 0 || c.tables[0] == nil {
		return
	}
	train := newRowIndex(c.tables[0])
	example := ""
	for row := range t.Rows {
		if k := train.find(t, row); k >= 0 {
			if r.Leaks++; r.Leaks == 1 {
				example = fmt.Sprintf("row %d is row %d there", row, k)
			}
		}
	}
	if r.Leaks > 0 {
		c.doubt("%s: %d rows are rows of %s, which are judged by themselves: %s", r.File, r.Leaks, c.Features[0], example)
	}
}

// owners counts the owners of the training rows.
func (c *checker) owners() {
	d := Data{Train: c.tables[0]}
	if err := d.owners(Files{Owners: c.Owners, OwnerColumn: c.OwnerColumn, Options: c.Options}); err != nil {
		c.refuse(err)
		return
	}
	c.Players = len(d.Players)
}

// classes counts the rows of each class.
func (c *checker) classes() {
	var columns []*Column
	at := []int{}
	for i, p := range c.picked {
		if len(p) == 1 {
			columns, at = append(columns, p[0]), append(at, i)
		}
	}
	if len(columns) == 0 {
		return
	}
	keys, ids, kind, err := distinct(columns)
	if err != nil {
		c.refuse(err)
		return
	}
	c.Report.Classes = make([]ClassCount, len(keys))
	for k, key := range keys {
		c.Report.Classes[k] = ClassCount{Label: key.spelling(kind), Rows: make([]int, len(c.Features))}
	}
	for j, rows := range ids {
		for _, k := range rows {
			c.Report.Classes[k].Rows[at[j]]++
		}
	}
	if len(keys) == 1 {
		c.refuse(oneClass(columns[0], keys[0].spelling(kind)))
	}
	for _, k := range c.Report.Classes {
		if k.Rows[0] == 0 {
			c.doubt("%s: no row is of class %.40q, which rows to judge by have", c.Features[0], k.Label)
		}
	}
	if n := c.tables[0].Rows; len(keys) > 20 && len(keys) > n/2 {
		c.doubt("labels: %d classes of %d rows: are they targets?", len(keys), n)
	}
}

// targets gives the range of each column of targets.
func (c *checker) targets() {
	for i, columns := range c.picked {
		for _, col := range columns {
			y, err := col.Numbers()
			if err == nil {
				_, err = col.Targets()
			}
			if err != nil {
				c.refuse(err)
				continue
			}
			r := &c.Report.Files[i]
			r.Targets = append(r.Targets, TargetReport{Name: col.Name, Least: slices.Min(y), Most: slices.Max(y)})
		}
	}
}
