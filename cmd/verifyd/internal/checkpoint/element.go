package checkpoint

import (
	"encoding/binary"
	"io"
	"math"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/safetensors"
	"github.com/verifyd/verifyd/verify/state"
)

// widened says whether every number of an element type is one of binary32.
func widened(d safetensors.DType) bool { return d == safetensors.F32 || d == "F16" || d == "BF16" }

// block is how many elements are converted at a time.
const block = 1 << 16

// read fills x with the numbers of t from one of them on. They must be finite.
func (t *Tensor) read(first int, x []float32, buf []byte) error {
	size := sizeOf(t.DType)
	for from := first; from < first+len(x); from += block {
		part := x[from-first : min(from-first+block, len(x))]
		b := buf[:int64(len(part))*size]
		if _, err := t.file.f.ReadAt(b, t.at+int64(from)*size); err != nil {
			if err == io.EOF {
				err = t.fail(fault.Altered, "the file was cut while it was read")
			}
			return err
		}
		widen(part, b, t.DType)
		if !state.Finite(part) {
			for k, v := range part {
				if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
					return t.fail(fault.NotFinite, "element %d is %v, finite numbers are needed", from+k, v)
				}
			}
		}
	}
	return nil
}

// widen converts little-endian numbers to binary32. Each is exact.
func widen(x []float32, b []byte, d safetensors.DType) {
	switch d {
	case "F16":
		for k := range x {
			x[k] = half(binary.LittleEndian.Uint16(b[2*k:]))
		}
	case "BF16":
		for k := range x {
			x[k] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(b[2*k:])) << 16)
		}
	default:
		for k := range x {
			x[k] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*k:]))
		}
	}
}

// half is the number of binary16 bits.
func half(h uint16) float32 {
	sign, exponent, fraction := uint32(h&0x8000)<<16, uint32(h>>10)&31, uint32(h&0x3ff)
	switch exponent {
	case 0: // a multiple of 2^-24, which binary32 has
		return math.Float32frombits(sign | math.Float32bits(float32(fraction)*0x1p-24))
	case 31:
		return math.Float32frombits(sign | 0x7f800000 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | fraction<<13)
}

// narrow appends numbers as an element type, rounded to the nearest, to even where two are. It gives the first that has no
// finite neighbour, or -1.
func narrow(b []byte, x []float32, d safetensors.DType) ([]byte, int) {
	for k, v := range x {
		bits := math.Float32bits(v)
		switch d {
		case "F16":
			h := toHalf(v)
			if h&0x7fff >= 0x7c00 {
				return b, k
			}
			b = binary.LittleEndian.AppendUint16(b, h)
		case "BF16":
			h := uint16((bits + 0x7fff + bits>>16&1) >> 16)
			if h&0x7fff >= 0x7f80 {
				return b, k
			}
			b = binary.LittleEndian.AppendUint16(b, h)
		default:
			b = binary.LittleEndian.AppendUint32(b, bits)
		}
	}
	return b, -1
}

// toHalf rounds a finite number to binary16, infinite where it is too large.
func toHalf(v float32) uint16 {
	bits := math.Float32bits(v)
	sign, magnitude := uint16(bits>>16)&0x8000, bits&0x7fffffff
	switch {
	case magnitude >= 0x477ff000: // half way to 65536 or more
		return sign | 0x7c00
	case magnitude < 0x38800000: // below 2^-14: a multiple of 2^-24, to which adding 2^-1 rounds
		f := math.Float32frombits(magnitude) + 0.5
		return sign | uint16(math.Float32bits(f)-0x3f000000)
	}
	return sign | uint16((magnitude+0xfff+magnitude>>13&1-0x38000000)>>13)
}
