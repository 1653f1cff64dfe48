package score

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/registry"
	"github.com/verifyd/verifyd/proofs/policy"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/trace"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// desk gives receipts for claims on a job that holds pay until two further ones are judged, or for an hour.
type desk struct {
	*testing.T
	registry *registry.Registry
	dir      string
	terms    *verify.Terms
	jobs     Jobs
	policy   *policy.Policy
	given    int
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{T: t, policy: rules(), dir: filepath.Join(t.TempDir(), "registry")}
	d.terms = offerWith(t, d.policy, func(j *job.Job) { j.Hold, j.Period = 2, 3606 })
	d.jobs = Jobs{d.terms.Digest: d.terms}
	err := registry.Init(d.dir)
	if err == nil {
		d.registry, err = registry.Open(d.dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// receive gives a worker's claim its receipt and returns what a verdict says of it that found an outcome.
func (d *desk) receive(worker byte, slot uint32, o verify.Outcome) Judged {
	d.Helper()
	d.given++
	arrived := int64(1_790_000_000 + d.given)
	s := registry.Slot{Job: d.terms.Digest, Worker: merkle.Hash{worker}, Slot: slot}
	claim := merkle.Hash{'c', worker, byte(slot)}
	operator, err := verifytest.NewKey(1)
	if err != nil {
		d.Fatal(err)
	}
	r := verify.Receipt{Version: verify.ReceiptVersion, Job: s.Job, Worker: s.Worker, Slot: slot, Claim: claim, Sampled: 1, Arrived: arrived}
	_, err = d.registry.Assign(s, merkle.Hash{}, func() ([]byte, error) { return []byte("assignment"), nil })
	if err == nil {
		_, err = d.registry.Receive(s, claim, func() ([]byte, error) {
			return document.Sign("receipt", r, operator)
		})
	}
	if err != nil {
		d.Fatal(err)
	}
	ch, err := d.terms.DrawWith(trace.Claim{}, r, merkle.Hash{7})
	if err != nil {
		d.Fatal(err)
	}
	f := verify.Finding{
		Randomness: ch.Randomness, Seed: ch.Seed, Challenged: ch.Segments,
		Outcome: o, Reason: verify.Honest, Job: s.Job, Worker: s.Worker, Slot: slot, Claim: claim, Profile: d.terms.Job.Profile, Steps: 10,
	}
	if o == verify.Fail {
		f.Reason = verify.WrongUpdate
	}
	if f.Receipt, err = document.Digest("receipt", r); err != nil {
		d.Fatal(err)
	}
	return Judged{File: fmt.Sprintf("%d-%d.json", worker, slot), Verdict: &verify.Verdict{Finding: f}, Terms: d.terms}
}

const judgedAt = 1_791_000_000

// score settles and scores verdicts, so many seconds after the first are judged.
func (d *desk) score(later int64, keep bool, judged ...Judged) (string, *Sheet) {
	d.Helper()
	at := time.Unix(judgedAt+later, 0)
	e := &Epoch{Number: 5, Policy: d.policy, Issued: at, Judged: judged}
	if err := e.Settle(d.Context(), d.registry, d.jobs, at, keep); err != nil {
		d.Fatal(err)
	}
	text, r := rows(d.T, e)
	sheet := e.Sheet(r)
	for _, h := range sheet.Held {
		text += fmt.Sprintf("; held %d/%d, %d of %d until +%d", h.Worker[0], h.Slot, h.Judged, h.Of, h.Until-judgedAt)
	}
	return text, sheet
}

func TestHeldPayIsShownAndPaidInALaterEpochAndNothingIsStatedOfItBefore(t *testing.T) {
	d := newDesk(t)
	first, second, third := d.receive(1, 0, verify.Pass), d.receive(1, 1, verify.Pass), d.receive(1, 2, verify.Pass)
	e := &Epoch{Policy: d.policy, Issued: time.Unix(judgedAt, 0), Judged: []Judged{first}}
	if _, err := e.Score(); !errors.Is(err, ErrNoRecord) {
		t.Errorf("paid without a record: %v", err)
	}
	for _, c := range []struct {
		what   string
		later  int64
		judged []Judged
		want   string
	}{
		{"two of three", 0, []Judged{first, second}, "dust 0; held 1/0, 1 of 2 until +3606; held 1/1, 0 of 2 until +3606"},
		{"again", 10, []Judged{second, first}, "dust 0; held 1/0, 1 of 2 until +3606; held 1/1, 0 of 2 until +3606"},
		{"the third", 20, []Judged{first, second, third}, "1 accepted  1000 1000; dust 0; held 1/1, 1 of 2 until +3606; held 1/2, 0 of 2 until +3626"},
		{"the period", 3606, []Judged{second, third}, "1 accepted  1000 1000; dust 0; held 1/2, 0 of 2 until +3626"},
		{"its end", 3626, []Judged{third}, "1 accepted  1000 1000; dust 0"},
	} {
		// What is only shown is recorded nowhere.
		if got, _ := d.score(c.later, false, c.judged...); got != c.want {
			t.Errorf("%s, shown: %s, want %s", c.what, got, c.want)
		}
		if got, _ := d.score(c.later, true, c.judged...); got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
	}
	h, err := d.registry.Judged(registry.Member{Audience: d.terms.Job.Audience, Pool: d.terms.Job.Pool, Worker: merkle.Hash{1}})
	if err != nil || len(h) != 3 {
		t.Errorf("%d verdicts are recorded, of three claims: %v", len(h), err)
	}
	if report, err := registry.Check(t.Context(), d.dir); err != nil || report.Judged != 3 {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestAFailVoidsTheHeldPayOfItsWorkerAloneAndSaysSo(t *testing.T) {
	d := newDesk(t)
	mine := []Judged{d.receive(1, 0, verify.Pass), d.receive(1, 1, verify.Pass), d.receive(1, 2, verify.Fail)}
	// A key that the same person made for the next lie, or for the next honest work, has a record of its own.
	other := d.receive(2, 0, verify.Pass)
	want := "1 accepted/264 voided 0 0; 1 accepted/264 voided 0 0; 1 rejected/mismatch mismatch 0 0; dust 0; held 2/0, 0 of 2 until +3606"
	if got, _ := d.score(0, true, append(mine, other)...); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, _ := d.score(1e6, true, mine...); got != strings.TrimSuffix(want, "; held 2/0, 0 of 2 until +3606") {
		t.Errorf("after the period: %s", got)
	}
}

// TestTheOrderOfVerdictFilesMakesNoDifference draws a worker's claims and their outcomes, and gives the verdicts in
// two orders to two registries.
func TestTheOrderOfVerdictFilesMakesNoDifference(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 12 {
		var outcomes []verify.Outcome
		for range 3 + random.IntN(5) {
			outcomes = append(outcomes, []verify.Outcome{verify.Pass, verify.Pass, verify.Pass, verify.Fail, verify.Inconclusive}[random.IntN(5)])
		}
		seed := random.Uint64()
		run := func(shuffle bool) string {
			d := newDesk(t)
			var all []Judged
			for i, o := range outcomes {
				all = append(all, d.receive(1+byte(i%2), uint32(i), o))
			}
			if shuffle {
				r := rand.New(rand.NewPCG(seed, 5))
				r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			}
			text, _ := d.score(0, true, all...)
			return text
		}
		if as, other := run(false), run(true); as != other {
			t.Fatalf("%v: %s, in another order %s", outcomes, as, other)
		}
	}
}

func TestVerdictsThatTheRegistryCannotKnowAreRefused(t *testing.T) {
	d := newDesk(t)
	good := d.receive(1, 0, verify.Pass)
	for name, c := range map[string]struct {
		change func(f *verify.Finding)
		want   registry.Class
	}{
		"a claim that was never received": {func(f *verify.Finding) { f.Slot = 1 }, registry.NotReceived},
		"another worker's":                {func(f *verify.Finding) { f.Worker = merkle.Hash{9} }, registry.NotReceived},
		"another claim in the slot":       {func(f *verify.Finding) { f.Claim[5]++ }, registry.Given},
		"a drawn claim that is unaudited": {func(f *verify.Finding) { f.Outcome = verify.Unaudited }, ""},
		"another receipt":                 {func(f *verify.Finding) { f.Receipt[0]++ }, ""},
		"another draw":                    {func(f *verify.Finding) { f.Seed[0]++ }, ""},
		"fewer segments":                  {func(f *verify.Finding) { f.Challenged = f.Challenged[1:] }, ""},
		"no segments":                     {func(f *verify.Finding) { f.Challenged = nil }, ""},
	} {
		v := *good.Verdict
		c.change(&v.Finding)
		e := &Epoch{Policy: d.policy, Judged: []Judged{{File: "v.json", Verdict: &v, Terms: d.terms}}}
		err := e.Settle(t.Context(), d.registry, d.jobs, time.Unix(judgedAt, 0), true)
		if err == nil || registry.ClassOf(err) != c.want || !strings.HasPrefix(err.Error(), "v.json: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A FAIL that is recorded stands, whatever verdict is shown of the claim later.
	failed := d.receive(1, 1, verify.Fail)
	d.score(0, true, failed)
	passed := failed
	v := *failed.Verdict
	v.Finding.Outcome, v.Finding.Reason = verify.Pass, verify.Honest
	passed.Verdict = &v
	e := &Epoch{Policy: d.policy, Issued: time.Unix(judgedAt, 0), Judged: []Judged{passed}}
	if err := e.Settle(t.Context(), d.registry, d.jobs, e.Issued, true); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Score(); err == nil {
		t.Error("a PASS was stated of a claim whose FAIL is recorded")
	}
}

func TestClaimsInAnotherPoolFreeNothingHere(t *testing.T) {
	d := newDesk(t)
	first := d.receive(1, 0, verify.Pass)
	here := d.terms
	d.terms = offerWith(t, d.policy, func(j *job.Job) { j.Hold, j.Period, j.Pool = 2, 3606, merkle.Hash{77} })
	d.jobs[d.terms.Digest] = d.terms
	d.score(0, true, d.receive(1, 1, verify.Pass), d.receive(1, 2, verify.Pass), d.receive(1, 3, verify.Pass))
	d.receive(1, 4, verify.Pass) // waits, in the other pool
	d.terms = here
	if got, sheet := d.score(0, true, first); got != "dust 0; held 1/0, 0 of 2 until +3606" || sheet.Held[0].Waits != nil {
		t.Error(got)
	}
	waits := d.receive(1, 5, verify.Pass)
	if _, sheet := d.score(0, true, first); sheet.Held[0].Waits == nil || sheet.Held[0].Waits.Slot != waits.Verdict.Finding.Slot {
		t.Errorf("%+v", sheet.Held)
	}
}
