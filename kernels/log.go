package kernels

import "math"

// log is the natural logarithm with at most 0.856 ulp of error, contract.md section 5.2. It is NaN
// below zero and -Inf at either zero.
func log(x float32) float32 {
	u := math.Float32bits(x)
	if x != x || (u>>31 != 0 && u != 0x80000000) {
		return nan()
	}
	if u&0x7fffffff == 0 {
		return math.Float32frombits(0xff800000)
	}
	if u == 0x7f800000 {
		return x
	}
	k := int32(0)
	if u < 0x00800000 {
		u = math.Float32bits(float32(x * 0x1p23))
		k = -23
	}
	u += 0x3f800000 - 0x3f3504f3
	k += int32(u>>23) - 127
	m := math.Float32frombits(u&0x007fffff + 0x3f3504f3)
	f := m - 1
	e := float32(k)
	z := float32(f * f)
	p := float32(0x1.2cb38cp-4)
	p = mad(p, f, -0x1.ddb316p-4)
	p = mad(p, f, 0x1.dc7628p-4)
	p = mad(p, f, -0x1.fbbf2ap-4)
	p = mad(p, f, 0x1.23de3ep-3)
	p = mad(p, f, -0x1.556288p-3)
	p = mad(p, f, 0x1.999d2ap-3)
	p = mad(p, f, -0x1.ffffe6p-3)
	p = mad(p, f, 0x1.555554p-2)
	c := float32(float32(f*z) * p)
	c = mad(e, -0x1.bd0106p-13, c)
	c = mad(-0.5, z, c)
	return mad(e, 0x1.63p-1, f+c)
}
