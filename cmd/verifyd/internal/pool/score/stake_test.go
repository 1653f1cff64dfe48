package score

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/registry"
	"github.com/verifyd/verifyd/verify"
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
