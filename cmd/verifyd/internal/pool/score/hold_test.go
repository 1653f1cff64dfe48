package score

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/registry"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/merkle"
)

const (
	hold   = 3
	period = 1000
)

// history is a worker's record in a shorthand: a letter for each verdict in the order in which they were recorded, ten
// seconds apart, on claims that arrived so: claim i at i seconds.
type history struct{ Record }

func slotOf(i int) registry.Slot { return registry.Slot{Job: merkle.Hash{1}, Slot: uint32(i)} }

func (h *history) judge(i int, o verify.Outcome, size uint64) *history {
	reason := verify.Honest
	if o == verify.Fail {
		reason = verify.WrongUpdate
	}
	h.Judged = h.Judged.With(registry.Judgement{
		Slot: slotOf(i), Claim: merkle.Hash{byte(i >> 8), byte(i)}, Outcome: o, Reason: reason,
		Work: amount(size), Arrived: int64(i), Recorded: h.now(),
	})
	return h
}

// now is when the next verdict is recorded.
func (h *history) now() int64 { return 500 + 10*int64(len(h.Judged)) }

func (h *history) pass(claims ...int) *history {
	for _, i := range claims {
		h.judge(i, verify.Pass, 100)
	}
	return h
}

func (h *history) fail(i int) *history { return h.judge(i, verify.Fail, 100) }

// wait lets claims wait for their verdicts.
func (h *history) wait(claims ...int) *history {
	for _, i := range claims {
		h.Waiting = append(h.Waiting, Waiting{slotOf(i), merkle.Hash{byte(i >> 8), byte(i)}, int64(i)})
	}
	return h
}

// of is what becomes of a claim's pay now, in a word.
func (h *history) of(i int) string {
	s := h.standing(slotOf(i), hold, period, h.now())
	switch {
	case s.void != nil:
		return fmt.Sprintf("void by %d", s.void.Slot.Slot)
	case s.paid:
		return "paid"
	case s.waits != nil:
		return fmt.Sprintf("%d of %d, %d waits", s.count, hold, s.waits.Slot)
	}
	return fmt.Sprintf("%d of %d", s.count, hold)
}

func TestAClaimIsPaidOnceAsManyFurtherOnesPassedOrItsPeriodIsOver(t *testing.T) {
	h := new(history).pass(1, 2, 3)
	for claim, want := range map[int]string{1: "2 of 3", 2: "1 of 3", 3: "0 of 3"} {
		if got := h.of(claim); got != want {
			t.Errorf("claim %d: %s, want %s", claim, got, want)
		}
	}
	if h.pass(4); h.of(1) != "paid" || h.of(2) != "2 of 3" {
		t.Errorf("%s, %s", h.of(1), h.of(2))
	}
	last := h.Judged[3].Recorded + period
	if h.standing(slotOf(4), hold, period, last-1).paid || !h.standing(slotOf(4), hold, period, last).paid {
		t.Error("the last claims are not paid when their period is over, or before")
	}
	// What was judged before a claim arrived is not further.
	if h := new(history).pass(1, 2, 3, 4); h.of(4) != "0 of 3" {
		t.Error(h.of(4))
	}
}

func TestClaimsThatSayNothingFreeNoPay(t *testing.T) {
	for _, o := range []verify.Outcome{verify.Inconclusive, verify.Unaudited} {
		h := new(history).pass(1)
		for i := 2; i < 9; i++ {
			h.judge(i, o, 100)
		}
		if h.of(1) != "0 of 3" {
			t.Errorf("%s: %s", o, h.of(1))
		}
	}
}

func TestManySmallClaimsFreeNoLargeOne(t *testing.T) {
	h := new(history).judge(1, verify.Pass, 1000)
	for i := 2; i < 30; i++ {
		h.judge(i, verify.Pass, 100)
	}
	if h.of(1) != "2 of 3" {
		t.Error(h.of(1))
	}
	h.judge(30, verify.Pass, 100).judge(31, verify.Pass, 100)
	if h.of(1) != "paid" { // 3,000 operations
		t.Error(h.of(1))
	}
	// Nor does one giant stand for several.
	if h := new(history).pass(1).judge(2, verify.Pass, 1<<60); h.of(1) != "1 of 3" {
		t.Error(h.of(1))
	}
}

func TestAFailVoidsWhatIsHeldAndNothingElse(t *testing.T) {
	h := new(history).pass(1, 2, 3, 4, 5).fail(6).judge(7, verify.Pass, 100)
	after := 1000 // arrives when the FAIL is recorded already
	h.pass(after)
	for claim, want := range map[int]string{1: "paid", 2: "paid", 3: "void by 6", 4: "void by 6", 5: "void by 6", 7: "void by 6", after: "0 of 3"} {
		if got := h.of(claim); got != want {
			t.Errorf("claim %d: %s, want %s", claim, got, want)
		}
	}
	if h.pass(after+1, after+2, after+3); h.of(after) != "paid" {
		t.Errorf("a later FAIL does not count for ever: %s", h.of(after))
	}
	// What is over is over: a FAIL that is recorded after the period, or after the claim was free, takes nothing back.
	late := new(history).pass(1)
	for range period / 10 {
		late.pass(len(late.Judged) + 1)
	}
	if late.fail(2000); late.of(1) != "paid" || late.of(len(late.Judged)-1) != "void by 2000" {
		t.Errorf("%s, %s", late.of(1), late.of(len(late.Judged)-1))
	}
}

func TestAClaimThatWaitsForItsVerdictKeepsLaterOnesFromFreeingWhatItMayVoid(t *testing.T) {
	// A worker delays the opening of the claim that it forged, and opens honest ones at once.
	h := new(history).pass(1).wait(2).pass(3, 4, 5, 6)
	if got := h.of(1); got != "0 of 3, 2 waits" {
		t.Error(got)
	}
	if got := h.of(3); got != "0 of 3, 2 waits" {
		t.Errorf("one that arrived later: %s", got)
	}
	failed := *h
	if got := failed.fail(2).of(1); got != "void by 2" {
		t.Error(got)
	}
	// Once it is judged, whatever waits behind the claims that count does not matter.
	if h.pass(2).wait(9); h.of(1) != "paid" || h.of(4) != "2 of 3, 9 waits" {
		t.Errorf("%s, %s", h.of(1), h.of(4))
	}
}

func TestALaterVerdictOnTheSameClaimIsCountedOnceAndAFailOfItVoids(t *testing.T) {
	h := new(history).pass(1, 2, 2, 2, 2)
	if h.of(1) != "1 of 3" {
		t.Error(h.of(1))
	}
	// A PASS that a second verifier refutes.
	if h.fail(2); h.of(1) != "void by 2" || len(h.Judged) != 3 {
		t.Errorf("%s, %d recorded", h.of(1), len(h.Judged))
	}
	// One that is refuted late takes nothing back that it had freed.
	late := new(history).pass(1, 2, 3, 4, 5)
	if late.fail(2); late.of(1) != "paid" || late.of(3) != "void by 2" {
		t.Errorf("%s, %s", late.of(1), late.of(3))
	}
	// What was undecided counts, and is held, from when it passed.
	undecided := new(history).pass(1).judge(2, verify.Inconclusive, 100).pass(3, 4).fail(5)
	if undecided.pass(2); undecided.of(1) != "void by 5" || undecided.of(2) != "void by 5" {
		t.Errorf("%s, %s", undecided.of(1), undecided.of(2))
	}
	undecided = new(history).judge(1, verify.Inconclusive, 100)
	for range period / 10 {
		undecided.pass(len(undecided.Judged) + 5000)
	}
	if undecided.pass(1); undecided.standing(slotOf(1), 1<<16, period, undecided.now()).paid {
		t.Error("paid at once for a period that began before the claim passed")
	}
	// Silence that the worker refutes voids nothing any more.
	silent := new(history).pass(1)
	silent.Judged = silent.Judged.With(registry.Judgement{Slot: slotOf(2), Outcome: verify.Fail, Reason: verify.Unopened, Arrived: 2, Recorded: silent.now()})
	if silent.of(1) != "void by 2" {
		t.Error(silent.of(1))
	}
	if silent.pass(2, 3, 4); silent.of(1) != "paid" {
		t.Error(silent.of(1))
	}
}

// TestTheOrderOfJudgingFreesNothingEarlier: among all orders in which the same claims are judged, none has more paid
// than the order in which they arrived.
func TestTheOrderOfJudgingFreesNothingEarlier(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		n := 2 + random.IntN(12)
		lie := random.IntN(n)
		paid := func(order []int) (count int) {
			h := new(history)
			for at, i := range order {
				h.Waiting = nil
				for _, later := range order[at:] {
					h.wait(later)
				}
				if i == lie {
					h.fail(i)
				} else {
					h.pass(i)
				}
			}
			h.Waiting = nil
			for i := range n {
				if i != lie && h.of(i) == "paid" {
					count++
				}
			}
			return count
		}
		order := make([]int, n)
		for i := range order {
			order[i] = i
		}
		want := paid(order)
		random.Shuffle(n, func(i, j int) { order[i], order[j] = order[j], order[i] })
		if got := paid(order); got > want {
			t.Fatalf("%d of %d paid in the order %d with lie %d, %d as they arrived", got, n, order, lie, want)
		}
	}
}
