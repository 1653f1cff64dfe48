package score

import (
	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/spent"
)

// owed is what a contribution adds to its account's total: its units or, where the totals before hold what an earlier body
// paid for the same work, what these are more than that. The book says which bodies there were.
func (e *Epoch) owed(c proofs.Contribution) (proofs.Uint128, error) {
	if e.Spent == nil {
		return c.Units, nil
	}
	w := spent.Work{Nullifier: c.Nullifier(), Account: c.Account, Units: c.Units}
	return e.Spent.Owed(w, func(paid spent.Work) bool {
		return paid.Epoch < e.Number && e.earned(paid.Account).Cmp(paid.Cumulative) >= 0
	})
}

// earned is an account's total before the epoch.
func (e *Epoch) earned(account proofs.Hash) (total proofs.Uint128) {
	if e.Earned == nil {
		return total
	}
	for _, t := range e.Earned.Accounts {
		if t.Account.Hash == account {
			total = t.Units.Uint128
		}
	}
	return total
}
