package epoch

import (
	"errors"
	"testing"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/internal/class"
	"github.com/verifyd/verifyd/proofs/spent"
)

// paid is a book of contributions.
func paid(t *testing.T, contributions ...proofs.Contribution) *spent.Book {
	t.Helper()
	var b spent.Book
	for _, c := range contributions {
		w, err := spent.Of(c)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Spend(w); err != nil {
			t.Fatal(err)
		}
	}
	return &b
}

func TestOneVerdictIsPaidInOneEpoch(t *testing.T) {
	first := earns("a", "task", 10, 10)
	e, err := Build(nil, scope, []proofs.Contribution{first})
	if err != nil {
		t.Fatal(err)
	}
	again := earns("a", "task", 10, 20)
	again.Epoch = scope.Epoch + 1
	next := scope
	next.Epoch, next.Spent = again.Epoch, paid(t, first)
	_, err = Build(e.Leaves, next, []proofs.Contribution{again})
	var fault *proofs.Error
	if !errors.As(err, &fault) || fault.Class != class.Spent || fault.Field != "nullifier" {
		t.Errorf("a verdict of epoch %d in epoch %d: %v", scope.Epoch, next.Epoch, err)
	}
}

func TestAnEpochThatIsBuiltAgainIsTheSame(t *testing.T) {
	list := []proofs.Contribution{earns("a", "task", 10, 10), earns("b", "task", 5, 5)}
	e, err := Build(nil, scope, list)
	if err != nil {
		t.Fatal(err)
	}
	known := scope
	known.Spent = paid(t, list...)
	again, err := Build(nil, known, list)
	if err != nil {
		t.Fatal(err)
	}
	if e.Tree.Root() != again.Tree.Root() {
		t.Error("another root")
	}
}

func TestTwoSlotsOfAWorkerAreBothInTheTotal(t *testing.T) {
	first, second := earns("a", "task", 10, 10), earns("a", "task", 7, 17)
	second.Slot = 1
	e, err := Build(nil, scope, []proofs.Contribution{second, first})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range e.Leaves {
		if l.Account == id("a") && (l.CumulativeUnits != proofs.Uint(17) || l.Detail != detail(t, second)) {
			t.Errorf("leaf %+v", l)
		}
	}
}

func TestABodyThatSeveralVerifiersSignedCountsOnce(t *testing.T) {
	c, rejected := earns("a", "task", 10, 10), earns("b", "task", 0, 0)
	e, err := Build(nil, scope, []proofs.Contribution{c, rejected, c, rejected, c})
	if err != nil {
		t.Fatal(err)
	}
	if e.Leaves[0].CumulativeUnits.Cmp(proofs.Uint(1000)) >= 0 || len(e.Leaves) != 2 || e.Total != scope.Emission {
		t.Errorf("leaves %+v", e.Leaves)
	}
}

func TestACorrectionAfterARevocationTakesThePlaceOfTheFirstBody(t *testing.T) {
	wrong, right := earns("a", "task", 10, 10), earns("a", "task", 8, 8)
	s := scope
	s.Spent = paid(t, wrong)
	s.Spent.Revoke(detail(t, wrong))
	if _, err := Build(nil, s, []proofs.Contribution{right}); err != nil {
		t.Error(err)
	}
	_, err := Build(nil, s, []proofs.Contribution{wrong})
	var fault *proofs.Error
	if !errors.As(err, &fault) || fault.Class != class.Revoked {
		t.Errorf("the revoked body again: %v", err)
	}
}
