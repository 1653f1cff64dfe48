package registry

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/policy"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/merkle"
)

var member = Member{Audience: merkle.Hash{8}, Pool: merkle.Hash{9}, Worker: slot.Worker}

func operations(n uint64) policy.Uint { return policy.Uint{Uint128: proofs.Uint128{Lo: n}} }

// received gives the claims of so many slots of the worker their receipts.
func received(t testing.TB, r *Registry, slots uint32) {
	t.Helper()
	for i := range slots {
		s := Slot{Job: slot.Job, Worker: slot.Worker, Slot: i}
		if _, err := r.Assign(s, merkle.Hash{}, give("assignment")); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Receive(s, claimOf(i), give("receipt")); err != nil {
			t.Fatal(err)
		}
	}
}

func claimOf(slot uint32) merkle.Hash { return merkle.Hash{'c', byte(slot)} }

// outcome is a judgement of a slot's claim.
func outcome(i uint32, o verify.Outcome, why verify.Reason) Judgement {
	return Judgement{
		Slot: Slot{Job: slot.Job, Worker: slot.Worker, Slot: i}, Claim: claimOf(i), Outcome: o, Reason: why,
		Work: operations(100), Arrived: int64(i), Recorded: 1000 + int64(i),
	}
}

func passed(i uint32) Judgement { return outcome(i, verify.Pass, verify.Honest) }

func TestAVerdictCountsOnceAndTheStrongestOfAClaimStandsInWhateverOrder(t *testing.T) {
	all := []Judgement{
		outcome(0, verify.Fail, verify.Unopened),
		outcome(0, verify.Inconclusive, verify.Disagreement),
		passed(0),
		outcome(0, verify.Fail, verify.WrongUpdate),
	}
	for _, order := range [][]int{{0, 1, 2, 3}, {3, 2, 1, 0}, {2, 0, 3, 1}, {1, 3, 0, 2}} {
		r := fresh(t)
		received(t, r, 1)
		strongest := -1
		for _, i := range order {
			strongest = max(strongest, i)
			for range 2 {
				h, err := r.Judge(member, all[i])
				if err != nil || len(h.Standing()) != 1 || h.Standing()[0] != all[strongest] {
					t.Errorf("%v, %d: %+v, %v", order, i, h, err)
				}
			}
		}
		h, err := r.Judged(member)
		if err != nil || *h.Of(all[0].Slot) != all[3] || h.Of(Slot{Slot: 9}) != nil {
			t.Errorf("%v: %+v, %v", order, h, err)
		}
		if len(h.Standing()) != 1 {
			t.Errorf("%v: %d stand", order, len(h.Standing()))
		}
	}
}

func TestAClaimIsJudgedInItsOwnPoolAndOnlyOnceItIsReceived(t *testing.T) {
	r := fresh(t)
	received(t, r, 2)
	if _, err := r.Judge(member, passed(2)); ClassOf(err) != NotReceived {
		t.Error(err)
	}
	other := passed(1)
	other.Claim[5]++
	if _, err := r.Judge(member, other); ClassOf(err) != Given {
		t.Error(err)
	}
	if _, err := r.Judge(Member{Worker: merkle.Hash{77}}, passed(1)); err == nil {
		t.Error("recorded of another worker")
	}
	if _, err := r.Judge(member, passed(1), passed(2)); ClassOf(err) != NotReceived {
		t.Error(err)
	}
	if h, err := r.Judged(member); err != nil || len(h) != 0 {
		t.Errorf("a part of what was refused is recorded: %+v, %v", h, err)
	}
	if _, err := r.Judge(member, passed(1), passed(1), passed(0)); err != nil {
		t.Error(err)
	}
	for _, m := range []Member{{Audience: member.Audience, Worker: member.Worker}, {Pool: member.Pool, Worker: member.Worker}} {
		if h, err := r.Judged(m); err != nil || len(h) != 0 {
			t.Errorf("%+v, %v", h, err)
		}
	}
}

func TestHoweverManyJudgeAtOnceEachVerdictIsRecordedOnce(t *testing.T) {
	r := fresh(t)
	received(t, r, 12)
	var wait sync.WaitGroup
	for i := range 36 {
		wait.Go(func() {
			one := &Registry{r.dir, files{}} // as another process has it
			if _, err := one.Judge(member, passed(uint32(i%12)), passed(uint32((i+1)%12))); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	h, err := r.Judged(member)
	if err != nil || len(h) != 12 || len(h.Standing()) != 12 {
		t.Errorf("%d recorded, %d stand, %v", len(h), len(h.Standing()), err)
	}
	if report := sound(t, r, "raced"); report.Judged != 12 || report.Unfinished != 0 {
		t.Errorf("%+v", report)
	}
}

func TestNoJudgementIsForgottenWhereverTheDiskFailsOrThePowerGoes(t *testing.T) {
	begin := func() *memory {
		m := newMemory()
		received(t, &Registry{"r", m}, 3)
		return m
	}
	whole := begin()
	before := whole.calls
	for i := range uint32(3) {
		if _, err := (&Registry{"r", whole}).Judge(member, passed(i)); err != nil {
			t.Fatal(err)
		}
	}
	for at := before + 1; at <= whole.calls; at++ {
		for _, keep := range []bool{true, false} {
			for _, cut := range []bool{true, false} {
				what := fmt.Sprintf("call %d, kept %v, cut %v", at, keep, cut)
				m := begin()
				m.at, m.cut = at, cut
				promised := 0
				for i := range uint32(3) {
					if _, err := (&Registry{"r", m}).Judge(member, passed(i)); err != nil {
						break
					}
					promised++
				}
				if cut {
					m = m.restart(func() bool { return keep })
				}
				m.at = 0
				r := &Registry{"r", m}
				sound(t, r, what)
				if h, err := r.Judged(member); err != nil || len(h) < promised {
					t.Errorf("%s: %d of %d, %v", what, len(h), promised, err)
				}
				for i := range uint32(3) {
					if _, err := r.Judge(member, passed(i)); err != nil {
						t.Errorf("%s: %v", what, err)
					}
				}
				if h, err := r.Judged(member); err != nil || len(h) != 3 {
					t.Errorf("%s: %d recorded, %v", what, len(h), err)
				}
				sound(t, r, what)
			}
		}
	}
}

func TestAJudgementThatIsAlteredOrMissingIsFound(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"one is removed": os.Remove,
		"a PASS becomes a FAIL": func(path string) error {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(path, bytes.Replace(data, []byte(`"PASS"`), []byte(`"FAIL"`), 1), 0o644)
		},
		"cut": func(path string) error { return os.Truncate(path, 40) },
	} {
		r := fresh(t)
		received(t, r, 3)
		for i := range uint32(3) {
			if _, err := r.Judge(member, passed(i)); err != nil {
				t.Fatal(err)
			}
		}
		if err := damage(filepath.Join(r.dir, judgedFolder, member.name(1).String())); err != nil {
			t.Fatal(err)
		}
		if _, err := Check(t.Context(), r.dir); ClassOf(err) != Damaged {
			t.Errorf("%s: %v", name, err)
		}
	}
}
