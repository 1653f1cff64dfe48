package inrun

import (
	"fmt"
	"math"
	"math/big"
	"math/bits"

	"github.com/verifyd/verifyd/shapley"
)

// maxTerm bounds a term of a total, and with it a loss.
const maxTerm = 1 << 31

// total is a sum of numbers that were each rounded to 2^-64: a signed integer of 128 bits in that unit.
// The order of the terms does not show.
type total struct {
	hi int64
	lo uint64
}

// fixed is x in units of 2^-64, rounded half to even.
func fixed(x float64) (total, error) {
	if !(math.Abs(x) < maxTerm) {
		return total{}, fmt.Errorf("%v is outside -2^31 to 2^31", x)
	}
	frac, exp := math.Frexp(math.Abs(x))
	m := uint64(math.Ldexp(frac, 53)) // |x| = m * 2^(exp-53)
	var t total
	if shift := exp - 53 + 64; shift >= 0 {
		t = total{int64(m >> (64 - shift)), m << shift}
	} else if shift >= -54 {
		t.lo = m >> -shift
		rest, half := m&(1<<-shift-1), uint64(1)<<(-shift-1)
		if rest > half || rest == half && t.lo&1 != 0 {
			t.lo++
		}
	}
	if x < 0 {
		var borrow uint64
		t.lo, borrow = bits.Sub64(0, t.lo, 0)
		t.hi = -t.hi - int64(borrow)
	}
	return t, nil
}

// add is t + u; it says whether that fits.
func (t total) add(u total) (total, bool) {
	lo, carry := bits.Add64(t.lo, u.lo, 0)
	hi := t.hi + u.hi + int64(carry)
	return total{hi, lo}, (t.hi < 0) != (u.hi < 0) || (hi < 0) == (t.hi < 0)
}

// big is the integer.
func (t total) big() *big.Int {
	b := big.NewInt(t.hi)
	return b.Lsh(b, 64).Add(b, new(big.Int).SetUint64(t.lo))
}

// units is a number of 2^-64 in units of 1e-9, rounded half to even.
func units(x *big.Int) (int64, error) {
	x = new(big.Int).Mul(x, big.NewInt(shapley.Unit))
	low := new(big.Int).And(x, big.NewInt(0).SetUint64(math.MaxUint64))
	x.Rsh(x, 64)
	if half := low.Cmp(new(big.Int).Lsh(big.NewInt(1), 63)); half > 0 || half == 0 && x.Bit(0) == 1 {
		x.Add(x, big.NewInt(1))
	}
	if x.CmpAbs(big.NewInt(shapley.MaxUtility)) > 0 {
		return 0, fmt.Errorf("%w: %v", shapley.ErrOverflow, x)
	}
	return x.Int64(), nil
}
