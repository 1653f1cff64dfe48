package safetensors

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/input"
	"github.com/verifyd/verifyd/verify/internal/little"
)

// Reader reads a file from front to back, one tensor after another, so that a large file never has
// to be in memory whole.
type Reader struct {
	r        io.Reader
	file     string
	entries  []entry
	metadata map[string]string
	next     int
	part     int64 // bytes read of the next tensor
	size     int64
}

// NewReader reads the header of a file whose tensors may have at most limit bytes together. Errors
// begin with file, the name that the user knows the source by.
func NewReader(r io.Reader, file string, limit int64) (*Reader, error) {
	entries, metadata, err := readHeader(r, file, limit, DType.Size)
	if err != nil {
		return nil, err
	}
	s := &Reader{r: r, file: file, entries: entries, metadata: metadata}
	if len(entries) > 0 {
		s.size = entries[len(entries)-1].end
	}
	return s, nil
}

// ReadLayout reads the header of a file as NewReader does, but with the element types that sizeOf gives bytes for, 0 being
// unknown, and gives the metadata as well. The tensors follow in r in the order of the list, without a gap. No file of the
// protocol is read so.
func ReadLayout(r io.Reader, file string, limit int64, sizeOf func(DType) int64) ([]Info, map[string]string, error) {
	entries, metadata, err := readHeader(r, file, limit, sizeOf)
	if err != nil {
		return nil, nil, err
	}
	return (&Reader{entries: entries}).Tensors(), metadata, nil
}

// readHeader reads the length and the header of a file whose tensors may have at most limit bytes together.
func readHeader(r io.Reader, file string, limit int64, sizeOf func(DType) int64) ([]entry, map[string]string, error) {
	var prefix [8]byte
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		return nil, nil, fault.In(file, fault.Under("header length", fault.Truncated(err)))
	}
	n := binary.LittleEndian.Uint64(prefix[:])
	if n > MaxHeader {
		return nil, nil, fault.New(fault.TooLarge, file, "header length", "%d bytes, the limit is %d", n, MaxHeader)
	}
	header := make([]byte, n)
	if _, err := io.ReadFull(r, header); err != nil {
		return nil, nil, fault.In(file, fault.Under("header", fault.Truncated(err)))
	}
	entries, metadata, err := parseHeader(header, sizeOf)
	if err != nil {
		return nil, nil, fault.In(file, fault.Under("header", err))
	}
	if len(entries) > 0 && entries[len(entries)-1].end > limit {
		return nil, nil, fault.New(fault.TooLarge, file, "header", "tensors of %d bytes, the limit is %d", entries[len(entries)-1].end, limit)
	}
	return entries, metadata, nil
}

// Tensors describes the tensors in the order in which they are read.
func (s *Reader) Tensors() []Info {
	infos := make([]Info, len(s.entries))
	for i, e := range s.entries {
		infos[i] = e.Info
	}
	return infos
}

// Metadata returns the header's text, nil if it has none. It is never interpreted here.
func (s *Reader) Metadata() map[string]string { return s.metadata }

// Expect returns an error unless the file holds exactly the tensors of want, in that order.
func (s *Reader) Expect(want []Info) error {
	for i, w := range want {
		if i >= len(s.entries) {
			return fault.New(fault.WrongType, s.file, "header", "tensor %q is missing", w.Name)
		}
		if got := s.entries[i].Info; !got.Equal(w) {
			return fault.New(fault.WrongType, s.file, "header", "tensor %d is %q, %s %v; %q, %s %v is needed",
				i, got.Name, got.DType, got.Shape, w.Name, w.DType, w.Shape)
		}
	}
	if len(s.entries) > len(want) {
		return fault.New(fault.WrongType, s.file, "header", "tensor %q is not expected", s.entries[len(want)].Name)
	}
	return nil
}

// F32 reads the next tensor, which must be of type F32 and have len(dst) elements.
func (s *Reader) F32(dst []float32) error { return readTensor(s, F32, dst) }

// I32 reads the next tensor, which must be of type I32 and have len(dst) elements.
func (s *Reader) I32(dst []int32) error { return readTensor(s, I32, dst) }

// I64 reads the next tensor, which must be of type I64 and have len(dst) elements.
func (s *Reader) I64(dst []int64) error { return readTensor(s, I64, dst) }

// U8 reads the next tensor, which must be of type U8 and have len(dst) elements.
func (s *Reader) U8(dst []byte) error { return s.bytes(U8, dst) }

// F32Part reads the next len(dst) elements of a tensor of type F32, which need not be all of it.
func (s *Reader) F32Part(dst []float32) error {
	if s.next == len(s.entries) {
		return fmt.Errorf("%s: no tensor left to read", s.file)
	}
	e := s.entries[s.next]
	if rest := e.end - e.begin - s.part; e.DType != F32 || rest < 4*int64(len(dst)) {
		return fault.New(fault.WrongType, s.file, "", "tensor %q has %d bytes of %s left, %d bytes of %s are needed", e.Name, rest, e.DType, 4*len(dst), F32)
	}
	if _, err := io.ReadFull(s.r, little.View(dst)); err != nil {
		return fault.In(s.file, fault.Under(tensorField(e.Name), fault.Truncated(err)))
	}
	little.Swap(dst)
	if s.part += 4 * int64(len(dst)); s.part == e.end-e.begin {
		s.next, s.part = s.next+1, 0
	}
	return nil
}

// Bytes reads the next tensor as the file has it, little-endian. It must have len(dst) bytes.
func (s *Reader) Bytes(dst []byte) error {
	if s.next == len(s.entries) {
		return s.bytes("", dst)
	}
	return s.bytes(s.entries[s.next].DType, dst)
}

func readTensor[T little.Number](s *Reader, dtype DType, dst []T) error {
	err := s.bytes(dtype, little.View(dst))
	little.Swap(dst)
	return err
}

func (s *Reader) bytes(dtype DType, dst []byte) error {
	if s.next == len(s.entries) {
		return fmt.Errorf("%s: no tensor left to read", s.file)
	}
	e := s.entries[s.next]
	if e.DType != dtype || s.part > 0 || e.end-e.begin != int64(len(dst)) {
		return fault.New(fault.WrongType, s.file, "", "tensor %q has %d bytes of %s, %d bytes of %s are needed",
			e.Name, e.end-e.begin, e.DType, len(dst), dtype)
	}
	if _, err := io.ReadFull(s.r, dst); err != nil {
		return fault.In(s.file, fault.Under(tensorField(e.Name), fault.Truncated(err)))
	}
	s.next++
	return nil
}

// Tensor reads the next tensor into memory of its own.
func (s *Reader) Tensor() (Tensor, error) {
	if s.next == len(s.entries) {
		return Tensor{}, fmt.Errorf("%s: no tensor left to read", s.file)
	}
	e := s.entries[s.next]
	n, err := e.Elements()
	if err != nil {
		return Tensor{}, err
	}
	t := Tensor{Name: e.Name, Shape: e.Shape}
	switch e.DType {
	case F32:
		t.F32 = make([]float32, n)
		err = s.F32(t.F32)
	case I32:
		t.I32 = make([]int32, n)
		err = s.I32(t.I32)
	case I64:
		t.I64 = make([]int64, n)
		err = s.I64(t.I64)
	case U16:
		raw := make([]byte, 2*n)
		err = s.Bytes(raw)
		t.U16 = make([]uint16, n)
		for i := range t.U16 {
			t.U16[i] = binary.LittleEndian.Uint16(raw[2*i:])
		}
	case U8:
		t.U8 = make([]byte, n)
		err = s.U8(t.U8)
	}
	return t, err
}

// Close returns an error unless every tensor was read and nothing follows the last one. It does not
// close the source.
func (s *Reader) Close() error {
	if s.next < len(s.entries) {
		return fmt.Errorf("%s: tensor %q was not read", s.file, s.entries[s.next].Name)
	}
	var extra [1]byte
	n, err := io.ReadFull(s.r, extra[:])
	if n > 0 {
		return fault.New(fault.BadLength, s.file, "", "bytes follow the last tensor")
	}
	if err != io.EOF {
		return fault.In(s.file, fault.Under("after the last tensor", err))
	}
	return nil
}

// File is a file that is in memory whole.
type File struct {
	Metadata map[string]string
	Tensors  []Tensor // in the order of their bytes
}

// Tensor returns the tensor of that name.
func (f *File) Tensor(name string) (Tensor, bool) {
	for _, t := range f.Tensors {
		if t.Name == name {
			return t, true
		}
	}
	return Tensor{}, false
}

// Read reads a whole file whose tensors may have at most limit bytes together.
func Read(r io.Reader, file string, limit int64) (*File, error) {
	s, err := NewReader(r, file, limit)
	if err != nil {
		return nil, err
	}
	f := &File{Metadata: s.metadata}
	for range s.entries {
		t, err := s.Tensor()
		if err != nil {
			return nil, err
		}
		f.Tensors = append(f.Tensors, t)
	}
	return f, s.Close()
}

// ReadFile reads the file at path, which must be uncompressed, within the same limit as Read.
func ReadFile(path string, limit int64) (*File, error) {
	r, _, err := input.Open(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return Read(r, path, limit)
}
