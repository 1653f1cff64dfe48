package inrun

import (
	"math"
	"math/big"
	"testing"

	"github.com/verifyd/verifyd/kernels"
)

// nearest is x in units of 2^-64, rounded half to even, by big integers.
func nearest(x float64) *big.Int {
	r := new(big.Rat).SetFloat64(x)
	r.Mul(r, new(big.Rat).SetInt(new(big.Int).Lsh(big.NewInt(1), 64)))
	q, m := new(big.Int).DivMod(r.Num(), r.Denom(), new(big.Int))
	if c := m.Lsh(m, 1).Cmp(r.Denom()); c > 0 || c == 0 && q.Bit(0) == 1 {
		q.Add(q, big.NewInt(1))
	}
	return q
}

func TestATermIsRoundedOnceAndASumNever(t *testing.T) {
	terms := []float64{0, 1, -1, 0x1p-64, 0x1p-65, -0x1p-65, 0x3p-65, 0x1.8p-65, -0x5p-65, 0x1.fffffffffffffp-66, 0x1p-118, 5e-324,
		0x1.fffffffffffffp30, -0x1.fffffffffffffp30, 0.1, -1e-9, 1e-17}
	for i := range 2000 {
		w := kernels.Philox4x32([4]uint32{uint32(i)}, [2]uint32{7})
		terms = append(terms, math.Ldexp(float64(int32(w[0]))+float64(w[1])*0x1p-32, -int(w[2]%130)))
	}
	var sum, back total
	want := new(big.Int)
	for i, x := range terms {
		f, err := fixed(x)
		if err != nil || f.big().Cmp(nearest(x)) != 0 {
			t.Fatalf("%x is %v, want %v: %v", x, f.big(), nearest(x), err)
		}
		g, err := fixed(terms[len(terms)-1-i])
		if err != nil {
			t.Fatal(err)
		}
		var ok, fine bool
		sum, ok = sum.add(f)
		back, fine = back.add(g)
		if want.Add(want, nearest(x)); !ok || !fine {
			t.Fatal("a small sum does not fit")
		}
	}
	if sum != back || sum.big().Cmp(want) != 0 {
		t.Errorf("sum %v, the other way %v, want %v", sum, back, want)
	}
}

func TestWhatDoesNotFitATotalIsSaid(t *testing.T) {
	for _, x := range []float64{maxTerm, -maxTerm, math.Inf(1), math.NaN()} {
		if _, err := fixed(x); err == nil {
			t.Errorf("%v is a term", x)
		}
	}
	top, bottom := total{math.MaxInt64, math.MaxUint64}, total{math.MinInt64, 0}
	if _, ok := top.add(total{0, 1}); ok {
		t.Error("a sum above the largest fits")
	}
	if _, ok := bottom.add(total{-1, math.MaxUint64}); ok {
		t.Error("a sum below the lowest fits")
	}
	if s, ok := top.add(bottom); !ok || s != (total{-1, math.MaxUint64}) {
		t.Errorf("the largest and the lowest sum to %v", s)
	}
	if _, err := units(top.big()); err == nil {
		t.Error("a value beyond the scale is one")
	}
}

func TestUnitsAreRoundedHalfToEven(t *testing.T) {
	one := new(big.Int).Lsh(big.NewInt(1), 64)
	for _, test := range []struct{ num, den, want int64 }{
		{1, 1, 1_000_000_000}, {-1, 1, -1_000_000_000}, {1, 512_000_000_000, 0}, {0, 1, 0},
		{1, 1 << 10, 976_562}, {-1, 1 << 10, -976_562}, {3, 1 << 10, 2_929_688}, {-3, 1 << 10, -2_929_688},
	} {
		x := new(big.Int).Mul(one, big.NewInt(test.num))
		if got, err := units(x.Quo(x, big.NewInt(test.den))); err != nil || got != test.want {
			t.Errorf("%d/%d is %d, want %d: %v", test.num, test.den, got, test.want, err)
		}
	}
}
