// Package little views numeric slices as the little-endian bytes that files and hashes hold.
//
// On a little-endian machine a view is the memory itself, and converting costs nothing.
package little

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// Number is an element of four or eight bytes.
type Number interface{ float32 | int32 | int64 }

// Native says that this machine stores numbers in little-endian order.
var Native = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// View returns the memory of x, in the order of the machine.
func View[T Number](x []T) []byte {
	if len(x) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), len(x)*int(unsafe.Sizeof(x[0])))
}

// Words32 returns the memory of x as 32-bit words.
func Words32[T float32 | int32](x []T) []uint32 {
	if len(x) == 0 {
		return nil
	}
	return unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(x))), len(x))
}

// Integers32 returns the memory of x as signed integers.
func Integers32(x []float32) []int32 {
	if len(x) == 0 {
		return nil
	}
	return unsafe.Slice((*int32)(unsafe.Pointer(unsafe.SliceData(x))), len(x))
}

// Swap turns x from little-endian order into the machine's, or back, in place.
func Swap[T Number](x []T) {
	if Native || len(x) == 0 {
		return
	}
	b := View(x)
	if unsafe.Sizeof(x[0]) == 8 {
		for ; len(b) > 0; b = b[8:] {
			binary.NativeEndian.PutUint64(b, bits.ReverseBytes64(binary.NativeEndian.Uint64(b)))
		}
		return
	}
	for ; len(b) > 0; b = b[4:] {
		binary.NativeEndian.PutUint32(b, bits.ReverseBytes32(binary.NativeEndian.Uint32(b)))
	}
}

// Append appends the little-endian bytes of x.
func Append[T Number](dst []byte, x []T) []byte {
	from := len(dst)
	dst = append(dst, View(x)...)
	if Native || len(x) == 0 {
		return dst
	}
	width := int(unsafe.Sizeof(x[0]))
	for b := dst[from:]; len(b) > 0; b = b[width:] {
		for i, j := 0, width-1; i < j; i, j = i+1, j-1 {
			b[i], b[j] = b[j], b[i]
		}
	}
	return dst
}
