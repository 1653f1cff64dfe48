package audit

import (
	"fmt"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/valuation"
)

// claimLists judges a list of claims that are valued together: a claim is on one, ever. Whoever may pick among lists picks the
// randomness of the values.
func (a *audit) claimLists(entry []byte) {
	unsigned, err := valuation.PeekClaims(entry)
	if err != nil {
		a.report.Foreign++
		return
	}
	of := a.jobs[unsigned.Claims[0].Job] // a list has one claim at least
	if of == nil {
		a.report.Unknown++
		return
	}
	c, digest, err := valuation.ReadClaims("", entry, of.Operator)
	if err != nil {
		a.report.Foreign++
		return
	}
	a.report.Lists++
	found := map[int64]bool{} // one finding for each list that it contradicts
	for _, l := range c.Claims {
		first := a.listed[l.Claim]
		if first == nil {
			a.listed[l.Claim] = &given{digest, a.report.Entries}
			continue
		}
		if first.digest != digest && !found[first.entry] {
			found[first.entry] = true
			a.found(SecondList, first.entry, fmt.Sprintf("list %v values claim %v, which list %v of an earlier entry has: its operator may have taken the randomness that suits",
				digest, l.Claim, first.digest))
		}
	}
}
