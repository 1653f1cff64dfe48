package tabular

import (
	"fmt"
	"io"

	"github.com/verifyd/verifyd/verify/safetensors"
)

// readTensors reads a safetensors file of size bytes.
func readTensors(r io.Reader, file string, want wanted, size int64, o Options) (t Table, err error) {
	s, err := safetensors.NewReader(r, file, min(size, o.limit()))
	if err != nil {
		return Table{}, err
	}
	infos := s.Tensors()
	picked := func(name string) bool { return o.Column == "" || o.Column == name }
	if err := checkTensors(infos, want, picked, o); err != nil {
		return Table{}, fmt.Errorf("%s: %w", file, err)
	}
	for _, info := range infos {
		x, err := s.Tensor()
		if err != nil {
			return Table{}, err
		}
		kind := want.kind
		if want.beside && !picked(info.Name) {
			kind = Features
		} else if !picked(info.Name) {
			continue
		}
		if err := t.addTensor(x, kind); err != nil {
			return Table{}, fmt.Errorf("%s: tensor %q: %w", file, info.Name, err)
		}
	}
	if err := s.Close(); err != nil {
		return Table{}, err
	}
	return t, nil
}

// checkTensors checks that a file has the tensors that are wanted and that they are within the limits.
func checkTensors(infos []safetensors.Info, want wanted, picked func(string) bool, o Options) error {
	found, rows := 0, -1
	for _, info := range infos {
		isPicked := picked(info.Name)
		if isPicked {
			found++
		} else if !want.beside {
			continue
		}
		kind := Features
		if isPicked {
			kind = want.kind
		}
		n, cols, err := tableShape(info)
		if err == nil {
			err = checkShape(n, cols, max(info.DType.Size(), kind.bytes()), o.limit())
		}
		if err == nil && kind != Features && cols != 1 {
			err = fmt.Errorf("shape: %v: want one column of %v", info.Shape, kind)
		}
		if err == nil && rows >= 0 && int(n) != rows {
			err = fmt.Errorf("shape: %v: the tensor before it has %d rows", info.Shape, rows)
		}
		if err != nil {
			return fmt.Errorf("tensor %q: %w", info.Name, err)
		}
		rows = int(n)
	}
	switch {
	case o.Column != "" && found == 0:
		return fmt.Errorf("tensor %q is missing", o.Column)
	case !want.beside && found != 1:
		return fmt.Errorf("%d tensors: which one holds the %v is not said", len(infos), want.kind)
	case want.beside && len(infos) != 2:
		return fmt.Errorf("%d tensors: want 2, the features and the %v", len(infos), want.kind)
	}
	return nil
}

// tableShape is the rows and columns of a tensor: a row for each index of its first dimension.
func tableShape(info safetensors.Info) (rows, cols int64, err error) {
	n, err := info.Elements()
	if err != nil {
		return 0, 0, err
	}
	if len(info.Shape) == 0 {
		return 0, 0, fmt.Errorf("a single number is not a table")
	}
	rows = int64(info.Shape[0])
	return rows, int64(n) / rows, nil
}

// addTensor takes the elements of a tensor, whose shape was checked, as one kind of number.
func (t *Table) addTensor(x safetensors.Tensor, kind Want) error {
	rows, cols, err := tableShape(x.Info())
	if err != nil {
		return err
	}
	if t.Rows = int(rows); kind == Features || t.Cols == 0 {
		t.Cols = int(cols)
	}
	n := int(rows * cols)
	t.reserve(kind, n)
	for k := range n {
		var v number
		switch {
		case x.F32 != nil:
			v.f = float64(x.F32[k])
		case x.I32 != nil:
			v = whole(int64(x.I32[k]))
		case x.I64 != nil:
			v = whole(x.I64[k])
		default:
			v = whole(int64(x.U8[k]))
		}
		if err := t.add(kind, v); err != nil {
			return fmt.Errorf("%s: %w", place(k, int(cols), len(x.Shape) == 1), err)
		}
	}
	return nil
}
