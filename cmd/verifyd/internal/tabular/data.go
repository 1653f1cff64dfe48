package tabular

import (
	"errors"
	"fmt"
)

// Want says what is to be predicted of a row.
type Want int

// What may be predicted.
const (
	Labels  Want = iota // one of a few classes
	Targets             // numbers
)

// Files name a data set: rows to learn from, rows to be judged by, and what is to be predicted of both.
type Files struct {
	Train, Test string
	// Columns of both files hold the labels, or the targets: one or more. Without any, they have files of their own.
	Columns                 []string
	TrainLabels, TestLabels string
	// Owners is a file with the owner of each training row; OwnerColumn a column of the training rows in its place.
	Owners, OwnerColumn string
	// ByPlace matches the columns of Test with those of Train by their place instead of by their names.
	ByPlace bool
	Options // of all files; Pick is set here
}

// Data is a data set as games take it.
type Data struct {
	Width int      // features of a row
	Names []string // of the features; nil if no file names them

	Train, Test             *Table
	Classes                 []string // the labels, by class; with Labels
	TrainLabels, TestLabels []int32  // classes
	// Targets are in units of 1e-9, a slice for each column; with Targets.
	TrainTargets, TestTargets [][]int64
	TargetNames               []string
	Players                   []string // owners by name; nil if rows have none
	Owners                    []int32  // player of each training row
}

// ErrFiles is the class of errors about which files were named, and not about what is in them.
var ErrFiles = errors.New("which files and columns")

// check refuses files that do not fit together.
func (f *Files) check() error {
	switch {
	case f.Train == "" || f.Test == "":
		return fmt.Errorf("%w: --train or --test is missing: the game is one of data", ErrFiles)
	case (len(f.Columns) == 0) == (f.TrainLabels == "") || (len(f.Columns) == 0) == (f.TestLabels == ""):
		return fmt.Errorf("%w: give either --column, or --train-labels and --test-labels", ErrFiles)
	case f.Owners != "" && f.OwnerColumn != "":
		return fmt.Errorf("%w: give either --owners or --owner-column", ErrFiles)
	}
	return nil
}

// ReadData reads a data set. Columns are matched, labels become classes (see Classes) and owners players (see Owners).
func ReadData(f Files, want Want) (*Data, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	d := &Data{}
	trainColumns, err := d.rows(&d.Train, f.Train, f.TrainLabels, f, true)
	if err != nil {
		return nil, err
	}
	testColumns, err := d.rows(&d.Test, f.Test, f.TestLabels, f, false)
	if err != nil {
		return nil, err
	}
	if err := Match(d.Train, d.Test, f.ByPlace); err != nil {
		return nil, err
	}
	d.Width, d.Names = d.Train.Cols, d.Train.Names
	if err := d.owners(f); err != nil {
		return nil, err
	}
	if want == Labels {
		if len(trainColumns) != 1 {
			return nil, fmt.Errorf("%w: %d columns of labels: want one", ErrFiles, len(trainColumns))
		}
		d.Classes, d.TrainLabels, d.TestLabels, err = Classes(trainColumns[0], testColumns[0])
		return d, err
	}
	for i, c := range trainColumns {
		d.TargetNames = append(d.TargetNames, c.Name)
		for _, s := range []struct {
			to   *[][]int64
			from *Column
		}{{&d.TrainTargets, c}, {&d.TestTargets, testColumns[i]}} {
			y, err := s.from.Targets()
			if err != nil {
				return nil, err
			}
			*s.to = append(*s.to, y)
		}
	}
	return d, nil
}

// rows reads features and gives what is to be predicted of them, from one file or two.
func (d *Data) rows(to **Table, features, labels string, f Files, train bool) ([]*Column, error) {
	o := f.Options
	o.Pick = f.Columns
	switch {
	case f.OwnerColumn != "" && train:
		o.Pick = append(append([]string{}, f.Columns...), f.OwnerColumn)
	case !train:
		o.Drop, o.Lenient = append(append([]string{}, f.Drop...), dropped(f.OwnerColumn)...), true
	}
	t, err := Read(features, o)
	if err != nil {
		return nil, err
	}
	*to = t
	if labels == "" {
		return t.Picked[:len(f.Columns)], nil
	}
	o = f.Options
	o.Pick, o.Drop = nil, nil
	c, err := ReadColumn(labels, t.Rows, o)
	return []*Column{c}, err
}

func dropped(column string) []string {
	if column == "" {
		return nil
	}
	return []string{column}
}

// owners reads who owns the training rows, if anybody does.
func (d *Data) owners(f Files) (err error) {
	var c *Column
	switch {
	case f.OwnerColumn != "":
		c = d.Train.Picked[len(d.Train.Picked)-1]
	case f.Owners != "":
		o := f.Options
		o.Pick, o.Drop = nil, nil
		if c, err = ReadColumn(f.Owners, d.Train.Rows, o); err != nil {
			return err
		}
	default:
		return nil
	}
	d.Players, d.Owners, err = Owners(c)
	return err
}
