package program

// The functions of this page give the same bits on every machine: each product is rounded by an
// explicit conversion, which forbids the compiler to fuse it with an addition. The standard library's
// Cos and Pow make no such promise.

// power is x^n by binary powering: the bits of n from the lowest, square after each.
func power(x float64, n uint64) float64 {
	y := 1.0
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			y = float64(y * x)
		}
		x = float64(x * x)
	}
	return y
}

// cosPi is cos(pi*v) for v in [0, 1], within 5e-16.
//
// The argument is reduced exactly to [0, 1/4] by the symmetries of the circle, then the Taylor series
// of sine or cosine is summed from its smallest term (Abramowitz and Stegun 4.3.65 and 4.3.66).
func cosPi(v float64) float64 {
	if v > 0.5 {
		return -cosPi(1 - v)
	}
	const pi = 3.14159265358979323846264338327950288
	if v > 0.25 {
		x := float64(pi * (0.5 - v))
		return float64(x * alternating(float64(x*x), 3))
	}
	x := float64(pi * v)
	return alternating(float64(x*x), 2)
}

// alternating sums 1 - z/((k-1)k) * (1 - z/((k+1)(k+2)) * ...), nine terms: cos(x) for z = x*x and
// k = 2, sin(x)/x for k = 3.
func alternating(z float64, k int) float64 {
	y := 1.0
	for j := k + 16; j >= k; j -= 2 {
		y = 1 - float64(float64(z*y)/float64(j*(j-1)))
	}
	return y
}
