package interpreter

import "math"

func number(u uint32) float32 { return math.Float32frombits(u) }

func bitsOf(f float32) uint32 { return math.Float32bits(f) }

// fma is a*b + c rounded once. The product is exact in binary64; the sum's error, from two-sum, says where a second rounding to
// binary32 would fall on the wrong side of a tie.
func fma(a, b, c float32) float32 {
	p := float64(float64(a) * float64(b))
	z := float64(c)
	s := float64(p + z)
	u := math.Float64bits(s)
	if exponent := u >> 52 & 0x7ff; u&0x1fffffff != 0x10000000 && exponent > 1023-126 || exponent == 0x7ff {
		return float32(s)
	}
	back := float64(s - p)
	lost := float64(float64(p-float64(s-back)) + float64(z-back))
	if lost != 0 && u&1 == 0 {
		// Round to odd: a sum that is not exact gets a last bit that breaks any tie the right way.
		if (lost > 0) == (s > 0) {
			u++
		} else {
			u--
		}
		return float32(math.Float64frombits(u))
	}
	return float32(s)
}
