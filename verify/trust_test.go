package verify_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/trace"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// changes are documents that differ from one in a field, by the field's name.
func changes[T any](t *testing.T, doc T) map[string]T {
	t.Helper()
	all := map[string]T{}
	var change func(path string, of func(*T) reflect.Value)
	change = func(path string, of func(*T) reflect.Value) {
		take := func(name string, alter func(v reflect.Value)) {
			other := doc
			alter(of(&other))
			if _, err := document.Encode(other); err == nil { // some values have no text
				all[name] = other
			}
		}
		switch v := of(&doc); {
		case v.Type() == reflect.TypeFor[merkle.Hash]():
			take(path, func(v reflect.Value) { v.Index(0).SetUint(v.Index(0).Uint() ^ 1) })
		case v.Type() == reflect.TypeFor[document.Key](): // signs the others
		case v.Kind() == reflect.Struct:
			for i := range v.NumField() {
				change(path+" "+v.Type().Field(i).Name, func(d *T) reflect.Value { return of(d).Field(i) })
			}
		case v.CanInt():
			take(path+" less", func(v reflect.Value) { v.SetInt(v.Int() - 1) })
			take(path+" more", func(v reflect.Value) { v.SetInt(v.Int() + 1) })
		case v.CanUint():
			take(path+" less", func(v reflect.Value) { v.SetUint(v.Uint() - 1) })
			take(path+" more", func(v reflect.Value) { v.SetUint(v.Uint() + 1) })
		case v.Kind() == reflect.String:
			take(path, func(v reflect.Value) { v.SetString(v.String() + "x") })
		}
	}
	change("", func(d *T) reflect.Value { return reflect.ValueOf(d).Elem() })
	if len(all) < 6 {
		t.Fatalf("%T: %d changes", doc, len(all))
	}
	return all
}

func digest(t *testing.T, kind document.Kind, doc any) merkle.Hash {
	t.Helper()
	return must(document.Digest(kind, doc))(t)
}

// small is a job of two segments that are both replayed.
func small(j *job.Job) { j.Steps, j.Stride, j.Sampled = 4, 2, job.Exactly(2) }

func TestAClaimIsNotChangedAfterItsReceipt(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 12, 7), small)
	dir, _ := r.train(newCPU(t, kernels.Auto, 1))
	good := r.bundle(dir)
	claim := must(document.Peek[trace.Claim]("", r.docs.Claim, trace.ClaimKind))(t)
	for name, other := range changes(t, claim) {
		b := copyBundle(t, good)
		r.sign(filepath.Join(b, verify.ClaimFile), trace.ClaimKind, other)
		v, err := verify.Judge(t.Context(), b, keyOf(t, r.operator), r.options(kernels.Auto, 1))
		if v != nil || fault.Of(err).Blames() != fault.Bundle {
			t.Errorf("another%s: %+v, %v", name, v, err)
		}
	}
}

// TestAnothersWorkIsNobodyElsesClaim plays a worker who has another's whole trace, and the same job, slot and seed.
func TestAnothersWorkIsNobodyElsesClaim(t *testing.T) {
	data := blobs(t, 12, 7)
	mine := newRigWith(t, newKey(t, 1), newKey(t, 2), mlp(), data, small)
	dir, _ := mine.train(newCPU(t, kernels.Auto, 1))
	thief := newRigWith(t, newKey(t, 1), newKey(t, 3), mlp(), data, small)
	if mine.terms.Digest != thief.terms.Digest {
		t.Fatal("two jobs")
	}
	if v := handIn(t, mine.pool(), dir); v.Finding.Outcome != verify.Pass || v.Finding.Worker != keyOf(t, mine.worker).ID() {
		t.Fatalf("%+v", v.Finding)
	}
	if v := handIn(t, thief.pool(), dir); v.Finding.Outcome != verify.Fail || v.Finding.Worker != keyOf(t, thief.worker).ID() {
		t.Errorf("%+v", v.Finding)
	}
}

// TestNoWordOfTheOperatorsMakesAnHonestClaimFailForWhatWasComputed signs each of the operator's documents with each of
// its fields changed, and those that rest on it anew, behind the back of a worker who did the work.
func TestNoWordOfTheOperatorsMakesAnHonestClaimFailForWhatWasComputed(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 12, 7), small)
	dir, _ := r.train(newCPU(t, kernels.Auto, 1))
	good := r.bundle(dir)
	receipt := must(document.Peek[verify.Receipt]("", r.docs.Receipt, "receipt"))(t)
	opened := must(document.Peek[verify.Opened]("", read(t, good, verify.OpenedFile), "opened"))(t)
	// signed is a bundle with documents of the operator's in their places.
	signed := func(docs map[string]any) string {
		b := copyBundle(t, good)
		for name, doc := range docs {
			kind := document.Kind(strings.TrimSuffix(name, ".json"))
			write(t, filepath.Join(b, name), must(document.Sign(kind, doc, r.operator))(t))
		}
		return b
	}
	under := func(receipt verify.Receipt) (verify.Receipt, verify.Opened) {
		o := opened
		o.Receipt = digest(t, "receipt", receipt)
		return receipt, o
	}
	bundles := map[string]string{"nothing": good}
	for name, j := range changes(t, *r.terms.Job) {
		bundles["job"+name] = signed(map[string]any{verify.JobFile: j})
	}
	for name, a := range changes(t, r.assignment()) {
		other := receipt
		other.Assignment = digest(t, job.AssignmentKind, a)
		other, o := under(other)
		bundles["assignment"+name] = signed(map[string]any{verify.AssignmentFile: a})
		bundles["assignment and receipts"+name] = signed(map[string]any{verify.AssignmentFile: a, verify.ReceiptFile: other, verify.OpenedFile: o})
	}
	for name, other := range changes(t, receipt) {
		other, o := under(other)
		bundles["receipt"+name] = signed(map[string]any{verify.ReceiptFile: other})
		bundles["receipts"+name] = signed(map[string]any{verify.ReceiptFile: other, verify.OpenedFile: o})
	}
	for name, o := range changes(t, opened) {
		bundles["opened"+name] = signed(map[string]any{verify.OpenedFile: o})
	}
	for _, late := range []int64{-1 << 40, -100, 0, 1, 3606, 3607, 1 << 40} {
		o := opened
		o.Arrived = receipt.Arrived + late
		bundles[fmt.Sprintf("opened after %d s", late)] = signed(map[string]any{verify.OpenedFile: o})
	}
	bundles["silence"] = copyBundle(t, good)
	if err := os.Remove(filepath.Join(bundles["silence"], verify.OpenedFile)); err != nil {
		t.Fatal(err)
	}
	met := map[string]int{}
	for name, b := range bundles {
		for _, now := range []time.Time{{}, arrived, arrived.Add(10 * 365 * 24 * time.Hour)} {
			o := r.options(kernels.Auto, 1)
			o.Now = now
			v, err := verify.Judge(t.Context(), b, keyOf(t, r.operator), o)
			switch {
			case err != nil:
				met["error"]++
			case v.Finding.Outcome == verify.Pass, v.Finding.Reason == verify.Late, v.Finding.Reason == verify.Unopened:
				met[string(v.Finding.Reason)]++
			default:
				t.Errorf("%s, judged at %v: %s for %s", name, now, v.Finding.Outcome, v.Finding.Reason)
			}
		}
	}
	if len(bundles) < 60 || len(met) != 4 {
		t.Errorf("%d bundles, %v", len(bundles), met)
	}
	// The worker answers no receipt for work that was assigned otherwise, or for what it did not claim.
	traced := must(trace.Read(dir, r.terms.Trace()))(t)
	defer traced.Close()
	for name, change := range map[string]func(*verify.Receipt){
		"another assignment": func(r *verify.Receipt) { r.Assignment[0] ^= 1 },
		"another claim":      func(r *verify.Receipt) { r.Claim[0] ^= 1 },
		"another root":       func(r *verify.Receipt) { r.Root[0] ^= 1 },
	} {
		other, docs := receipt, r.docs
		change(&other)
		docs.Receipt = must(document.Sign("receipt", other, r.operator))(t)
		err := verify.Answer(t.Context(), verify.Response{
			Terms: r.terms, Documents: docs, Trace: traced, Data: r.data, Signer: r.worker,
		}, filepath.Join(t.TempDir(), "bundle"))
		if err == nil {
			t.Errorf("a receipt for %s is answered", name)
		}
	}
}

func TestNoBeaconLetsWorkPassThatIsForgedThroughoutOrHonestWorkFail(t *testing.T) {
	data := blobs(t, 12, 7)
	forgery := verifytest.SkipUpdate(func(uint64) bool { return true })
	for value := range byte(12) {
		p := must(verifytest.NewPool(t.Context(), verifytest.Setting{
			Program: mlp(), Data: data, Secret: merkle.Hash{1 + value}, Job: func(j *job.Job) { j.Steps, j.Stride, j.Sampled = 8, 1, job.Exactly(1) },
		}))(t)
		honest, forged := filepath.Join(t.TempDir(), "trace"), filepath.Join(t.TempDir(), "forged")
		must(p.Train(t.Context(), newDevice(t, "worker's", kernels.Auto, 1), honest))(t)
		must(p.Forge(t.Context(), newCPU(t, kernels.Auto, 1), forgery, forged))(t)
		if v := handIn(t, p, honest); v.Finding.Outcome != verify.Pass {
			t.Errorf("beacon %d, honest work: %+v", value, v.Finding)
		}
		if v := handIn(t, p, forged); v.Finding.Outcome != verify.Fail {
			t.Errorf("beacon %d, forged work: %+v", value, v.Finding)
		}
	}
}

func TestAnotherScheduleThanTheJobsFails(t *testing.T) {
	for _, shortcut := range verifytest.Shortcuts() {
		if shortcut.Name != "learning rate scaled" {
			continue
		}
		r := newRig(t, mlp(), blobs(t, 40, 7), all)
		forged := filepath.Join(t.TempDir(), "forged")
		must(r.pool().Forge(t.Context(), newCPU(t, kernels.Auto, 1), verifytest.Cheat{Work: shortcut.Work}, forged))(t)
		if f := r.judge(r.bundle(forged), r.options(kernels.Auto, 1)).Finding; f.Outcome != verify.Fail || f.Reason != verify.WrongUpdate {
			t.Errorf("%+v", f)
		}
		return
	}
	t.Error("no shortcut scales the learning rate")
}

// TestAFalseVerdictIsFoundByWhoeverReplays plays a verifier with all tensors that a replay leaves, who signs the outcome
// that it likes.
func TestAFalseVerdictIsFoundByWhoeverReplays(t *testing.T) {
	r, honest, forged := honestAndForged(t)
	liar := newKey(t, 5)
	for name, c := range map[string]*verify.Case{"PASS": forged, "FAIL": honest} {
		var results []verify.Result
		for i, segment := range need(t, c) {
			result := must(c.Replay(t.Context(), segment, newDevice(t, "liar's", kernels.Auto, 1), keyOf(t, liar).ID()))(t)
			_, result.Steps = c.Terms.Job.Segment(segment)
			if result.Mismatch = nil; result.Measure == nil {
				result.Measure = &verify.Measure{}
			}
			if name == "FAIL" && i == 0 {
				result.Steps, result.Measure = 0, nil
				result.Mismatch = &verify.Mismatch{Reason: verify.WrongSample, Difference: verify.Difference{Segment: segment}} // leaves no imprint
				result.Imprint = merkle.Hash{}
				second := result
				second.Path = "another"
				results = append(results, second)
			}
			results = append(results, result)
		}
		v := must(c.Conclude(results))(t)
		if string(v.Finding.Outcome) != name {
			t.Fatalf("%+v", v.Finding)
		}
		signed := must(v.Sign(liar))(t)
		read := must(verify.ReadVerdict("verdict.json", signed, keyOf(t, liar)))(t)
		if err := c.CheckImprint(t.Context(), read, keyOf(t, liar), r.options(kernels.Auto, 1)); verify.ClassOf(err) != fault.WrongImprint {
			t.Errorf("a false %s: %v", name, err)
		}
	}
}

// started counts the engines that a device starts: each has memory of its own.
type started struct {
	engine.Device
	times int
}

func (d *started) Start(ctx context.Context, spec *engine.Spec) (engine.Engine, error) {
	d.times++
	return d.Device.Start(ctx, spec)
}

func TestAFailTakesASecondEngineOnAnotherCodePath(t *testing.T) {
	r, honest, forged := honestAndForged(t)
	for name, c := range map[string]*verify.Case{"PASS": honest, "FAIL": forged} {
		o := r.options(kernels.Auto, 1)
		first, same, second := &started{Device: o.Devices[0]}, &started{Device: o.Devices[0]}, &started{Device: o.Devices[1]}
		o.Devices = []engine.Device{first, same, second}
		v := judged(t, c, o)
		confirmed := map[string]int{"PASS": 0, "FAIL": 1}[name]
		if string(v.Finding.Outcome) != name || first.times != 1 || same.times != 0 || second.times != confirmed {
			t.Errorf("%s: %d, %d and %d engines", v.Finding.Outcome, first.times, same.times, second.times)
		}
		o.Devices = []engine.Device{first, same}
		if v, err := c.Judge(t.Context(), o); (err == nil) != (name == "PASS") {
			t.Errorf("on one code path: %+v, %v", v, err)
		}
	}
}
