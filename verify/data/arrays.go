package data

import (
	"bufio"
	"io"
	"math"
	"path/filepath"
	"strings"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/npy"
	"github.com/verifyd/verifyd/verify/safetensors"
)

// array is a tensor in a file.
type array struct {
	name  string
	dtype safetensors.DType
	shape []int
	at    int64 // its first byte
}

// row is the bytes of a row.
func (a *array) row() int64 {
	n := a.dtype.Size()
	for _, d := range a.shape[1:] {
		n *= int64(d)
	}
	return n
}

// arraysOf are the tensors of a file.
func arraysOf(s *source, n named) ([]array, error) {
	switch strings.ToLower(filepath.Ext(n.path)) {
	case ".npy":
		a, err := npyArray(s)
		if a.name = n.tensor; a.name == "" {
			a.name = strings.FieldsFunc(filepath.Base(n.path), func(r rune) bool { return strings.ContainsRune("-_.", r) })[0]
		}
		if err == nil && a.name != "x" && a.name != "y" && !strings.HasPrefix(a.name, "x/") {
			err = fault.New(fault.WrongType, "", "", "whether it holds x or y is not said: give x=%s or y=%[1]s", n.path)
		}
		return []array{a}, err
	case ".bin":
		return nil, fault.New(fault.WrongType, "", "", "a stream of tokens: verifyd data commit --context says how many a window has")
	case ".parquet", ".arrow", ".feather", ".csv", ".tsv", ".npz", ".txt", ".png", ".jpg", ".jpeg":
		return nil, fault.New(fault.WrongType, "", "", "want .safetensors, .npy or .bin: verifyd data pack makes such files of others")
	}
	return tensorsOf(s)
}

// counted counts what is read.
type counted struct {
	io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}

// tensorsOf reads the header of a safetensors file.
func tensorsOf(s *source) (all []array, err error) {
	size := s.info.Size()
	in := counted{Reader: io.NewSectionReader(s, 0, size)}
	r, err := safetensors.NewReader(&in, s.path, size)
	if err != nil {
		return nil, err
	}
	at := in.n
	for _, t := range r.Tensors() {
		n, err := t.Elements()
		if err != nil {
			return nil, err
		}
		if len(t.Shape) == 0 {
			return nil, fault.New(fault.WrongType, "", "tensor "+t.Name, "no dimension for the rows")
		}
		all = append(all, array{t.Name, t.DType, t.Shape, at})
		at += int64(n) * t.DType.Size()
	}
	return all, ends(at, size)
}

// npyArray reads the header of an .npy.
func npyArray(s *source) (a array, err error) {
	size := s.info.Size()
	h, err := npy.Read(bufio.NewReader(io.NewSectionReader(s, 0, size)))
	if err != nil {
		return a, fault.As(fault.BadForm, err)
	}
	if a.dtype, err = typeOf(h.Descr); err != nil {
		return a, err
	}
	if h.Fortran && len(h.Shape) > 1 {
		return a, fault.New(fault.WrongType, "", "", "in Fortran order, where a sample is not in one piece: save numpy.ascontiguousarray of it")
	}
	bytes := a.dtype.Size()
	for i, d := range h.Shape {
		if d < 1 || d > math.MaxInt32 && i > 0 || d > math.MaxInt64/bytes {
			return a, fault.New(fault.OutOfRange, "", "shape", "%v: dimension %d is none of a data set", h.Shape, i)
		}
		bytes *= d
		if int64(int(d)) != d {
			return a, fault.New(fault.TooLarge, "", "shape", "dimension %d overflows", i)
		}
		a.shape = append(a.shape, int(d))
	}
	if h.Bytes > math.MaxInt64-bytes {
		return a, fault.New(fault.TooLarge, "", "shape", "%v overflows", h.Shape)
	}
	a.at = h.Bytes
	return a, ends(h.Bytes+bytes, size)
}

// typeOf is the element type of a descr.
func typeOf(descr string) (safetensors.DType, error) {
	switch descr {
	case "<f4":
		return safetensors.F32, nil
	case "<i4":
		return safetensors.I32, nil
	case "<u2":
		return safetensors.U16, nil
	case "|u1", "|b1":
		return safetensors.U8, nil
	}
	if strings.HasPrefix(descr, ">") {
		return "", fault.New(fault.WrongType, "", "", "%.20q, big-endian: save it with .astype(a.dtype.newbyteorder('<'))", descr)
	}
	return "", fault.New(fault.WrongType, "", "", "elements of %.20q: <f4, <i4, <u2, |u1 or |b1 are read in place, and verifyd data pack narrows others without losing a bit", descr)
}

// ends refuses a file that does not end where it says.
func ends(want, size int64) error {
	if want != size {
		return fault.New(fault.BadLength, "", "", "%d bytes, its header says %d", size, want)
	}
	return nil
}

var _ job.Samples = (*Files)(nil)
