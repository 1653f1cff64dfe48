package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"github.com/verifyd/verifyd/verify/internal/little"
)

// Writer writes a file from front to back: the header first, then each tensor in its order.
type Writer struct {
	w     io.Writer
	infos []Info
	next  int
}

// NewWriter writes the header for tensors. Metadata may be nil.
func NewWriter(w io.Writer, metadata map[string]string, tensors []Info) (*Writer, error) {
	header, err := encodeHeader(metadata, tensors, DType.Size)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(header); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	return &Writer{w: w, infos: tensors}, nil
}

// WriteLayout writes the header of a file with the element types that sizeOf gives bytes for, as ReadLayout reads it. The caller
// writes the tensors behind it, in the order of the list.
func WriteLayout(w io.Writer, metadata map[string]string, tensors []Info, sizeOf func(DType) int64) error {
	header, err := encodeHeader(metadata, tensors, sizeOf)
	if err == nil {
		_, err = w.Write(header)
	}
	return err
}

// encodeHeader returns the length prefix and the canonical header: metadata first with its keys
// sorted, then the tensors in order, then spaces up to a multiple of eight bytes.
func encodeHeader(metadata map[string]string, tensors []Info, sizeOf func(DType) int64) ([]byte, error) {
	if len(tensors) > MaxTensors {
		return nil, fmt.Errorf("%d tensors, the limit is %d", len(tensors), MaxTensors)
	}
	out := append(make([]byte, 8, 1024), '{')
	if len(metadata) > 0 {
		var text bytes.Buffer
		enc := json.NewEncoder(&text)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(metadata); err != nil {
			return nil, fmt.Errorf("%s: %w", metadataKey, err)
		}
		out = append(append(append(out, `"`+metadataKey+`":`...), bytes.TrimSuffix(text.Bytes(), []byte("\n"))...), ',')
	}
	seen := make(map[string]bool, len(tensors))
	var at int64
	for _, t := range tensors {
		if err := checkName(t.Name); err != nil {
			return nil, err
		}
		if seen[t.Name] {
			return nil, fmt.Errorf("tensor %q is given twice", t.Name)
		}
		seen[t.Name] = true
		count, err := t.elements(sizeOf(t.DType))
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		n := int64(count) * sizeOf(t.DType)
		out = append(out, `"`+t.Name+`":{"dtype":"`+string(t.DType)+`","shape":[`...)
		for i, d := range t.Shape {
			if i > 0 {
				out = append(out, ',')
			}
			out = strconv.AppendInt(out, int64(d), 10)
		}
		out = append(out, `],"data_offsets":[`...)
		out = strconv.AppendInt(out, at, 10)
		out = append(out, ',')
		at += n
		out = strconv.AppendInt(out, at, 10)
		out = append(out, `]},`...)
	}
	if out[len(out)-1] == ',' {
		out = out[:len(out)-1]
	}
	out = append(out, '}')
	for len(out)%8 != 0 {
		out = append(out, ' ')
	}
	if n := len(out) - 8; n > MaxHeader {
		return nil, fmt.Errorf("header of %d bytes, the limit is %d", n, MaxHeader)
	}
	binary.LittleEndian.PutUint64(out, uint64(len(out)-8))
	return out, nil
}

// F32 writes the next tensor, which must be of type F32 and have len(x) elements.
func (s *Writer) F32(x []float32) error { return writeTensor(s, F32, x) }

// I32 writes the next tensor, which must be of type I32 and have len(x) elements.
func (s *Writer) I32(x []int32) error { return writeTensor(s, I32, x) }

// I64 writes the next tensor, which must be of type I64 and have len(x) elements.
func (s *Writer) I64(x []int64) error { return writeTensor(s, I64, x) }

// U8 writes the next tensor, which must be of type U8 and have len(x) elements.
func (s *Writer) U8(x []byte) error { return s.bytes(U8, x) }

// Bytes writes the next tensor as the file will have it, little-endian.
func (s *Writer) Bytes(b []byte) error {
	if s.next == len(s.infos) {
		return s.bytes("", b)
	}
	return s.bytes(s.infos[s.next].DType, b)
}

func writeTensor[T little.Number](s *Writer, dtype DType, x []T) error {
	if little.Native {
		return s.bytes(dtype, little.View(x))
	}
	return s.bytes(dtype, little.Append(nil, x))
}

func (s *Writer) bytes(dtype DType, b []byte) error {
	if s.next == len(s.infos) {
		return fmt.Errorf("no tensor left to write")
	}
	info := s.infos[s.next]
	want, err := info.bytes()
	if err != nil {
		return err
	}
	if info.DType != dtype || want != int64(len(b)) {
		return fmt.Errorf("tensor %q has %d bytes of %s, %d bytes of %s given", info.Name, want, info.DType, len(b), dtype)
	}
	if _, err := s.w.Write(b); err != nil {
		return fmt.Errorf("tensor %q: %w", info.Name, err)
	}
	s.next++
	return nil
}

// Close returns an error unless every tensor was written. It does not close the destination.
func (s *Writer) Close() error {
	if s.next < len(s.infos) {
		return fmt.Errorf("tensor %q was not written", s.infos[s.next].Name)
	}
	return nil
}

// Write writes a whole file.
func Write(w io.Writer, metadata map[string]string, tensors []Tensor) error {
	infos := make([]Info, len(tensors))
	for i, t := range tensors {
		infos[i] = t.Info()
	}
	s, err := NewWriter(w, metadata, infos)
	if err != nil {
		return err
	}
	for i, t := range tensors {
		switch infos[i].DType {
		case F32:
			err = s.F32(t.F32)
		case I32:
			err = s.I32(t.I32)
		case I64:
			err = s.I64(t.I64)
		case U16:
			var raw []byte
			for _, v := range t.U16 {
				raw = binary.LittleEndian.AppendUint16(raw, v)
			}
			err = s.Bytes(raw)
		case U8:
			err = s.U8(t.U8)
		}
		if err != nil {
			return err
		}
	}
	return s.Close()
}
