// Package amount is the arithmetic of payments that package proofs does not offer its readers.
package amount

import (
	"math/bits"

	"github.com/verifyd/verifyd/proofs"
)

// Beyond returns by how much a total exceeds what was before, and zero and false if it is less.
func Beyond(total, before proofs.Uint128) (proofs.Uint128, bool) {
	lo, borrow := bits.Sub64(total.Lo, before.Lo, 0)
	hi, less := bits.Sub64(total.Hi, before.Hi, borrow)
	if less != 0 {
		return proofs.Uint128{}, false
	}
	return proofs.Uint128{Hi: hi, Lo: lo}, true
}
