package kernels

import "math"

// erf is the error function with at most 1.228 ulp of error, contract.md section 5.4.
func erf(x float32) float32 {
	if x != x {
		return nan()
	}
	a := math.Float32frombits(math.Float32bits(x) & 0x7fffffff)
	var y float32
	if a < 0.96875 {
		u := float32(a * a)
		p := float32(-0x1.1805ap-17)
		p = mad(p, u, 0x1.c49efp-14)
		p = mad(p, u, -0x1.b93b3cp-11)
		p = mad(p, u, 0x1.55d664p-8)
		p = mad(p, u, -0x1.b82186p-6)
		p = mad(p, u, 0x1.ce2e9ep-4)
		p = mad(p, u, -0x1.812744p-2)
		p = mad(p, u, 0x1.06eba8p-3)
		y = mad(a, p, a)
	} else {
		b := a
		if b > 3.9375 {
			b = 3.9375
		}
		g := float32(0x1.20d19cp-25)
		g = mad(g, b, -0x1.3f9212p-19)
		g = mad(g, b, 0x1.be1742p-15)
		g = mad(g, b, -0x1.4d2624p-11)
		g = mad(g, b, 0x1.407bcep-8)
		g = mad(g, b, -0x1.b58cdap-6)
		g = mad(g, b, 0x1.c486a6p-4)
		g = mad(g, b, 0x1.435116p-1)
		g = mad(g, b, 0x1.216222p0)
		g = mad(g, b, -0x1.750988p-12)
		y = 1 - exp(-g)
	}
	return copysign(y, x)
}

// copysign is y, which is not negative, with the sign of x.
func copysign(y, x float32) float32 {
	return math.Float32frombits(math.Float32bits(y) | math.Float32bits(x)&0x80000000)
}
