package tabular

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/verifyd/verifyd/verify/safetensors"
)

// tensorTypes are the element types of safetensors, in the names of numbersOf.
var tensorTypes = map[safetensors.DType]string{
	"F16": "f2", "BF16": "bf2", "F32": "f4", "F64": "f8", "BOOL": "b1",
	"I8": "i1", "I16": "i2", "I32": "i4", "I64": "i8", "U8": "u1", "U16": "u2", "U32": "u4", "U64": "u8",
}

// sizeOf is the bytes of an element, 0 for a type that is not read.
func sizeOf(d safetensors.DType) int64 {
	e, _ := numbersOf(tensorTypes[d], binary.LittleEndian)
	return int64(e.bytes)
}

// readTensors reads a safetensors file of size bytes, with more element types than the protocol's own files have.
func readTensors(r io.Reader, size int64, o Options) (*Table, error) {
	infos, _, err := safetensors.ReadLayout(r, "", min(size, o.limit()), sizeOf)
	if err != nil {
		return nil, err
	}
	var arrays []array
	for _, info := range infos {
		a := array{name: info.Name, rows: 1, cols: 1, vector: len(info.Shape) == 1}
		if len(info.Shape) == 0 {
			return nil, fmt.Errorf("tensor %q: a single number is not a table", info.Name)
		}
		a.rows = int64(info.Shape[0])
		for _, n := range info.Shape[1:] {
			a.cols *= int64(n) // their product fits: it was compared with the length
		}
		a.element, _ = numbersOf(tensorTypes[info.DType], binary.LittleEndian) // its size is known, so it is
		arrays = append(arrays, a)
	}
	t, err := readArrays(arrays, o, size, func(a *array, t *Table, at int, c *Column) error {
		if at < 0 {
			_, err := io.CopyN(io.Discard, r, a.rows*a.cols*int64(a.bytes))
			return truncated(err)
		}
		return a.into(r, t, at, c)
	})
	if err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(r, make([]byte, 1)); err != io.EOF {
		return nil, fmt.Errorf("after the last tensor: %w", tooMuch(err))
	}
	return t, nil
}
