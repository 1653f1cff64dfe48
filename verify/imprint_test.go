package verify_test

import (
	"reflect"
	"slices"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
)

// honestAndForged is a case that passes, and one that a replay fails at step 13.
func honestAndForged(t *testing.T) (r *rig, honest, forged *verify.Case) {
	t.Helper()
	r = newRig(t, mlp(), blobs(t, 40, 7), all)
	dir, _ := r.train(newCPU(t, kernels.Auto, 1))
	honest = r.openCase(r.bundle(dir))
	forged = r.openCase(r.bundle(r.forge(cheat{state: after(13, func(m *program.Machine) { flip(m.Tensors()[2], 4) })})))
	return r, honest, forged
}

// by is a verifier with the options of a rig.
func (r *rig) by(verifier merkle.Hash) verify.Options {
	o := r.options(kernels.Auto, 1)
	o.Verifier = verifier
	return o
}

func judged(t *testing.T, c *verify.Case, o verify.Options) *verify.Verdict {
	t.Helper()
	return must(c.Judge(t.Context(), o))(t)
}

// TestAVerdictWrittenFromTheDocumentsAloneHoldsNoFittingImprint plays a verifier who saves the work: it concludes on
// results that it has made up.
func TestAVerdictWrittenFromTheDocumentsAloneHoldsNoFittingImprint(t *testing.T) {
	r, c, _ := honestAndForged(t)
	lazy := newKey(t, 5)
	var invented []verify.Result
	for _, segment := range need(t, c) {
		_, count := c.Terms.Job.Segment(segment)
		invented = append(invented, verify.Result{
			Version: verify.ResultVersion, Case: c.ID(), Segment: segment, Steps: count, Device: "desk", Path: "paper", Measure: &verify.Measure{Digest: merkle.Hash{7}},
		})
	}
	v := must(c.Conclude(invented))(t)
	if v.Finding.Outcome != verify.Pass {
		t.Fatalf("%+v", v.Finding)
	}
	if _, err := v.Sign(lazy); verify.ClassOf(err) != fault.WrongImprint {
		t.Fatalf("signed without an imprint: %v", err)
	}
	for i := range invented {
		invented[i].Verifier, invented[i].Imprint = keyOf(t, lazy).ID(), merkle.Hash{1, byte(i)}
	}
	v = must(c.Conclude(invented))(t)
	signed := must(v.Sign(lazy))(t)
	read := must(verify.ReadVerdict("verdict.json", signed, keyOf(t, lazy)))(t)
	if err := c.CheckImprint(t.Context(), read, keyOf(t, lazy), r.options(kernels.Auto, 1)); verify.ClassOf(err) != fault.WrongImprint {
		t.Errorf("a verdict from the documents alone: %v", err)
	}
}

func TestAnImprintIsCheckedByASecondVerifierOnOtherDevices(t *testing.T) {
	r, honest, forged := honestAndForged(t)
	verifier := keyOf(t, newKey(t, 5))
	for name, c := range map[string]*verify.Case{"PASS": honest, "FAIL": forged} {
		v := judged(t, c, r.by(verifier.ID()))
		o := r.options(kernels.Generic, 3)
		o.Devices[1] = newDevice(t, "other", kernels.Auto, 2)
		if err := c.CheckImprint(t.Context(), v, verifier, o); err != nil || string(v.Finding.Outcome) != name {
			t.Errorf("%s: %v", name, err)
		}
		for i := range v.Imprints {
			bad := *v
			bad.Imprints = slices.Clone(v.Imprints)
			bad.Imprints[i].Hash[31] ^= 1
			if err := c.CheckImprint(t.Context(), &bad, verifier, o); verify.ClassOf(err) != fault.WrongImprint {
				t.Errorf("%s, imprint %d altered: %v", name, i, err)
			}
		}
		unchecked := *v
		unchecked.Imprints = nil
		if err := c.CheckImprint(t.Context(), &unchecked, verifier, o); verify.ClassOf(err) != fault.WrongImprint {
			t.Errorf("%s without imprints: %v", name, err)
		}
	}
	if err := forged.CheckImprint(t.Context(), judged(t, honest, r.by(verifier.ID())), verifier, r.options(kernels.Auto, 1)); verify.ClassOf(err) != fault.WrongCase {
		t.Errorf("on another case: %v", err)
	}
}

func TestAnImprintCopiedFromAnotherVerifierFitsNoOtherKey(t *testing.T) {
	r, c, failing := honestAndForged(t)
	busy, lazy := newKey(t, 5), newKey(t, 6)
	for _, c := range []*verify.Case{c, failing} {
		first := judged(t, c, r.by(keyOf(t, busy).ID()))
		copied := *first
		if _, err := copied.Sign(lazy); verify.ClassOf(err) != fault.WrongImprint {
			t.Errorf("copied whole: %v", err)
		}
		copied.Verifier = keyOf(t, lazy).ID()
		signed := must(copied.Sign(lazy))(t)
		read := must(verify.ReadVerdict("verdict.json", signed, keyOf(t, lazy)))(t)
		if err := c.CheckImprint(t.Context(), read, keyOf(t, lazy), r.options(kernels.Auto, 1)); verify.ClassOf(err) != fault.WrongImprint {
			t.Errorf("copied under another name: %v", err)
		}
		second := judged(t, c, r.by(keyOf(t, lazy).ID()))
		if second.Evidence != first.Evidence || !reflect.DeepEqual(second.Finding, first.Finding) {
			t.Error("the evidence depends on the verifier")
		}
		for i := range first.Imprints {
			if first.Imprints[i].Hash == second.Imprints[i].Hash {
				t.Errorf("segment %d: one imprint of two verifiers", first.Imprints[i].Segment)
			}
		}
	}
}

func TestAnImprintIsTheSameOnEveryCodePathAndNumberOfThreads(t *testing.T) {
	_, honest, forged := honestAndForged(t)
	verifier := merkle.Hash{9}
	var devices []engine.Device
	for _, isa := range kernels.Available() {
		for _, threads := range []int{1, 3} {
			devices = append(devices, newDevice(t, isa.String(), isa, threads))
		}
	}
	for _, c := range []*verify.Case{honest, forged} {
		seen := map[merkle.Hash]bool{}
		for _, segment := range c.Challenge.Segments {
			var want verify.Result
			for i, d := range devices {
				got := must(c.Replay(t.Context(), segment, d, verifier))(t)
				if i == 0 {
					want = got
				}
				if got.Imprint != want.Imprint || got.Imprint == (merkle.Hash{}) || got.Verifier != verifier {
					t.Errorf("segment %d on %s: %v, want %v", segment, d.Name(), got.Imprint, want.Imprint)
				}
			}
			if seen[want.Imprint] {
				t.Errorf("segment %d has the imprint of another", segment)
			}
			seen[want.Imprint] = true
		}
	}
}

func TestWithoutAVerifierThereIsNoImprintAndTheVerdictIsTheOneBefore(t *testing.T) {
	r, c, _ := honestAndForged(t)
	v, with := judged(t, c, r.options(kernels.Auto, 1)), judged(t, c, r.by(merkle.Hash{1}))
	if v.Verifier != (merkle.Hash{}) || v.Imprints != nil || v.Evidence != with.Evidence || len(with.Imprints) != len(c.Challenge.Segments) {
		t.Errorf("%+v", v)
	}
}

func TestResultsOfTwoVerifiersAreNotOneVerdict(t *testing.T) {
	r, c, _ := honestAndForged(t)
	o := r.by(merkle.Hash{1})
	other := must(c.Replay(t.Context(), c.Challenge.Segments[0], o.Devices[0], merkle.Hash{2}))(t)
	o.Results = []verify.Result{other}
	if _, err := c.Judge(t.Context(), o); verify.ClassOf(err) != fault.WrongImprint {
		t.Errorf("taken up with another's result: %v", err)
	}
	o.Results = nil
	mixed := []verify.Result{other}
	for _, segment := range c.Challenge.Segments[1:] {
		mixed = append(mixed, must(c.Replay(t.Context(), segment, o.Devices[0], o.Verifier))(t))
	}
	if _, err := c.Conclude(mixed); verify.ClassOf(err) != fault.WrongImprint {
		t.Errorf("concluded on the results of two: %v", err)
	}
	same := must(c.Replay(t.Context(), c.Challenge.Segments[0], o.Devices[0], o.Verifier))(t)
	apart := same
	apart.Path, apart.Imprint = "another", merkle.Hash{3}
	if _, _, err := c.Left([]verify.Result{same, apart}); verify.ClassOf(err) != fault.WrongImprint {
		t.Errorf("two devices that differ inside a step: %v", err)
	}
}

func TestAMismatchThatTheDocumentsShowLeavesNoImprint(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), all)
	dir, s := r.train(newCPU(t, kernels.Auto, 1))
	s.Final[0] ^= 1
	c := r.openCase(r.rebundle(dir, s))
	v := judged(t, c, r.by(keyOf(t, newKey(t, 5)).ID()))
	if v.Finding.Reason != verify.WrongFinal || v.Imprints != nil {
		t.Errorf("%+v", v)
	}
	if _, err := v.Sign(newKey(t, 5)); err != nil {
		t.Error(err)
	}
	if err := c.CheckImprint(t.Context(), v, keyOf(t, newKey(t, 5)), r.options(kernels.Auto, 1)); err != nil {
		t.Error(err)
	}
}
