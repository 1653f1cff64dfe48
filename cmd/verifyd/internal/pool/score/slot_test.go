package score

import (
	"testing"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/verify"
)

// secondSlot adds a verdict on another slot of the job by worker 1.
func secondSlot(e *Epoch, outcome verify.Outcome, reason verify.Reason) {
	first := e.Judged[0]
	v := *first.Verdict
	v.Finding.Slot, v.Finding.Outcome, v.Finding.Reason = 1, outcome, reason
	e.Judged = append(e.Judged, Judged{File: "1b.json", Verdict: &v, Terms: first.Terms})
}

func TestTwoSlotsOfOneWorkerInOneJobAreBothPaid(t *testing.T) {
	e := epoch(t, rules())
	secondSlot(e, verify.Pass, verify.Honest)
	want := "1 accepted  333 333; 1 accepted  333 666; 2 accepted  333 333; 3 rejected/mismatch mismatch 0 0; 4 inconclusive/mismatch mismatch 0 0; dust 1"
	got, r := rows(t, e)
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
	a, b := r.Statements[0].Contribution, r.Statements[1].Contribution
	if a.Slot != 0 || b.Slot != 1 || a.Nullifier() == b.Nullifier() {
		t.Errorf("slots %d and %d, nullifiers %s and %s", a.Slot, b.Slot, a.Nullifier(), b.Nullifier())
	}
	files, err := r.Files(nil)
	if err != nil {
		t.Fatal(err)
	}
	names := make(map[string]bool)
	for _, f := range files {
		names[f.Name] = true
	}
	if len(names) != 6 {
		t.Errorf("%d files, want one for each of five contributions and the totals", len(names))
	}
}

func TestTheValuerMayWithholdBothSlotsOfAWorker(t *testing.T) {
	e := epoch(t, rules())
	secondSlot(e, verify.Pass, verify.Honest)
	e.Values = &Values{Values: []Value{
		{Worker: named(1), Task: task(e), Slot: 0, Withheld: 512}, {Worker: named(1), Task: task(e), Slot: 1, Withheld: 512},
	}}
	want := "1 accepted/512 duplicate-data 0 0; 1 accepted/512 duplicate-data 0 0; 2 accepted  1000 1000; 3 rejected/mismatch mismatch 0 0; 4 inconclusive/mismatch mismatch 0 0; dust 0"
	if got, _ := rows(t, e); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestAValueIsOfOneSlotAlone(t *testing.T) {
	e := epoch(t, rules())
	secondSlot(e, verify.Pass, verify.Honest)
	e.Values = &Values{Values: []Value{{Worker: named(1), Task: task(e), Slot: 1, Value: number(9)}}}
	_, r := rows(t, e)
	if zero, nine := r.Statements[0].Contribution.Shapley, r.Statements[1].Contribution.Shapley; zero != proofs.Int(0) || nine != proofs.Int(9) {
		t.Errorf("values %s and %s, want 0 and 9", zero, nine)
	}
	e = epoch(t, rules())
	e.Values = &Values{Values: []Value{{Worker: named(1), Task: task(e), Slot: 7, Value: number(9)}}}
	if _, err := e.Score(); err == nil {
		t.Error("a value of a slot that nobody judged was taken")
	}
}
