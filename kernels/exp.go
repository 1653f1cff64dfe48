package kernels

import "math"

// mad is a*b + c with two roundings, the multiply-add of every elementwise definition.
func mad(a, b, c float32) float32 { return float32(a*b) + c }

// exp is e to the x with at most 0.990 ulp of error, contract.md section 5.1. Above 89 it is +Inf,
// below -104 it is +0.
func exp(x float32) float32 {
	if x != x {
		return nan()
	}
	if x > 89 {
		x = 89
	}
	if x < -104 {
		x = -104
	}
	const magic = 12582912 // 1.5 * 2^23: adding it rounds to an integer in the low bits
	t := mad(x, 0x1.715476p0, magic)
	n := t - magic
	r := mad(n, -0x1.63p-1, x)
	r = mad(n, 0x1.bd0106p-13, r)
	q := float32(0x1.694c8ep-10)
	q = mad(q, r, 0x1.12397ep-7)
	q = mad(q, r, 0x1.555a26p-5)
	q = mad(q, r, 0x1.555492p-3)
	q = mad(q, r, 0x1.fffffap-2)
	y := 1 + mad(float32(r*r), q, r)
	k := int32(math.Float32bits(t)) - 0x4b400000
	h := k >> 1
	return float32(float32(y*pow2(h)) * pow2(k-h))
}

// pow2 is 2 to the n for a normal result.
func pow2(n int32) float32 { return math.Float32frombits(uint32(n+127) << 23) }

// nan is the canonical quiet NaN.
func nan() float32 { return math.Float32frombits(0x7fc00000) }
