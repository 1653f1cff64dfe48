package score

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/registry"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/merkle"
)

// What is drawn of a claim falls with the pay that the desk takes to be held. It must not count what is paid or void.
func TestTheDeskCountsNoPayThatIsNotHeld(t *testing.T) {
	draw := rand.New(rand.NewPCG(7, 8))
	counted := 0
	for range 12 {
		d := newDesk(t)
		var all []Judged
		for slot := range uint32(2 + draw.Uint64N(6)) {
			o := verify.Pass
			switch draw.Uint64N(8) {
			case 0:
				o = verify.Fail
			case 1:
				o = verify.Inconclusive
			}
			all = append(all, d.receive(1, slot, o))
		}
		draw.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		later := int64(0)
		for len(all) > 0 {
			n := 1 + draw.Uint64N(uint64(len(all)))
			e := &Epoch{Number: 1, Policy: d.policy, Judged: all[:n]}
			later += int64(draw.Uint64N(3000))
			if err := e.Settle(t.Context(), d.registry, d.jobs, time.Unix(judgedAt+later, 0), true); err != nil {
				t.Fatal(err)
			}
			all = all[n:]
			known := e.Records[e.Judged[0].Verdict.Finding.Worker]
			held := uint64(0)
			for _, j := range known.Judged.Standing() {
				if s := known.standing(j.Slot, 2, 3606, judgedAt+later); j.Outcome == verify.Pass && !s.paid && s.void == nil {
					held++
				}
			}
			history, err := d.registry.Judged(registry.Member{Audience: d.terms.Job.Audience, Pool: d.terms.Job.Pool, Worker: e.Judged[0].Verdict.Finding.Worker})
			if err != nil {
				t.Fatal(err)
			}
			got := history.Held(pool.Work(d.terms), judgedAt+later)
			counted += int(got)
			if got > held {
				t.Fatalf("the desk counts %d claims, of which %d are held", got, held)
			}
		}
	}
	if counted == 0 {
		t.Error("nothing was ever held: this test shows nothing")
	}
}

// TestTheDeskCountsNoMoreThanIsHeldOfAnyRecord draws records that no desk of a test would have: claims of unlike work and
// of jobs that hold differently, judged in any order, silent and refuted, some still waiting.
func TestTheDeskCountsNoMoreThanIsHeldOfAnyRecord(t *testing.T) {
	draw := rand.New(rand.NewPCG(9, 10))
	counted, less := uint64(0), 0
	for range 3000 {
		r := &Record{}
		now, holds := int64(0), map[registry.Slot]uint32{}
		for n := range 1 + draw.IntN(14) {
			i := n
			if n > 0 && draw.IntN(6) == 0 {
				i = draw.IntN(n) // judged again
			}
			j := registry.Judgement{
				Slot: slotOf(i), Claim: merkle.Hash{byte(i)}, Outcome: verify.Pass, Reason: verify.Honest, Hold: uint32(i * 7 % 5),
				Work: amount(uint64(1 + i*i%9)), Arrived: int64(i * 13 % 40),
			}
			switch draw.IntN(10) {
			case 0:
				j.Outcome, j.Reason = verify.Fail, verify.WrongUpdate
			case 1:
				j.Outcome, j.Reason = verify.Fail, verify.Unopened
			case 2:
				j.Outcome = verify.Inconclusive
			case 3:
				j.Outcome = verify.Unaudited
			case 4:
				r.Waiting = append(r.Waiting, Waiting{j.Slot, j.Claim, j.Arrived})
				continue
			}
			now = max(now+int64(draw.IntN(4)), j.Arrived)
			j.Recorded, j.Until = now, now+30
			holds[j.Slot] = j.Hold
			r.Judged = r.Judged.With(j)
		}
		now += int64(draw.IntN(30))
		held := uint64(0)
		for _, j := range r.Judged.Standing() {
			if s := r.standing(j.Slot, holds[j.Slot], 30, now); j.Outcome == verify.Pass && !s.paid && s.void == nil {
				held++
			}
		}
		got := r.Judged.Held(amount(1), now) // each claim is at least as much work
		if counted += got; got > held {
			t.Fatalf("the desk counts %d claims, of which %d are held: %+v", got, held, r)
		}
		if got < held {
			less++
		}
	}
	if counted == 0 || less == 0 {
		t.Errorf("%d counted in all, less than held %d times: this test shows little", counted, less)
	}
}

func TestAClaimThatPassedWithANoteIsNothingToLose(t *testing.T) {
	d := newDesk(t)
	plain, noted := d.receive(1, 0, verify.Pass), d.receive(1, 1, verify.Pass)
	noted.Verdict.Finding.Note = verify.NoteOutside
	e := &Epoch{Number: 1, Policy: d.policy, Judged: []Judged{plain, noted}}
	if err := e.Settle(t.Context(), d.registry, d.jobs, time.Unix(judgedAt, 0), true); err != nil {
		t.Fatal(err)
	}
	history, err := d.registry.Judged(pool.Member(d.terms, registry.Slot{Worker: noted.Verdict.Finding.Worker}))
	if err != nil {
		t.Fatal(err)
	}
	if got := history.Held(pool.Work(d.terms), judgedAt); got != 1 {
		t.Errorf("%d claims are taken to be held, want the one for which every policy pays in full", got)
	}
}
