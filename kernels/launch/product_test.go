package launch

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/verifyd/verifyd/kernels"
)

func TestDivisorsDivideEveryNumberBelowTwoToThe31(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	check := func(n, d int) {
		words := divisor(d)
		magic, shift := uint64(words[0].Word), words[1].Word
		if got := (uint64(n)*magic>>32 + uint64(n)) >> shift; got != uint64(n/d) {
			t.Fatalf("%d/%d is %d, got %d", n, d, n/d, got)
		}
	}
	for d := 1; d < 5000; d++ {
		for _, n := range []int{0, d - 1, d, d + 1, math.MaxInt32, math.MaxInt32 / d * d, math.MaxInt32/d*d - 1} {
			check(n, d)
		}
	}
	for range 200000 {
		check(r.IntN(math.MaxInt32), 1+r.IntN(math.MaxInt32))
	}
}

func TestKIsCutAtMultiplesOfTheGEMMOrderAlone(t *testing.T) {
	for _, k := range []int{0, 1, 512, 513, 8192, 8193, 100000} {
		for _, n := range []int{1, 50, 700, 9000} {
			p, err := For(kernels.Gemm{M: n, N: n, K: k, Profile: kernels.ProfileF32})
			if err != nil {
				t.Fatal(err)
			}
			split := int(p.Launches[0].Args[3].Word)
			if split != kernels.ProfileF32.Chunk() && split != kernels.ProfileF32.Group() {
				t.Errorf("n=%d k=%d: K is cut at %d", n, k, split)
			}
			if covered := int(p.Launches[0].Grid[2]) * split; covered < k || covered-k >= max(split, 1) && k > 0 {
				t.Errorf("n=%d k=%d: %d terms are covered", n, k, covered)
			}
		}
	}
}
