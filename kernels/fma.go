package kernels

import "math"

// fma32 returns a*b + c rounded once to binary32, on any machine.
//
// The product of two binary32 numbers is exact in binary64, so the sum in binary64 has one rounding
// and its conversion a second. The second can go wrong only where the binary64 sum lies on a tie of
// binary32 or the result is subnormal; there the sum is rounded to odd first, which keeps the
// conversion right (Boldo and Melquiond, "Emulation of FMA and correctly rounded sums", 2008).
func fma32(a, b, c float32) float32 {
	p := float64(float64(a) * float64(b))
	s := float64(p + float64(c))
	u := math.Float64bits(s)
	if u&0x1fffffff != 0x10000000 && u>>52&0x7ff > 1023-126 {
		return float32(s)
	}
	if u>>52&0x7ff == 0x7ff {
		return float32(s)
	}
	// TwoSum (Knuth): p+z = s+e exactly.
	z := float64(c)
	zs := float64(s - p)
	e := float64(float64(p-float64(s-zs)) + float64(z-zs))
	if e != 0 && u&1 == 0 {
		if (e > 0) == (s > 0) {
			u++
		} else {
			u--
		}
	}
	return float32(math.Float64frombits(u))
}

// fmaRow sets p[j] = fma32(a, b[j], p[j]). The usual case of fma32 is written out, because the
// compiler does not inline it and this loop is all that a machine without assembly has.
func fmaRow(p []float32, a float32, b []float32) {
	x := float64(a)
	b = b[:len(p)]
	for j, c := range p {
		s := float64(float64(x*float64(b[j])) + float64(c))
		u := math.Float64bits(s)
		if u&0x1fffffff != 0x10000000 && u>>52&0x7ff > 1023-126 {
			p[j] = float32(s)
		} else {
			p[j] = fma32(a, b[j], c)
		}
	}
}
