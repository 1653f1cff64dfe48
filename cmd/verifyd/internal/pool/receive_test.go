package pool_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/registry"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/translog"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/trace"
)

func TestAClaimWhoseReceiptCameTooLateIsReceivedAgain(t *testing.T) {
	w := newWatched(t) // whose delay is 0
	late := pool.Late{Receipt: w.receipt, Proof: newWitness(arrived).cosigned(t, w.log, w.index)}
	again := arrived.Add(time.Hour)
	w.desk.Clock = func() time.Time { return again }
	inTime := late
	inTime.Proof = newWitness(arrived.Add(-time.Second)).cosigned(t, w.log, w.index)
	if r, err := w.desk.Renew(t.Context(), w.claim, inTime); fault.Of(err) != fault.BadTerms || r != nil {
		t.Fatalf("a receipt that was seen in time: %+v, %v", r, err)
	}
	stranger := late
	stranger.Receipt = w.assignment
	if _, err := w.desk.Renew(t.Context(), w.claim, stranger); registry.ClassOf(err) != registry.NotReceived {
		t.Errorf("a receipt that was never given: %v", err)
	}
	opened := must(trace.Read(filepath.Join(w.dir, "trace"), w.desk.Terms.Trace()))(t)
	changed := opened.Summary()
	changed.Root[0] ^= 1
	opened.Close()
	if _, err := w.desk.Renew(t.Context(), must(verify.Claim(w.desk.Terms, changed, 0, w.worker))(t), late); registry.ClassOf(err) != registry.Given {
		t.Errorf("another root: %v", err)
	}
	var renewed *pool.Receipt
	var index int64
	err := w.log.Write(t.Context(), func(written *translog.Log) (err error) {
		w.desk.Log = written
		renewed = must(w.desk.Renew(t.Context(), w.claim, late))(t)
		if renewed.Index <= w.index || renewed.Renews != 1 || renewed.Arrived != again || renewed.Deadline != again.Add(time.Minute) {
			t.Errorf("%+v", renewed)
		}
		w.desk.Clock = func() time.Time { return again.Add(time.Hour) }
		for range 2 {
			if file := must(w.desk.Renew(t.Context(), w.claim, late))(t).File; !bytes.Equal(file, renewed.File) {
				t.Error("the late receipt is renewed twice")
			}
		}
		leaves := must(trace.Read(filepath.Join(w.dir, "trace"), w.desk.Terms.Trace()))(t)
		defer leaves.Close()
		if file := must(w.desk.Receive(t.Context(), w.claim, leaves.Leaves(), 2))(t).File; !bytes.Equal(file, renewed.File) {
			t.Error("the claim has another receipt than the newest")
		}
		old := must(verify.OpenFolder(w.bundle))(t)
		defer old.Close()
		if _, err := w.desk.Open(t.Context(), old); err != nil {
			t.Errorf("the opening that was received before: %v", err) // the same again
		}
		w.receipt = renewed.File
		if err := os.RemoveAll(w.bundle); err != nil {
			return err
		}
		w.answer(t)
		w.desk.Clock = func() time.Time { return again.Add(time.Minute) }
		index = w.rig.receive(t, w.desk, w.bundle)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.proves(t, verify.AssignmentFile, w.assigned, again.Add(-time.Second))
	w.proves(t, verify.ReceiptFile, renewed.Index, again.Add(-time.Second))
	w.proves(t, verify.OpenedFile, index, again.Add(time.Minute))
	if j := w.judged(t); j.Err != nil || j.Severity() != pool.Passed || j.Verdict.Finding.Word != verify.WitnessesWord {
		t.Errorf("%+v", j)
	}
}

func TestNoReceiptIsRenewedWhereNobodySaysThatItCameTooLate(t *testing.T) {
	r := newRig(t)
	l := r.log(t)
	for name, terms := range map[string]*job.Log{"no log": nil, "a log without witnesses": {Key: l.Signers[0].Key()}} {
		w := r.work(t, r.desk(t, r.offerOn(t, "urn:db:test", terms), nil))
		w.desk.Clock = func() time.Time { return arrived.Add(time.Hour) }
		if _, err := w.desk.Renew(t.Context(), w.claim, pool.Late{Receipt: w.receipt}); fault.Of(err) != fault.BadTerms {
			t.Errorf("%s: %v", name, err)
		}
	}
}
