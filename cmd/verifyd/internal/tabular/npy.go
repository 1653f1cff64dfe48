package tabular

import (
	"fmt"
	"io"
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
	h, err := readHeader(r)
	if err != nil {
		return array{}, err
	}
	a := array{name: name, rows: h.shape[0], cols: 1, vector: len(h.shape) == 1, fortran: h.fortran}
	if !a.vector {
		a.cols = h.shape[1]
	}
	if a.element, err = elementOf(h.descr); err != nil {
		return array{}, fmt.Errorf("header: descr: %w", err)
	}
	if err := checkShape(a.rows, a.cols, int64(a.bytes), 1<<62); err != nil {
		return array{}, fmt.Errorf("header: shape: %w", err)
	}
	if need := h.bytes + a.rows*a.cols*int64(a.bytes); need != size {
		return array{}, fmt.Errorf("length: %d bytes, a header of %d and %d x %d of %s take %d", size, h.bytes, a.rows, a.cols, h.descr, need)
	}
	return a, nil
}
