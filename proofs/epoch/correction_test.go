package epoch

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/internal/class"
	"github.com/verifyd/verifyd/proofs/merkle"
	"github.com/verifyd/verifyd/proofs/spent"
)

// A pay is an epoch: a body for worker a's task that states units and a total,
// after a revocation of the body before it.
type pay struct {
	units, total uint64
	refused      string // class, of what must not be built
}

func TestACorrectionOfAPaidBodyAddsOnlyWhatItStatesAboveIt(t *testing.T) {
	for name, epochs := range map[string][]pay{
		"restated in full":                  {{10, 10, ""}, {10, 20, class.OutOfRange}, {10, 10, ""}},
		"restated under another total":      {{10, 10, ""}, {10, 11, class.OutOfRange}},
		"more":                              {{10, 10, ""}, {25, 35, class.OutOfRange}, {25, 25, ""}},
		"less stays paid":                   {{10, 10, ""}, {4, 14, class.OutOfRange}, {4, 10, ""}},
		"nothing":                           {{10, 10, ""}, {0, 10, ""}},
		"more, then less, then as before":   {{10, 10, ""}, {25, 25, ""}, {4, 25, ""}, {25, 50, class.OutOfRange}, {25, 25, ""}, {26, 26, ""}},
		"nothing was paid, then it is":      {{0, 0, ""}, {10, 10, ""}},
		"in full, in two more epochs of it": {{10, 10, ""}, {10, 10, ""}, {10, 20, class.OutOfRange}},
	} {
		var leaves []merkle.Leaf
		var book spent.Book
		var last proofs.Hash
		issued := uint64(0)
		for i, p := range epochs {
			s := scope
			s.Epoch, s.Spent = scope.Epoch+uint64(i), &book
			c := earns("a", "task", p.units, p.total)
			c.Epoch, c.IssuedAt = s.Epoch, issued
			issued++
			if i > 0 && last != (proofs.Hash{}) {
				book.Revoke(last)
			}
			e, err := Build(leaves, s, []proofs.Contribution{c})
			var fault *proofs.Error
			if (err != nil) != (p.refused != "") || err != nil && (!errors.As(err, &fault) || fault.Class != p.refused) {
				t.Errorf("%s: epoch %d: %v, want class %q", name, i, err, p.refused)
				break
			}
			if err != nil {
				continue
			}
			w, err := spent.Of(c)
			if err != nil {
				t.Fatal(err)
			}
			if err := book.Spend(w); err != nil {
				t.Fatal(err)
			}
			leaves, last = e.Leaves, w.Digest
		}
	}
}

// TestACorrectionDoesNotPayAnotherAccountAgain: what the wrong account was paid
// is not undone, and the work is not paid twice for it.
func TestACorrectionDoesNotPayAnotherAccountAgain(t *testing.T) {
	wrong := earns("a", "task", 10, 10)
	e, err := Build(nil, scope, []proofs.Contribution{wrong})
	if err != nil {
		t.Fatal(err)
	}
	s := scope
	s.Epoch, s.Spent = scope.Epoch+1, paid(t, wrong)
	s.Spent.Revoke(detail(t, wrong))
	right := wrong
	right.Epoch, right.Account = s.Epoch, id("another account")
	_, err = Build(e.Leaves, s, []proofs.Contribution{right})
	var fault *proofs.Error
	if !errors.As(err, &fault) || fault.Class != class.Spent || fault.Field != "account" {
		t.Errorf("%v", err)
	}
	// Before the wrong one is in any total, the account may be corrected.
	s.Epoch, right.Epoch = scope.Epoch, scope.Epoch
	if _, err := Build(nil, s, []proofs.Contribution{right}); err != nil {
		t.Error(err)
	}
}

// TestAnyHistoryOfCorrectionsPaysAWorkItsMostAtMost draws epochs in which work
// is stated, revoked and stated again, with totals as an honest or a greedy
// verifier writes them, and sums up what the totals grew by.
func TestAnyHistoryOfCorrectionsPaysAWorkItsMostAtMost(t *testing.T) {
	built, refused := 0, 0
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 4))
		var leaves []merkle.Leaf
		var book spent.Book
		total, most := uint64(0), map[string]uint64{}
		standing := map[string]proofs.Hash{}
		for i := range uint64(8) {
			s := scope
			s.Epoch, s.Spent = scope.Epoch+i, &book
			task := []string{"one", "two"}[r.IntN(2)]
			if d, ok := standing[task]; ok && r.IntN(4) > 0 {
				book.Revoke(d)
			}
			units := r.Uint64N(30)
			c := earns("a", task, units, total+r.Uint64N(units+1))
			c.Epoch, c.IssuedAt = s.Epoch, i
			if c.Units.Cmp(c.CumulativeUnits) > 0 {
				continue
			}
			e, err := Build(leaves, s, []proofs.Contribution{c})
			if err != nil {
				refused++
				continue
			}
			built++
			w, err := spent.Of(c)
			if err != nil {
				t.Fatal(err)
			}
			if err := book.Spend(w); err != nil {
				t.Fatal(err)
			}
			leaves, standing[task], most[task] = e.Leaves, w.Digest, max(most[task], units)
			total = c.CumulativeUnits.Lo
			if sum := most["one"] + most["two"]; total > sum {
				t.Fatalf("seed %d, epoch %d: the total is %d, the works are worth %d at most", seed, s.Epoch, total, sum)
			}
		}
	}
	if built < 300 || refused < 300 {
		t.Errorf("%d epochs built, %d refused", built, refused)
	}
}
