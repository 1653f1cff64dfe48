package safetensors

import (
	"math"
	"slices"
)

// DType is an element type.
type DType string

// The element types that are read and written. Bytes are little-endian.
const (
	F32 DType = "F32"
	I32 DType = "I32"
	I64 DType = "I64"
	U16 DType = "U16"
	U8  DType = "U8"
)

// Size returns the bytes of one element, 0 for an unknown type.
func (d DType) Size() int64 {
	switch d {
	case F32, I32:
		return 4
	case I64:
		return 8
	case U16:
		return 2
	case U8:
		return 1
	}
	return 0
}

// The limits that hold for every file.
const (
	MaxHeader   = 1 << 20 // bytes of the JSON header
	MaxTensors  = 8192
	MaxRank     = 8
	MaxName     = 256
	MaxMetadata = 64 << 10 // bytes of all metadata keys and values
)

// Info describes a tensor without its elements. A shape without dimensions is a scalar.
type Info struct {
	Name  string
	DType DType
	Shape []int
}

// Elements returns the product of the dimensions, or an error if the shape is not valid or the
// tensor would not fit in memory.
func (i Info) Elements() (int, error) { return i.elements(i.DType.Size()) }

// Count is the product of the dimensions of a tensor that was read, whatever its element type.
func (i Info) Count() (int, error) { return i.elements(1) }

// elements is Elements of a type of so many bytes, 0 if it is unknown.
func (i Info) elements(size int64) (int, error) {
	if len(i.Shape) > MaxRank {
		return 0, tooLarge("%d dimensions, the limit is %d", len(i.Shape), MaxRank)
	}
	if size == 0 {
		return 0, badForm("dtype %q is none of those that are read here", string(i.DType))
	}
	n := int64(1)
	for k, d := range i.Shape {
		if d <= 0 {
			return 0, badForm("dimension %d is %d, at least 1 is needed", k, d)
		}
		if int64(d) > math.MaxInt/size/n {
			return 0, tooLarge("shape %v overflows", i.Shape)
		}
		n *= int64(d)
	}
	return int(n), nil
}

func (i Info) bytes() (int64, error) {
	n, err := i.Elements()
	return int64(n) * i.DType.Size(), err
}

// Equal says that two descriptions are the same.
func (i Info) Equal(other Info) bool {
	return i.Name == other.Name && i.DType == other.DType && slices.Equal(i.Shape, other.Shape)
}

func checkName(name string) error {
	if name == "" {
		return badForm("a tensor has no name")
	}
	if len(name) > MaxName {
		return tooLarge("tensor name %.20q... has %d characters, the limit is %d", name, len(name), MaxName)
	}
	for k := range len(name) {
		switch c := name[k]; {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9',
			c == '.', c == '_', c == '/', c == '-':
		default:
			return badForm("tensor name %q: character %d is not one of A-Z a-z 0-9 . _ / -", name, k)
		}
	}
	return nil
}

// Tensor is a tensor with its elements. Exactly the slice of its type is set.
type Tensor struct {
	Name  string
	Shape []int
	F32   []float32
	I32   []int32
	I64   []int64
	U16   []uint16
	U8    []byte
}

// Info describes t.
func (t Tensor) Info() Info {
	info := Info{Name: t.Name, Shape: t.Shape}
	switch {
	case t.F32 != nil:
		info.DType = F32
	case t.I32 != nil:
		info.DType = I32
	case t.I64 != nil:
		info.DType = I64
	case t.U16 != nil:
		info.DType = U16
	case t.U8 != nil:
		info.DType = U8
	}
	return info
}
