package verify_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/trace"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// newLate is a watched rig of eight segments, of which three are drawn, whose claim was received and seen too late.
func newLate(t testing.TB, c cheat) *watched {
	t.Helper()
	return newLateOf(t, c, func(*job.Job) {})
}

// newLateOf is the same for another job.
func newLateOf(t testing.TB, c cheat, change func(*job.Job)) *watched {
	t.Helper()
	w := &watched{log: verifytest.NewLog("log.example/pool"), by: []*verifytest.Witness{verifytest.NewWitness("w1.example"), verifytest.NewWitness("w2.example")}}
	w.rig = newRig(t, mlp(), blobs(t, 40, 7), func(j *job.Job) {
		j.Log = w.log.Terms(2, w.by...)
		change(j)
	})
	w.trace = w.forge(c)
	if err := w.claimed(w.summary()); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *watched) summary() trace.Summary {
	w.t.Helper()
	opened := must(trace.Read(w.trace, w.terms.Trace()))(w.t)
	defer opened.Close()
	return opened.Summary()
}

// renewed has the claim received again at a time.
func (w *watched) renewed(at time.Time) error {
	receipt, err := verify.Renew(w.terms, verify.Renewal{
		Assignment: w.docs.Assignment, Claim: w.docs.Claim, Late: w.docs.Receipt, At: at,
	}, w.operator)
	if err == nil {
		w.docs.Receipt, w.arrived = receipt, at
	}
	return err
}

func (w *watched) receipt() verify.Receipt {
	w.t.Helper()
	return must(w.terms.ReadReceipt(w.docs.Receipt))(w.t)
}

// drawn are the segments of a receipt.
func (w *watched) drawn(r verify.Receipt) []uint64 {
	w.t.Helper()
	claim, _, err := w.terms.ReadClaim(w.docs.Claim)
	if err != nil {
		w.t.Fatal(err)
	}
	return must(w.terms.DrawWith(claim, r, secret))(w.t).Segments
}

// answered is the bundle that answers the newest receipt, dated in time.
func (w *watched) answered() string {
	w.t.Helper()
	opened := must(trace.Read(w.trace, w.terms.Trace()))(w.t)
	defer opened.Close()
	dir := filepath.Join(w.t.TempDir(), "bundle")
	if err := w.pool().Answer(w.t.Context(), opened, dir); err != nil {
		w.t.Fatal(err)
	}
	return w.dated(dir)
}

func TestAClaimThatIsReceivedAgainKeepsItsSegmentsAndGetsNewOnes(t *testing.T) {
	w := newLate(t, cheat{})
	first := w.receipt()
	old := w.drawn(first)
	others := map[string]bool{}
	for i := range 20 { // what another second would have drawn
		try := *w
		rig := *w.rig
		try.rig = &rig
		if err := try.renewed(arrived.Add(time.Duration(6+i) * time.Second)); err != nil {
			t.Fatal(err)
		}
		now := try.drawn(try.receipt())
		others[fmt.Sprint(now)] = true
		for _, segment := range old {
			if !slices.Contains(now, segment) {
				t.Errorf("segment %d was drawn, and is not any more: %d", segment, now)
			}
		}
		if !slices.IsSorted(now) || len(now) < len(old) || len(now) > 7 {
			t.Errorf("%d after %d", now, old)
		}
	}
	if len(others) < 5 {
		t.Errorf("a new round draws nothing of its own: %v", others)
	}
	if err := w.renewed(arrived.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	v, err := w.at(w.answered(), longAfter)
	if err != nil || v.Finding.Outcome != verify.Pass || v.Finding.Word != verify.WitnessesWord || !slices.Equal(v.Finding.Challenged, w.drawn(w.receipt())) {
		t.Errorf("%+v, %v", v, err)
	}
}

// TestAnHonestClaimPassesHoweverOftenItIsReceivedAgain is an operator who draws more, by renewing, than one receipt can ask for.
func TestAnHonestClaimPassesHoweverOftenItIsReceivedAgain(t *testing.T) {
	w := newLateOf(t, cheat{}, func(j *job.Job) {
		j.Steps, j.Stride, j.Sampled = 600, 1, job.Exactly(40)
	})
	for i := range verify.MaxRenewals {
		if err := w.renewed(arrived.Add(time.Duration(1+i) * time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	v, err := w.at(w.answered(), longAfter)
	if err != nil || v.Finding.Outcome != verify.Pass || len(v.Finding.Challenged) < 250 {
		t.Errorf("%d challenged: %+v, %v", len(w.drawn(w.receipt())), v, err)
	}
}

// TestNoChainOfReceiptsLosesASegmentThatWasDrawn is a worker, with its operator, who rolls the challenge again and again.
func TestNoChainOfReceiptsLosesASegmentThatWasDrawn(t *testing.T) {
	w := newLate(t, cheat{state: after(13, func(m *program.Machine) { flip(m.Tensors()[0], 0) })}) // in segment 4
	for !slices.Contains(w.drawn(w.receipt()), 4) {
		w.arrived = w.arrived.Add(time.Second)
		if err := w.claimed(w.summary()); err != nil {
			t.Fatal(err)
		}
	}
	for i := range verify.MaxRenewals {
		if err := w.renewed(w.arrived.Add(time.Duration(6+i) * time.Second)); err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(w.drawn(w.receipt()), 4) {
			t.Fatalf("receipt %d loses the segment", i+1)
		}
	}
	if err := w.renewed(w.arrived.Add(time.Hour)); fault.Of(err) != fault.BadTerms || !strings.Contains(err.Error(), "limit") {
		t.Errorf("one more: %v", err)
	}
	if v := must(w.at(w.answered(), longAfter))(t); v.Finding.Reason != verify.WrongUpdate {
		t.Errorf("%+v", v.Finding)
	}
}

func TestAReceiptRenewsOnlyLateOnesOfTheSameClaim(t *testing.T) {
	w := newLate(t, cheat{})
	for _, later := range []time.Duration{6 * time.Second, time.Hour} {
		if err := w.renewed(w.arrived.Add(later)); err != nil {
			t.Fatal(err)
		}
	}
	bundle := w.answered()
	if _, err := w.at(bundle, 0); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		alter func(r *verify.Receipt)
		class fault.Class
		field string
	}{
		"another root":              {func(r *verify.Receipt) { r.Root[0] ^= 1 }, fault.WrongClaim, "claim"},
		"another root before":       {func(r *verify.Receipt) { r.Renews[0].Receipt = w.ofRoot(r, 1) }, fault.BadTerms, "renews: 0"},
		"the first one left out":    {func(r *verify.Receipt) { r.Renews = r.Renews[1:] }, fault.BadTerms, "renews: 0"},
		"the last one left out":     {func(r *verify.Receipt) { r.Renews = r.Renews[:1]; r.Arrived = r.Renews[0].Arrived }, fault.BadTerms, "renews: 0"},
		"the order turned":          {func(r *verify.Receipt) { slices.Reverse(r.Renews) }, fault.BadTerms, "renews: 0"},
		"dated to another second":   {func(r *verify.Receipt) { r.Renews[0].Arrived-- }, fault.BadTerms, "renews: 0"},
		"fewer segments than first": {func(r *verify.Receipt) { r.Sampled++ }, fault.BadTerms, "sampled"},
		"before the worker was":     {func(r *verify.Receipt) { r.Renews[0].Arrived = 1 }, fault.BadTerms, "renews: 0"},
		"at no time":                {func(r *verify.Receipt) { r.Renews[0].Arrived = -1 << 63 }, fault.BadTerms, "renews: 0"},
		"at the end of time":        {func(r *verify.Receipt) { r.Renews[1].Arrived = 1<<63 - 1 }, fault.BadTerms, "renews: 1"},
		"before its round was out":  {func(r *verify.Receipt) { r.Arrived = r.Renews[1].Arrived + 5 }, fault.BadTerms, "renews: 1"},
		"a value of a fixed chain":  {func(r *verify.Receipt) { r.Renews[1].Beacon = &beacon.Beacon{Chain: beacon.Fixed, Round: 1} }, fault.BadTerms, "renews: 1: beacon"},
		"more than there may be":    {func(r *verify.Receipt) { r.Renews = make([]verify.LateReceipt, verify.MaxRenewals+1) }, fault.BadTerms, "renews"},
	} {
		b := copyBundle(t, bundle)
		r := w.receipt()
		r.Renews = slices.Clone(r.Renews)
		c.alter(&r)
		write(t, filepath.Join(b, verify.ReceiptFile), must(document.Sign("receipt", r, w.operator))(t))
		v, err := w.at(b, 0)
		var e *fault.Error
		if !errors.As(err, &e) || v != nil || e.Class != c.class || e.File != verify.ReceiptFile || e.Field != c.field {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
	}
}

func TestReceiptsDrawNoMoreThanAnOpeningCanList(t *testing.T) {
	w := newLateOf(t, cheat{}, func(j *job.Job) {
		j.Steps, j.Stride, j.Sampled = 4200, 1, job.Exactly(2048)
	})
	if err := w.renewed(w.arrived.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	var e *fault.Error
	if err := w.renewed(w.arrived.Add(time.Hour)); !errors.As(err, &e) || e.Class != fault.BadTerms || e.Field != "renews" {
		t.Errorf("3 times 2048 of 4200: %v", err)
	}
}

// ofRoot is the digest of the first receipt, if it were of another root.
func (w *watched) ofRoot(r *verify.Receipt, flip byte) (digest [32]byte) {
	w.t.Helper()
	first := *r
	first.Root[0] ^= flip
	first.Arrived, first.Renews = r.Renews[0].Arrived, nil
	return must(document.Digest("receipt", first))(w.t)
}

func TestOnlyAReceiptThatWitnessesDidNotSeeInTimeIsRenewed(t *testing.T) {
	w := newLate(t, cheat{})
	renewal := verify.Renewal{Assignment: w.docs.Assignment, Claim: w.docs.Claim, Late: w.docs.Receipt, At: arrived.Add(time.Hour)}
	renewal.Proof = must(w.log.Enter(w.docs.Receipt, lastReceipt, w.by...))(t)
	if _, err := verify.Renew(w.terms, renewal, w.operator); fault.Of(err) != fault.BadTerms || !strings.Contains(err.Error(), "in time") {
		t.Errorf("seen in time: %v", err)
	}
	renewal.Proof = must(w.log.Enter(w.docs.Receipt, lastReceipt+1, w.by...))(t)
	if _, err := verify.Renew(w.terms, renewal, w.operator); err != nil {
		t.Errorf("seen a second too late: %v", err)
	}
	if _, err := verify.Renew(w.terms, renewal, w.worker); fault.Of(err) != fault.BadKey {
		t.Errorf("by the worker: %v", err)
	}
	renewal.At = time.Unix(lastReceipt, 0)
	if _, err := verify.Renew(w.terms, renewal, w.operator); fault.Of(err) != fault.BadTerms {
		t.Errorf("before its round is out: %v", err)
	}
	plain := newRig(t, mlp(), blobs(t, 40, 7), nil)
	dir, s := plain.train(newCPU(t, kernels.Auto, 1))
	if err := plain.claimed(s); err != nil {
		t.Fatal(dir, err)
	}
	_, err := verify.Renew(plain.terms, verify.Renewal{
		Assignment: plain.docs.Assignment, Claim: plain.docs.Claim, Late: plain.docs.Receipt, At: arrived.Add(time.Hour),
	}, plain.operator)
	if fault.Of(err) != fault.BadTerms || !strings.Contains(err.Error(), "no witnesses") {
		t.Errorf("without witnesses: %v", err)
	}
}

func TestALateReceiptIsNamedWithTheValueOfItsRound(t *testing.T) {
	l, w := verifytest.NewLog("log.example/pool"), verifytest.NewWitness("w1.example")
	at := time.Unix(1_692_803_367+999*3-6, 0) // two periods before round 1000
	p := must(verifytest.NewPool(t.Context(), verifytest.Setting{
		Program: mlp(), Data: blobs(t, 40, 7), Registered: at, Round: &round1000, Arrived: at,
		Job: func(j *job.Job) {
			j.Beacon, j.Log, j.Issued = beacon.Chain{Name: beacon.Quicknet}, l.Terms(1, w), at.Unix()-1
		},
	}))(t)
	if err := p.Claim(trace.Summary{Steps: p.Terms.Job.Steps}); err != nil {
		t.Fatal(err)
	}
	other, forged := round1000, round1000
	other.Round++
	forged.Value = "9" + forged.Value[1:] // the point mirrored
	for name, c := range map[string]struct {
		beacon *beacon.Beacon
		class  fault.Class
	}{
		"the round's":     {&round1000, ""},
		"none":            {nil, fault.BadTerms},
		"another round's": {&other, fault.WrongRound},
		"another value":   {&forged, fault.BadBeacon},
		"a fixed chain's": {&beacon.Beacon{Chain: beacon.Fixed, Round: 1}, fault.WrongRound},
	} {
		receipt, err := verify.Renew(p.Terms, verify.Renewal{
			Assignment: p.Documents.Assignment, Claim: p.Documents.Claim, Late: p.Documents.Receipt, Beacon: c.beacon, At: at.Add(time.Hour),
		}, p.Operator)
		if fault.Of(err) != c.class || (err == nil) != (c.class == "") {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			read := must(p.Terms.ReadReceipt(receipt))(t)
			if len(read.Renews) != 1 || *read.Renews[0].Beacon != round1000 {
				t.Errorf("%+v", read)
			}
		}
	}
}

// FuzzRenewal has an operator sign whatever receipts there are and renew them.
func FuzzRenewal(f *testing.F) {
	w := newLate(f, cheat{})
	honest := w.receipt()
	f.Add(honest.Arrived, int64(6), byte(1), int64(20), true)
	f.Add(honest.Arrived, int64(6), byte(9), int64(2000), true)
	f.Add(int64(-1<<63), int64(1<<62), byte(2), int64(-1), false)
	f.Fuzz(func(t *testing.T, first, step int64, n byte, after int64, consistent bool) {
		r := honest
		r.Arrived = first
		for range n % 12 {
			late := verify.LateReceipt{Arrived: r.Arrived}
			if consistent {
				late.Receipt = must(document.Digest("receipt", r))(t)
			}
			r.Renews = append(slices.Clone(r.Renews), late)
			r.Arrived += step
		}
		renewed, err := verify.Renew(w.terms, verify.Renewal{
			Assignment: w.docs.Assignment, Claim: w.docs.Claim, Late: must(document.Sign("receipt", r, w.operator))(t), At: time.Unix(r.Arrived, 0).Add(time.Duration(after)),
		}, w.operator)
		if err != nil {
			if side := fault.Of(err).Blames(); side != fault.Operator {
				t.Errorf("%v blames %s", err, side)
			}
			return
		}
		read := must(w.terms.ReadReceipt(renewed))(t)
		segments := w.drawn(read)
		for i, late := range read.Renews {
			before := read
			before.Arrived, before.Renews = late.Arrived, read.Renews[:i]
			for _, segment := range w.drawn(before) {
				if !slices.Contains(segments, segment) {
					t.Errorf("segment %d of receipt %d is lost", segment, i)
				}
			}
		}
		if n%12 > 0 && !consistent || len(read.Renews) > verify.MaxRenewals {
			t.Errorf("%+v", read)
		}
	})
}
