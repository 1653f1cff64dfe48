package tabular

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// element is an element type of NPY.
type element struct {
	bytes  int
	decode func(b []byte) number
}

func whole(v int64) number { return number{i: v, whole: true} }

// elementOf gives the element type of a descr. Any but these is refused.
func elementOf(descr string) (element, bool) {
	order := binary.LittleEndian
	switch descr {
	case "<f4":
		return element{4, func(b []byte) number { return number{f: float64(math.Float32frombits(order.Uint32(b)))} }}, true
	case "<f8":
		return element{8, func(b []byte) number { return number{f: math.Float64frombits(order.Uint64(b))} }}, true
	case "|i1":
		return element{1, func(b []byte) number { return whole(int64(int8(b[0]))) }}, true
	case "<i2":
		return element{2, func(b []byte) number { return whole(int64(int16(order.Uint16(b)))) }}, true
	case "<i4":
		return element{4, func(b []byte) number { return whole(int64(int32(order.Uint32(b)))) }}, true
	case "<i8":
		return element{8, func(b []byte) number { return whole(int64(order.Uint64(b))) }}, true
	case "|u1", "|b1":
		return element{1, func(b []byte) number { return whole(int64(b[0])) }}, true
	case "<u2":
		return element{2, func(b []byte) number { return whole(int64(order.Uint16(b))) }}, true
	}
	return element{}, false
}

// checkDescr says why an element type is refused.
func checkDescr(descr string) error {
	const types = "<f4, <f8, |i1, <i2, <i4, <i8, |u1, <u2 or |b1"
	_, ok := elementOf(descr)
	switch {
	case ok:
		return nil
	case strings.HasPrefix(descr, "|O"):
		return fmt.Errorf("%q holds Python objects, which are never loaded: want %s", descr, types)
	case strings.HasPrefix(descr, ">"):
		return fmt.Errorf("%.20q is big-endian: want %s", descr, types)
	}
	return fmt.Errorf("%.20q: want %s", descr, types)
}

// readNPY reads an NPY file of size bytes as numbers of one kind.
func readNPY(r io.Reader, file string, want Want, size int64, o Options) (t Table, err error) {
	if o.Column != "" {
		return Table{}, fmt.Errorf("%s: column %q: an NPY file is one array, without names", file, o.Column)
	}
	h, err := readHeader(r)
	if err != nil {
		return Table{}, fmt.Errorf("%s: %w", file, err)
	}
	rows, cols, vector := h.shape[0], int64(1), len(h.shape) == 1
	if !vector {
		cols = h.shape[1]
	}
	if want != Features && cols != 1 {
		return Table{}, fmt.Errorf("%s: header: shape: %v: want one column of %v", file, h.shape, want)
	}
	e, _ := elementOf(h.descr) // the header was checked
	if err := checkShape(rows, cols, max(int64(e.bytes), want.bytes()), o.limit()); err != nil {
		return Table{}, fmt.Errorf("%s: header: shape: %w", file, err)
	}
	if need := h.bytes + rows*cols*int64(e.bytes); need != size {
		return Table{}, fmt.Errorf("%s: length: %d bytes, a header of %d and %d x %d of %s take %d", file, size, h.bytes, rows, cols, h.descr, need)
	}
	t.Rows, t.Cols = int(rows), int(cols)
	n := t.Rows * t.Cols
	t.reserve(want, n)
	chunk := make([]byte, min(n, 8192)*e.bytes)
	for k := 0; k < n; {
		b := chunk[:min(n-k, 8192)*e.bytes]
		if _, err := io.ReadFull(r, b); err != nil {
			return Table{}, fmt.Errorf("%s: %s: %w", file, place(k, t.Cols, vector), truncated(err))
		}
		if h.descr == "|b1" {
			if bad := slices.IndexFunc(b, func(v byte) bool { return v > 1 }); bad >= 0 {
				return Table{}, fmt.Errorf("%s: %s: byte %d is no boolean", file, place(k+bad, t.Cols, vector), b[bad])
			}
		}
		for ; len(b) > 0; b = b[e.bytes:] {
			if err := t.add(want, e.decode(b)); err != nil {
				return Table{}, fmt.Errorf("%s: %s: %w", file, place(k, t.Cols, vector), err)
			}
			k++
		}
	}
	return t, nil
}
