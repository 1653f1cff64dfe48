package tabular

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/input"
)

// Limits of every table.
const (
	MaxRows = 1 << 28
	MaxCols = 1 << 20
	// DefaultLimit is the most bytes that the numbers of one file may take, in the file and in memory.
	DefaultLimit = 8 << 30
	// maxExpansion is how many times its own length a compressed file may become, beyond freeExpansion.
	maxExpansion  = 1024
	freeExpansion = 64 << 20
	// maxText bounds a label, an owner or a name, in bytes.
	maxText = 1024
)

// Matrix is rows x columns numbers in row-major order.
type Matrix struct {
	Rows, Cols int
	F          []float32
}

// Table is what a file holds: the features of its rows, and the columns that were picked out of them.
type Table struct {
	File string
	Matrix
	Names  []string  // of the features, in order; nil if the file names none
	Types  []string  // of the features, as the file has them
	Picked []*Column // in the order of Options.Pick
	Notes  []string  // what was decided on the way, for people
}

// Options say how a file is read. The zero value refuses where a file leaves a doubt.
type Options struct {
	Limit        int64  // most bytes of numbers; 0 takes DefaultLimit
	Header       Header // whether a CSV begins with a line of names
	Index        Index  // what becomes of an index without a name
	Separator    rune   // of a CSV: comma, semicolon or tab; 0 takes the one that its first line has
	DecimalComma bool   // numbers of a CSV have a comma for a point
	// Pick is what is set apart from the features: columns by name or by number from 1 (-1 is the last), or arrays of an
	// NPZ or safetensors file by name.
	Pick []string
	// Drop is what is left out, named as in Pick.
	Drop []string
	// Lenient lets a file lack what Drop names.
	Lenient bool

	one bool // the file is nothing but the column that is picked
}

// Index says what becomes of a first column without a name, as pandas and R write for their row names.
type Index int

// What becomes of an index.
const (
	Ask  Index = iota // it is refused, with the remedy
	Drop              // it is left out
	Keep              // it is a feature like any other
)

// ParseIndex reads a flag's value: ask, drop or keep.
func ParseIndex(text string) (Index, error) {
	for k, name := range []string{"ask", "drop", "keep"} {
		if name == text {
			return Index(k), nil
		}
	}
	return 0, fmt.Errorf("%.40q: want drop or keep", text)
}

// ParseSeparator reads a flag's value: auto, comma, semicolon or tab.
func ParseSeparator(text string) (rune, error) {
	switch text {
	case "auto":
		return 0, nil
	case "comma", ",":
		return ',', nil
	case "semicolon", ";":
		return ';', nil
	case "tab", "\t":
		return '\t', nil
	}
	return 0, fmt.Errorf("%.40q: want auto, comma, semicolon or tab", text)
}

func (o Options) limit() int64 {
	if o.Limit == 0 {
		return DefaultLimit
	}
	return o.Limit
}

// Formats are the ends of the names of files that are read.
const Formats = ".csv, .tsv, .npy, .npz, .safetensors, .parquet, .arrow or .feather"

// Read reads a file of features, and of the columns that o picks. Tensors of three dimensions or more are one row for each
// index of the first.
func Read(path string, o Options) (*Table, error) { return read(path, o, -1) }

// ReadColumn reads one column of so many rows, or of any number if that is negative: labels, targets, owners or tokens. Without a
// Pick the file must be nothing but that column. Of a CSV whose first line may be a name or not, the number of rows says which.
func ReadColumn(path string, rows int, o Options) (*Column, error) {
	o.one = true
	t, err := read(path, o, rows)
	if err != nil {
		return nil, err
	}
	c := t.Picked[0]
	if rows >= 0 && c.Rows() != rows {
		return nil, fault.New(fault.BadLength, path, "", "%d rows, want %d, as many as the features have", c.Rows(), rows)
	}
	return c, nil
}

// read reads a file that has so many rows, if that is known and not negative.
func read(path string, o Options, rows int) (*Table, error) {
	if o.Limit < 0 {
		return nil, fmt.Errorf("%s: limit: %d bytes, at least 0 is needed", path, o.Limit)
	}
	f, info, err := input.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	t, err := decode(f, info.Size(), format(path), o, rows)
	if err != nil {
		return nil, classed(path, err)
	}
	t.File = path
	for _, c := range t.Picked {
		c.File = path
	}
	return t, nil
}

// classed is an error about a file: of its form, unless whoever met it knows better, or reading failed.
func classed(path string, err error) error {
	var known *fault.Error
	var disk *fs.PathError
	if errors.As(err, &known) || errors.As(err, &disk) {
		return fault.In(path, err)
	}
	return fault.New(fault.BadForm, path, "", "%w", err)
}

// source is a file that may be read at any place.
type source interface {
	io.Reader
	io.ReaderAt
	io.Seeker
}

var _ source = (*os.File)(nil)

// decode reads a source of some length. Errors do not name the file.
func decode(f source, size int64, format string, o Options, rows int) (*Table, error) {
	switch format {
	case ".npy":
		return readNPY(f, size, o)
	case ".npz":
		return readNPZ(f, size, o)
	case ".csv", ".tsv", ".txt":
		return readCSV(f, o, rows)
	case ".safetensors":
		return readTensors(f, size, o)
	case ".arrow", ".feather", ".ipc":
		return readArrow(f, size, o)
	case ".parquet":
		return readParquet(f, size, o)
	}
	return nil, fmt.Errorf("want a file whose name ends in %s", Formats)
}

func format(path string) string { return strings.ToLower(filepath.Ext(path)) }

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

// checkExpansion refuses files that become far more than they are.
func checkExpansion(bytes, file int64) error {
	if bytes > freeExpansion && bytes/maxExpansion > file {
		return fmt.Errorf("size: %d bytes out of a file of %d: more than %d times as much is refused", bytes, file, maxExpansion)
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
