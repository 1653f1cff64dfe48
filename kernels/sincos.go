package kernels

import (
	"math"
	"math/bits"
)

// sinCos are sine and cosine of x, contract.md section 5.10: integers throughout, so that they are the numbers themselves,
// rounded. Both are NaN where |x| is 2^24 or more, or no number.
//
// The angle becomes a fraction of a turn by the product with 1/(2 pi) to 128 bits (Payne and Hanek 1983), folds into an eighth of
// one, and Taylor's series are summed in fixed point from their smallest term, as those of a learning rate are.
func sinCos(x float32) (sin, cos float32) {
	u := math.Float32bits(x)
	a := u &^ (1 << 31)
	if a >= 0x4b800000 {
		return nan(), nan()
	}
	m, e := uint64(a&0x7fffff), a>>23
	if e > 0 {
		m |= 1 << 23
	} else {
		e = 1
	}
	turn := turnOf(m, 150-e)
	quarter, v := turn>>62, turn&(1<<62-1)
	swap := v > 1<<61
	if swap {
		v = 1<<62 - v
	}
	angle := high(v<<2, 0xc90fdaa22168c234) << 1 // in 2^-64; the factor is pi/2 in 2^-63
	z := high(angle, angle)
	c, s := alternating(z, 2), high(angle, alternating(z, 3)) // in 2^-63
	if swap != (quarter&1 == 1) {
		c, s = s, c
	}
	return fixed(s, quarter >= 2 != (u>>31 == 1)), fixed(c, quarter == 1 || quarter == 2)
}

// turnOf is the fractional part of m*2^-shift / (2 pi) in 2^-64, rounded down.
func turnOf(m uint64, shift uint32) uint64 {
	const c1, c0 = 0x28be60db9391054a, 0x7f09d5f47d4d3770 // 1/(2 pi) in 2^-128
	carried, _ := bits.Mul64(m, c0)
	p2, p1 := bits.Mul64(m, c1)
	p1, carry := bits.Add64(p1, carried, 0)
	p2 += carry
	switch {
	case shift == 0:
		return p1
	case shift < 64:
		return p1>>shift | p2<<(64-shift)
	case shift < 128:
		return p2 >> (shift - 64)
	}
	return 0
}

// high is the upper half of a product.
func high(a, b uint64) uint64 {
	h, _ := bits.Mul64(a, b)
	return h
}

// inverses are 1/(j*(j-1)) in 2^-64, rounded down, at j.
var inverses = func() (all [20]uint64) {
	for j := uint64(2); j < 20; j++ {
		all[j], _ = bits.Div64(1, 0, j*(j-1))
	}
	return all
}()

// alternating is cos(x) for z = x*x in 2^-64 and k = 2, sin(x)/x for k = 3, both in 2^-63.
func alternating(z uint64, k int) uint64 {
	y := uint64(1 << 63)
	for j := k + 16; j >= k; j -= 2 {
		y = 1<<63 - high(high(z, y), inverses[j])
	}
	return y
}

// fixed is n in 2^-63, at most 1, rounded to nearest, ties to even, with a sign. A zero has none.
func fixed(n uint64, negative bool) float32 {
	if n == 0 {
		return 0
	}
	lead := bits.LeadingZeros64(n)
	n <<= lead
	m, rest := uint32(n>>40), n&(1<<40-1)
	if rest > 1<<39 || rest == 1<<39 && m&1 == 1 {
		m++
	}
	u := uint32(127-lead)<<23 + m - 1<<23
	if negative {
		u |= 1 << 31
	}
	return math.Float32frombits(u)
}
