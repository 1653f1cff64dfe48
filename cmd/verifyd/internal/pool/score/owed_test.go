package score

import (
	"testing"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/spent"
)

// TestACorrectionAddsWhatThePolicyGivesAboveWhatWasPaid for the work, wherever
// the totals before hold that, and all of it where they do not.
func TestACorrectionAddsWhatThePolicyGivesAboveWhatWasPaid(t *testing.T) {
	for name, c := range map[string]struct {
		units, total, earned uint64 // of the body that was revoked; of its account before this epoch
		want                 uint64 // total after it, of an award of 500
	}{
		"less was paid":          {100, 100, 100, 500},
		"as much was paid":       {500, 600, 600, 600},
		"more was paid":          {700, 700, 900, 900},
		"it is not in the total": {100, 400, 300, 800},
		"nothing was paid":       {0, 50, 50, 550},
	} {
		e := epoch(t, rules())
		first, err := e.Score()
		if err != nil {
			t.Fatal(err)
		}
		was := first.Statements[0].Contribution
		was.Epoch, was.Units, was.CumulativeUnits = e.Number-1, proofs.Uint(c.units), proofs.Uint(c.total)
		w, err := spent.Of(was)
		if err != nil {
			t.Fatal(err)
		}
		var book spent.Book
		if err := book.Spend(w); err != nil {
			t.Fatal(err)
		}
		book.Revoke(w.Digest)
		e.claims, e.Spent = nil, &book
		e.Earned = &Earned{Accounts: []Total{{named(1), amount(c.earned)}}}
		again, err := e.Score()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := again.Statements[0].Contribution
		if got.Units != proofs.Uint(500) || got.CumulativeUnits != proofs.Uint(c.want) {
			t.Errorf("%s: %s units, %s in all, want %d", name, got.Units, got.CumulativeUnits, c.want)
		}
	}
}
