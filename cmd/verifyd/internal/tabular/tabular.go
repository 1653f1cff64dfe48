package tabular

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/verifyd/verifyd/verify/input"
)

// Limits of every table.
const (
	MaxRows = 1 << 28
	MaxCols = 1 << 20
	// DefaultLimit is the most bytes that the numbers of one file may take, in the file and in memory.
	DefaultLimit = 8 << 30
)

// Matrix is rows x columns numbers in row-major order.
type Matrix struct {
	Rows, Cols int
	F          []float32
}

// Table is a matrix and what is to be predicted of each of its rows. At most one of Labels and Targets
// is set, with an element a row.
type Table struct {
	Matrix
	Labels  []int32
	Targets []int64 // fixed-point, in units of 1e-9
}

// Want says what a file's numbers are read as.
type Want int

// What a file or a column may be read as.
const (
	Features Want = iota // float32, rounded once
	Labels               // whole numbers of an int32
	Targets              // fixed-point in units of 1e-9
)

func (w Want) String() string {
	switch w {
	case Features:
		return "features"
	case Labels:
		return "labels"
	case Targets:
		return "targets"
	}
	return fmt.Sprintf("Want(%d)", int(w))
}

// bytes of an element in memory.
func (w Want) bytes() int64 {
	if w == Targets {
		return 8
	}
	return 4
}

// Options say how to read a file. The zero value is right for most.
type Options struct {
	Limit  int64  // most bytes of numbers; 0 takes DefaultLimit
	Header Header // whether a CSV begins with a line of names
	// Column picks out of a file what is read by itself: the column of a CSV, by its name or its number
	// from 1 (-1 is the last), or the tensor of a safetensors file, by its name.
	Column string
}

func (o Options) limit() int64 {
	if o.Limit == 0 {
		return DefaultLimit
	}
	return o.Limit
}

// ReadMatrix reads a file that holds nothing but features. An array of one dimension is a column.
// Tensors of three dimensions or more are one row for each index of the first. o.Column, if given, is
// the only column or tensor that is read.
func ReadMatrix(path string, o Options) (Matrix, error) {
	t, err := read(path, Features, o)
	return t.Matrix, err
}

// ReadLabels reads a file of one label a row: whole numbers from -2^31 to 2^31-1.
func ReadLabels(path string, o Options) ([]int32, error) {
	t, err := read(path, Labels, o)
	return t.Labels, err
}

// ReadTargets reads a file of one number a row, each rounded to the nearest multiple of 1e-9.
func ReadTargets(path string, o Options) ([]int64, error) {
	t, err := read(path, Targets, o)
	return t.Targets, err
}

// ReadTable reads a CSV or safetensors file of features in which o.Column holds the labels or the
// targets, whichever is wanted.
func ReadTable(path string, want Want, o Options) (Table, error) {
	if want != Labels && want != Targets {
		return Table{}, fmt.Errorf("%s: a column of %v cannot be read beside the features", path, want)
	}
	if o.Column == "" {
		return Table{}, fmt.Errorf("%s: which column holds the %v is not said", path, want)
	}
	f, size, err := open(path, o)
	if err != nil {
		return Table{}, err
	}
	defer f.Close()
	switch format(path) {
	case ".csv":
		return readCSV(f, path, tableOf(want), o)
	case ".safetensors":
		return readTensors(f, path, tableOf(want), size, o)
	}
	return Table{}, fmt.Errorf("%s: one array has no column %q to tell apart: want a .csv or .safetensors file, or the %v in a file of their own", path, o.Column, want)
}

// read reads a file of one kind of number.
func read(path string, want Want, o Options) (Table, error) {
	f, size, err := open(path, o)
	if err != nil {
		return Table{}, err
	}
	defer f.Close()
	switch format(path) {
	case ".npy":
		return readNPY(f, path, want, size, o)
	case ".csv":
		return readCSV(f, path, only(want), o)
	case ".safetensors":
		return readTensors(f, path, only(want), size, o)
	}
	return Table{}, fmt.Errorf("%s: want a file whose name ends in .npy, .csv or .safetensors", path)
}

// wanted is what a file gives: numbers of one kind, or features beside a column of another kind.
type wanted struct {
	kind   Want
	beside bool
}

func only(w Want) wanted    { return wanted{kind: w} }
func tableOf(w Want) wanted { return wanted{kind: w, beside: true} }

func format(path string) string { return strings.ToLower(filepath.Ext(path)) }

// open opens a regular file and gives its length.
func open(path string, o Options) (*os.File, int64, error) {
	if o.Limit < 0 {
		return nil, 0, fmt.Errorf("%s: limit: %d bytes, at least 0 is needed", path, o.Limit)
	}
	f, info, err := input.Open(path)
	if err != nil {
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// checkShape refuses tables that are empty or beyond a limit. size is the bytes of an element.
func checkShape(rows, cols, size, limit int64) error {
	if rows < 1 || rows > MaxRows {
		return fmt.Errorf("rows: %d is outside 1 to %d", rows, MaxRows)
	}
	if cols < 1 || cols > MaxCols {
		return fmt.Errorf("columns: %d is outside 1 to %d", cols, MaxCols)
	}
	// At most 2^28 * 2^20 * 2^3, which fits. A 32-bit machine has fewer.
	if n := rows * cols * size; n > limit || n > math.MaxInt {
		return fmt.Errorf("size: %d x %d numbers take %d bytes, the limit is %d", rows, cols, n, min(limit, math.MaxInt))
	}
	return nil
}

// truncated names a source that ends early.
func truncated(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the file is truncated: %w", io.ErrUnexpectedEOF)
	}
	return err
}
