package tabular

import (
	"fmt"
	"io"

	"github.com/verifyd/verifyd/verify/npy"
)

// readNPY reads an NPY file of size bytes.
func readNPY(r io.Reader, size int64, o Options) (*Table, error) {
	a, err := arrayOf(r, "", size)
	if err != nil {
		return nil, err
	}
	return readArrays([]array{a}, o, size, func(a *array, t *Table, at int, c *Column) error { return a.into(r, t, at, c) })
}

// arrayOf reads the header of an NPY file of size bytes.
func arrayOf(r io.Reader, name string, size int64) (array, error) {
	h, err := npy.Read(r)
	if err != nil {
		return array{}, err
	}
	if len(h.Shape) > 2 {
		return array{}, fmt.Errorf("header: shape: more than 2 dimensions")
	}
	a := array{name: name, rows: h.Shape[0], cols: 1, vector: len(h.Shape) == 1, fortran: h.Fortran}
	if !a.vector {
		a.cols = h.Shape[1]
	}
	if a.element, err = elementOf(h.Descr); err != nil {
		return array{}, fmt.Errorf("header: descr: %w", err)
	}
	if err := checkShape(a.rows, a.cols, int64(a.bytes), 1<<62); err != nil {
		return array{}, fmt.Errorf("header: shape: %w", err)
	}
	if need := h.Bytes + a.rows*a.cols*int64(a.bytes); need != size {
		return array{}, fmt.Errorf("length: %d bytes, a header of %d and %d x %d of %s take %d", size, h.Bytes, a.rows, a.cols, h.Descr, need)
	}
	return a, nil
}
