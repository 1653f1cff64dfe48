package kernels

import (
	"math"
	"math/big"
	"testing"
)

func TestFMA32RoundsOnce(t *testing.T) {
	check := func(a, b, c float32) {
		exact := new(big.Float).SetPrec(600).Mul(big.NewFloat(float64(a)), big.NewFloat(float64(b)))
		exact.Add(exact, big.NewFloat(float64(c)))
		want, _ := exact.Float32()
		if got := fma32(a, b, c); got != want {
			t.Fatalf("fma32(%x, %x, %x) = %x, want %x", a, b, c, got, want)
		}
	}
	x := hard(3*30000, 11)
	for i := 0; i < len(x); i += 3 {
		check(x[i], x[i+1], x[i+2])
	}
	// Products on a tie between neighbours, and a term far below that decides; also where results
	// are subnormal.
	for i := range 20000 {
		one := math.Float32frombits(0x3f800001 + uint32(i)<<3)
		for _, scale := range []float32{1, 0x1p-100, 0x1p-126, 0x1p-137} {
			check(one, float32(1.5*scale), float32(0x1p-60*scale))
			check(one, float32(1.5*scale), float32(-0x1p-60*scale))
			check(one, float32(0.5*scale), math.Float32frombits(uint32(i)))
		}
	}
}
