package pack

import (
	"encoding/binary"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/tabular"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/safetensors"
)

// Table writes the rows of a table to a safetensors file: the columns that are no label as x, F32, each row in a shape, or of one
// dimension if that is nil; and the label, y: I32, or with targets F32.
func Table(in, label string, shape []int, targets bool, o tabular.Options, out string) (rows, cols int, err error) {
	o.Pick = []string{label}
	t, err := tabular.Read(in, o)
	if err != nil {
		return 0, 0, err
	}
	if shape == nil {
		shape = []int{t.Cols}
	}
	elements := 1
	for _, d := range shape {
		if d < 1 || d > tabular.MaxCols {
			return 0, 0, fault.New(fault.OutOfRange, in, "shape", "%v: dimensions of 1 to %d are needed", shape, tabular.MaxCols)
		}
		elements = min(elements*d, tabular.MaxCols+1)
	}
	if elements != t.Cols {
		return 0, 0, fault.New(fault.OutOfRange, in, "shape", "%v, a row has %d numbers", shape, t.Cols)
	}
	numbers, err := t.Picked[0].Numbers()
	if err != nil {
		return 0, 0, err
	}
	y := safetensors.Tensor{Name: "y", Shape: []int{t.Rows}}
	if targets {
		y.Shape = append(y.Shape, 1)
	}
	for r, v := range numbers {
		switch {
		case targets:
			y.F32 = append(y.F32, float32(v))
		case v != math.Trunc(v) || v < math.MinInt32 || v > math.MaxInt32:
			return 0, 0, fault.New(fault.OutOfRange, in, "column "+label, "row %d: %s, a label is a whole number from %d to %d", r, plain(v), math.MinInt32, math.MaxInt32)
		default:
			y.I32 = append(y.I32, int32(v))
		}
	}
	err = writeFile(out, func(w io.Writer) error {
		return safetensors.Write(w, nil, []safetensors.Tensor{{Name: "x", Shape: append([]int{t.Rows}, shape...), F32: t.F}, y})
	})
	return t.Rows, t.Cols, err
}

// Tokens writes the cells of one column, the only one if it has no name here, or of an array of one dimension, as a stream of tokens of U16 or I32.
func Tokens(in, column string, dtype safetensors.DType, o tabular.Options, out string) (n int, err error) {
	if column != "" {
		o.Pick = []string{column}
	}
	c, err := tabular.ReadColumn(in, -1, o)
	if err != nil {
		return 0, err
	}
	numbers, err := c.Numbers() // those of 2^53 and more are refused below, rounded or not
	if err != nil {
		return 0, err
	}
	most := float64(math.MaxUint16)
	if dtype == safetensors.I32 {
		most = math.MaxInt32
	}
	for r, v := range numbers {
		if v != math.Trunc(v) || v < 0 || v > most {
			return 0, fault.New(fault.OutOfRange, in, "", "row %d: %s, a token of %s is a whole number from 0 to %s", r, plain(v), dtype, plain(most))
		}
	}
	return len(numbers), writeFile(out, func(w io.Writer) error {
		var b [4]byte
		for _, v := range numbers {
			binary.LittleEndian.PutUint32(b[:], uint32(v))
			if _, err := w.Write(b[:dtype.Size()]); err != nil {
				return err
			}
		}
		return nil
	})
}

func plain(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// Text writes the bytes of files, one after another, as a stream of tokens of U16.
func Text(in []string, open func(path string) (io.ReadCloser, error), out string) (n int64, err error) {
	err = writeFile(out, func(w io.Writer) error {
		chunk, wide := make([]byte, 1<<16), make([]byte, 1<<17)
		for _, path := range in {
			f, err := open(path)
			if err != nil {
				return err
			}
			for err == nil {
				var got int
				got, err = f.Read(chunk)
				for i, c := range chunk[:got] {
					wide[2*i], wide[2*i+1] = c, 0
				}
				n += int64(got)
				if _, wrong := w.Write(wide[:2*got]); wrong != nil {
					f.Close()
					return wrong
				}
			}
			f.Close()
			if err != io.EOF {
				return err
			}
		}
		return nil
	})
	return n, err
}

// IsTable says whether a file is one of those that are read as tables.
func IsTable(path string) bool {
	return slices.Contains([]string{".csv", ".tsv", ".npy", ".npz", ".parquet", ".arrow", ".feather"}, strings.ToLower(filepath.Ext(path)))
}
