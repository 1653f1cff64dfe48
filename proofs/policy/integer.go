package policy

import (
	"math/big"

	"github.com/verifyd/verifyd/proofs"
)

// big is u without a bound.
func (u Uint) big() *big.Int { return wide(u.Uint128) }

// big is i without a bound.
func (i Int) big() *big.Int { return wideSigned(i.Int128) }

func wide(u proofs.Uint128) *big.Int {
	b := new(big.Int).SetUint64(u.Hi)
	return b.Lsh(b, 64).Or(b, new(big.Int).SetUint64(u.Lo))
}

func wideSigned(i proofs.Int128) *big.Int {
	b := big.NewInt(i.Hi)
	return b.Lsh(b, 64).Add(b, new(big.Int).SetUint64(i.Lo))
}

// narrow is b, of which the caller knows that it is not negative and has at
// most 128 bits.
func narrow(b *big.Int) proofs.Uint128 {
	var words [2]uint64
	rest := new(big.Int).Set(b)
	low := new(big.Int).SetUint64(1<<64 - 1)
	for i := range words {
		words[i] = new(big.Int).And(rest, low).Uint64()
		rest.Rsh(rest, 64)
	}
	return proofs.Uint128{Hi: words[1], Lo: words[0]}
}

// share is the part of whole that part is of all, rounded down.
func share(whole, part, all *big.Int) *big.Int {
	product := new(big.Int).Mul(whole, part)
	return product.Quo(product, all)
}
