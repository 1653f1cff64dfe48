package interpreter

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

func TestFMARoundsOnce(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 1 << 20 {
		a, b := math.Float32frombits(r.Uint32()), math.Float32frombits(r.Uint32())
		c := math.Float32frombits(r.Uint32())
		if r.IntN(2) == 0 { // near the product, where cancellation and ties are
			c = math.Float32frombits(math.Float32bits(float32(a*b)) ^ 1<<31 + uint32(r.IntN(64)<<r.IntN(24)))
		}
		if x := float64(a) * float64(b) * float64(c); math.IsNaN(x) || math.IsInf(x, 0) {
			continue
		}
		if got, want := fma(a, b, c), exactFMA(a, b, c); got != want {
			t.Fatalf("fma(%b, %b, %b) is %b, want %b", a, b, c, got, want)
		}
	}
}

// exactFMA rounds the exact a*b + c once. Signs of zeros are not told apart.
func exactFMA(a, b, c float32) float32 {
	exact := func(x float32) *big.Float { return new(big.Float).SetPrec(1000).SetFloat64(float64(x)) }
	p := exact(a)
	p.Mul(p, exact(b))
	f, _ := p.Add(p, exact(c)).Float32()
	return f
}
