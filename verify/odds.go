package verify

import (
	"fmt"
	"math/big"
)

// odds lists the probabilities that a verdict states for n segments of which k are drawn.
func odds(n, k uint64) []Odds {
	var list []Odds
	for _, percent := range []uint64{1, 5, 10, 50} {
		forged := (n*percent + 99) / 100
		list = append(list, Odds{
			Share:  fmt.Sprintf("%d%%", percent),
			Forged: forged,
			Caught: decimal(Caught(n, k, forged)),
		})
	}
	return list
}

// Caught is the exact probability that k segments drawn uniformly without replacement out of n include
// at least one of b forged ones: 1 - C(n-b, k) / C(n, k).
func Caught(n, k, b uint64) *big.Rat {
	one := big.NewRat(1, 1)
	if b == 0 || k == 0 {
		return new(big.Rat)
	}
	if b > n || k > n-b {
		return one
	}
	// C(n-b, k) / C(n, k) is symmetric in b and k: the product runs over the smaller.
	if k > b {
		k, b = b, k
	}
	num, den := big.NewInt(1), big.NewInt(1)
	var factor big.Int
	for i := range k {
		num.Mul(num, factor.SetUint64(n-b-i))
		den.Mul(den, factor.SetUint64(n-i))
	}
	missed := new(big.Rat).SetFrac(num, den)
	return one.Sub(one, missed)
}

// decimal writes a probability with six decimals, rounded down.
func decimal(p *big.Rat) string {
	const scale = 1_000_000
	scaled := new(big.Int).Mul(p.Num(), big.NewInt(scale))
	millionths := scaled.Quo(scaled, p.Denom()).Uint64()
	return fmt.Sprintf("%d.%06d", millionths/scale, millionths%scale)
}
