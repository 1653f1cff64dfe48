package state

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/internal/little"
)

// Finite says that no element is NaN or infinite: no exponent is all ones. It reads two elements at
// a time; adding 1 to an exponent of all ones carries into the sign, which was cleared.
func Finite(x []float32) bool {
	const (
		magnitude = 0x7fffffff_7fffffff
		one       = 0x00800000_00800000
		sign      = 0x80000000_80000000
	)
	var acc, other uint64
	b := little.View(x)
	for len(b) >= 32 {
		c := b[:32:32]
		acc |= (binary.NativeEndian.Uint64(c)&magnitude + one) | (binary.NativeEndian.Uint64(c[8:])&magnitude + one)
		other |= (binary.NativeEndian.Uint64(c[16:])&magnitude + one) | (binary.NativeEndian.Uint64(c[24:])&magnitude + one)
		b = b[32:]
	}
	for ; len(b) > 0; b = b[4:] {
		acc |= uint64(binary.NativeEndian.Uint32(b))&magnitude + one
	}
	return (acc|other)&sign == 0
}

// CheckFinite returns an error that names the first element of tensors that is NaN or infinite.
func (l *Layout) CheckFinite(tensors [][]float32) error {
	for i, x := range tensors {
		if Finite(x) {
			continue
		}
		for k, v := range x {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return fault.New(fault.NotFinite, "", fmt.Sprintf("tensor %q", l.specs[i].Name), "element %d is %v, finite numbers are needed", k, v)
			}
		}
	}
	return nil
}
