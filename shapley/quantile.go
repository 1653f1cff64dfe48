package shapley

import (
	"math"
	"math/big"
)

// tQuantile is Student's t with the two-sided tail probability miss and nu degrees of freedom, rounded up to
// a multiple of 2^-20, so that the interval is the same on every machine. It is at most 2^40.
//
// The two-sided probability has a closed form for whole nu (Abramowitz and Stegun, 26.7.3 and 26.7.4): with
// s = t/sqrt(nu+t^2) and c^2 = nu/(nu+t^2),
//
//	even nu:  A = s (1 + 1/2 c^2 + 1*3/(2*4) c^4 + ... to c^(nu-2))
//	odd nu:   A = 2/pi (theta + s c (1 + 2/3 c^2 + 2*4/(3*5) c^4 + ... to c^(nu-3))),  theta = arctan(t/sqrt(nu))
//
// It is computed in binary64 with every rounding written; beyond 2^16 degrees nu is taken as 2^16, whose
// quantile is larger.
func tQuantile(nu int, miss *big.Rat) *big.Rat {
	tail, _ := miss.Float64()
	nu = min(nu, 1<<16)
	lo, hi := int64(0), int64(1)<<60 // in units of 2^-20
	for lo < hi {
		mid := lo + (hi-lo)/2
		if tTail(float64(mid)*0x1p-20, nu) <= tail {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return big.NewRat(lo, 1<<20)
}

// tTail is the probability that |T| > t, 1 - A above.
func tTail(t float64, nu int) float64 {
	v := float64(nu)
	t2 := float64(t * t)
	total := v + t2
	c2 := v / total
	s := t / math.Sqrt(total)
	term, sum := 1.0, 0.0
	if nu%2 == 0 {
		for k := 1; k <= nu-1; k += 2 {
			sum = sum + term
			term = float64(float64(term*float64(k))/float64(k+1)) * c2
		}
		return 1 - float64(s*sum)
	}
	for k := 2; k <= nu-1; k += 2 {
		sum = sum + term
		term = float64(float64(term*float64(k))/float64(k+1)) * c2
	}
	c := math.Sqrt(c2)
	theta := arctan(t / math.Sqrt(v))
	return 1 - float64((2/math.Pi)*(theta+float64(float64(s*c)*sum)))
}

// arctan of x >= 0: halved three times by arctan x = 2 arctan(x/(1+sqrt(1+x^2))), then its Taylor series.
func arctan(x float64) float64 {
	if x > 1 {
		return math.Pi/2 - arctan(1/x)
	}
	for range 3 {
		x = x / (1 + math.Sqrt(1+float64(x*x)))
	}
	z := float64(x * x)
	y := 0.0
	for k := 25; k >= 1; k -= 2 {
		y = 1/float64(k) - float64(z*y)
	}
	return 8 * float64(x*y)
}

// logUp is ln(x), x >= 1, in multiples of 2^-20 and not below the truth: 2 artanh((m-1)/(m+1)) of the
// mantissa and the exponent times ln 2.
func logUp(x float64) *big.Rat {
	m, e := math.Frexp(x)
	r := (m - 1) / (m + 1)
	z := float64(r * r)
	y := 0.0
	for k := 41; k >= 1; k -= 2 {
		y = 1/float64(k) + float64(z*y)
	}
	l := float64(float64(e)*math.Ln2) + float64(2*float64(r*y))
	return big.NewRat(int64(math.Ceil(float64(l*0x1p20)))+1, 1<<20)
}
