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

// Rules are what is usual for claims of so many segments, at the pay and cost of some terms, five rules that differ from
// that in one thing or two, and the terms themselves, if they are none of these.
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
	rules := []Rule{
		{"default", "new keys are drawn whole, a clean record lowers it to one segment in twenty; 20 claims are held", usual},
		{"alike", "one segment in twenty of everybody; 20 claims are held", alike},
		{"no hold", "five segments of everybody; paid at once", paid},
		{"one in five", "as alike, but one claim in five is audited", fifth},
		{"bonded", "as alike, and a FAIL forfeits a bond, as large as it must be", alike.WithBond()},
		{"gate", "as alike, and a gate leads to 9 in 10 of the lies that it can see and chance missed: supposed, not measured", gate},
	}
	for _, r := range rules {
		if same(r.Terms, t) {
			return rules
		}
	}
	return append(rules, Rule{"yours", "the terms that were given or found", t})
}

func same(a, b odds.Terms) bool {
	return a.Least == b.Least && a.Most == b.Most && a.Hold == b.Hold && a.Bond.Cmp(b.Bond) == 0 &&
		a.Audit.Cmp(b.Audit) == 0 && a.Miss.Cmp(b.Miss) == 0 && a.Power.Cmp(b.Power) == 0
}
