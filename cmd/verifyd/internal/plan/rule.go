package plan

import (
	"math/big"

	"github.com/verifyd/verifyd/verify/odds"
)

// Rule is terms with a name, to be played against.
type Rule struct {
	Name, What string
	Terms      odds.Terms
}

// Rules are the terms that are given, with what is usual for claims of so many segments, and five others that differ
// from them in one thing or two.
func Rules(t odds.Terms) []Rule {
	least, most := odds.Usual(t.Segments)
	usual := t
	usual.Least, usual.Most, usual.Hold, usual.Bond, usual.Power = least, most, odds.DefaultHold, new(big.Rat), new(big.Rat)
	usual.Audit, usual.Miss = big.NewRat(1, 1), new(big.Rat)
	alike := usual
	alike.Most = least
	paid := alike
	paid.Hold, paid.Least = 0, min(5, most)
	paid.Most = paid.Least
	fifth := alike
	fifth.Audit = big.NewRat(1, 5)
	gate := alike
	gate.Power = big.NewRat(9, 10)
	return []Rule{
		{"default", "new keys are drawn whole, a clean record lowers it to one segment in twenty; 20 claims are held", usual},
		{"alike", "one segment in twenty of everybody; 20 claims are held", alike},
		{"no hold", "five segments of everybody; paid at once", paid},
		{"one in five", "as alike, but one claim in five is audited", fifth},
		{"bonded", "as alike, and a FAIL forfeits a bond, as large as it must be", alike.WithBond()},
		{"gate", "as alike, and a gate leads to 9 in 10 of the lies that it can see and chance missed: supposed, not measured", gate},
	}
}
