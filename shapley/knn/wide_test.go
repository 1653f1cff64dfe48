package knn

import (
	"math"
	"math/big"
	"testing"

	"github.com/verifyd/verifyd/kernels"
)

func TestWideIntegersAreBigOnes(t *testing.T) {
	special := []int64{0, 1, -1, 2, -2, math.MaxInt64, math.MinInt64, math.MinInt64 + 1, 1 << 32, -1 << 32}
	number := func(i uint32) int64 {
		w := kernels.Philox4x32([4]uint32{i}, [2]uint32{77})
		if w[3]%3 == 0 {
			return special[w[2]%uint32(len(special))]
		}
		return int64(w[0])<<32 | int64(w[1])
	}
	for i := range uint32(3000) {
		a, b, c, d := number(4*i), number(4*i+1), number(4*i+2), number(4*i+3)
		got := wideOf(a).times(b).times(c).plus(wideOf(d).times(b)).minus(wideOf(c))
		x, y := big.NewInt(a), big.NewInt(d)
		x.Mul(x, big.NewInt(b)).Mul(x, big.NewInt(c))
		x.Add(x, y.Mul(y, big.NewInt(b))).Sub(x, big.NewInt(c))
		if got.big().Cmp(x) != 0 {
			t.Fatalf("%d*%d*%d + %d*%d - %d is %v, want %v", a, b, c, d, b, c, got.big(), x)
		}
	}
}
