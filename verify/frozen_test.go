package verify_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/state"
	"github.com/verifyd/verifyd/verify/verifytest"
)

func newAdapted(t testing.TB) *rig {
	return newRig(t, verifytest.Adapted(), must(verifytest.Text(20))(t), all)
}

func TestAClaimWithFrozenTensorsPasses(t *testing.T) {
	r := newAdapted(t)
	dir, _ := r.train(newCPU(t, kernels.Auto, 1))
	if v := r.judge(r.bundle(dir), r.options(kernels.Auto, 1)); v.Finding.Outcome != verify.Pass {
		t.Errorf("%+v", v.Finding)
	}
}

// Whoever pays for a model on this base is cheated by whoever trains on another. The tools of a worker write slices of states on
// the job's base, which do not open to its leaves; what a replay finds, the next test says.
func TestAWorkerThatChangesAFrozenTensorFails(t *testing.T) {
	for reason, c := range map[verify.Reason]cheat{
		verify.WrongInit: {init: func(m *program.Machine) { flip(m.Frozen()[0], 0) }},
		verify.Malformed: {state: after(13, func(m *program.Machine) { flip(m.Frozen()[3], 1) })},
	} {
		r := newAdapted(t)
		if f := r.judge(r.bundle(r.forge(c)), r.options(kernels.Auto, 1)).Finding; f.Outcome != verify.Fail || f.Reason != reason {
			t.Errorf("%s for %s, FAIL for %s wanted", f.Outcome, f.Reason, reason)
		}
	}
}

// The lie is in segment 4; each later one shows it, too, as its opening has no other base than the job's.
func TestEverySegmentOnAnotherBaseFails(t *testing.T) {
	r := newAdapted(t)
	bundle := r.bundle(r.forge(cheat{state: after(13, func(m *program.Machine) { flip(m.Frozen()[0], 0) })}))
	replayer := must(verify.NewReplayer(t.Context(), r.terms, r.assignment(), newDevice(t, "cpu", kernels.Auto, 1)))(t)
	for segment, path := range openings(t, bundle) {
		plain := must(verifytest.Unpack(path))(t)
		m, err := replayer.Replay(context.Background(), verify.Segment{
			Index: uint64(segment), Leaves: r.leaves(bundle, uint64(segment)), Opened: bytes.NewReader(plain), File: "segment"})
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case segment < 4 && m != nil, segment == 4 && (m == nil || m.Reason != verify.WrongUpdate || m.Tensor != state.FrozenName), segment > 4 && (m == nil || m.Reason != verify.WrongState):
			t.Errorf("segment %d: %+v", segment, m)
		}
	}
}

func TestFrozenTensorsAreNeitherStoredNorOpened(t *testing.T) {
	r := newAdapted(t)
	dir, _ := r.train(newCPU(t, kernels.Auto, 1))
	bundle := r.bundle(dir)
	files := map[string][]byte{}
	for _, path := range append(must(filepath.Glob(filepath.Join(dir, "states", "*")))(t), filepath.Join(dir, "final.safetensors")) {
		files[path] = must(os.ReadFile(path))(t)
	}
	for _, path := range openings(t, bundle) {
		files[path] = must(verifytest.Unpack(path))(t)
	}
	if len(files) < 10 {
		t.Fatalf("%d files", len(files))
	}
	for path, data := range files {
		if strings.Contains(string(data), "tok.weight") {
			t.Errorf("%s holds a frozen tensor", path)
		}
	}
}

// based is an adapter on a base that is no draw of the program's.
func based(t testing.TB, number int, change func(*job.Job)) (*rig, *verify.Base) {
	t.Helper()
	p := verifytest.Adapted()
	spec := must(engine.NewSpec(p, kernels.ProfileF32, 0))(t)
	var tensors [][]float32
	for i, s := range spec.Plan.Base() {
		x := s.Buf().F
		for k := range x {
			x[k] = float32((k*7+i*3)%11-number) / 40
		}
		tensors = append(tensors, x)
	}
	base := must(verify.NewBase(spec.Plan, tensors, 1))(t)
	return newRigOf(t, verifytest.Setting{
		Operator: newKey(t, 1), Worker: newKey(t, 2), Program: p, Data: must(verifytest.Text(20))(t), Slot: 1, Job: change, Base: base,
	}), base
}

func TestAClaimOnABaseIsMadeAndJudgedFromItsFile(t *testing.T) {
	r, _ := based(t, 5, all)
	dir, _ := r.train(newCPU(t, kernels.Auto, 1))
	bundle := r.bundle(dir)
	if v := r.judge(bundle, r.options(kernels.Auto, 1)); v.Finding.Outcome != verify.Pass {
		t.Errorf("%+v", v.Finding)
	}
	forged := r.bundle(r.forge(cheat{state: after(13, func(m *program.Machine) { flip(m.Frozen()[3], 1) })}))
	if f := r.judge(forged, r.options(kernels.Auto, 1)).Finding; f.Outcome != verify.Fail {
		t.Errorf("%+v", f)
	}
}

// A base that was swapped on its way is an error and nobody's FAIL.
func TestAnotherBaseThanTheJobsIsRefused(t *testing.T) {
	r, base := based(t, 5, all)
	dir, _ := r.train(newCPU(t, kernels.Auto, 1))
	bundle := r.bundle(dir)
	path := filepath.Join(bundle, verify.BaseFile)
	whole := read(t, bundle, verify.BaseFile)
	var again bytes.Buffer
	if err := base.Write(&again); err != nil || !bytes.Equal(again.Bytes(), whole) {
		t.Error("the bundle has another file than the job's base")
	}
	altered := bytes.Clone(whole)
	altered[len(altered)-4] ^= 1
	infinite := bytes.Clone(whole)
	copy(infinite[len(infinite)-4:], []byte{0, 0, 0x80, 0x7f})
	for name, c := range map[string]struct {
		data  []byte
		class fault.Class
	}{
		"altered": {altered, fault.WrongDigest}, "too short": {whole[:len(whole)-1], fault.BadLength}, "too long": {append(bytes.Clone(whole), 0), fault.BadLength},
		"no safetensors": {[]byte("base"), fault.BadLength}, "infinite": {infinite, fault.NotFinite}, "missing": {nil, fault.Missing},
		"absurd": {append(bytes.Clone(whole), make([]byte, 1<<22)...), fault.TooLarge},
	} {
		if c.data == nil {
			must(0, os.Remove(path))(t)
		} else {
			write(t, path, c.data)
		}
		_, err := verify.Judge(context.Background(), bundle, keyOf(t, r.operator), r.options(kernels.Auto, 1))
		if fault.Of(err) != c.class || !strings.Contains(err.Error(), verify.BaseFile) {
			t.Errorf("%s: %v of class %v, %v wanted", name, err, fault.Of(err), c.class)
		}
	}
}

func TestNothingIsTrainedOrOpenedWithoutTheBaseOfTheJob(t *testing.T) {
	r, base := based(t, 5, all)
	dir, _ := r.train(newCPU(t, kernels.Auto, 1))
	bundle := r.bundle(dir)
	operator := keyOf(t, r.operator)
	bare := must(verify.Accept(r.docs.Job, r.docs.Program, r.docs.Curve, operator))(t)
	_, err := verify.NewReplayer(t.Context(), bare, r.assignment(), newDevice(t, "cpu", kernels.Auto, 1))
	if !bare.NeedsBase() || fault.Of(err) != fault.Missing {
		t.Errorf("%v", err)
	}
	plain := newAdapted(t)
	if err := plain.terms.TakeBase(base); fault.Of(err) != fault.WrongType {
		t.Errorf("%v", err)
	}
	if len(read(t, bundle, verify.BaseFile)) == 0 {
		t.Error("the bundle has no base")
	}
}

func FuzzReadBase(f *testing.F) {
	r, base := based(f, 5, all)
	var whole bytes.Buffer
	must(0, base.Write(&whole))(f)
	f.Add(whole.Bytes())
	f.Add(whole.Bytes()[:whole.Len()/2])
	f.Add(append(bytes.Clone(whole.Bytes()), 0))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := verify.ReadBase(bytes.NewReader(data), "base", r.terms.Plan, 1)
		if err != nil && !strings.HasPrefix(err.Error(), "base: ") {
			t.Fatalf("the error does not name the file: %v", err)
		}
		if err == nil && b.Root != base.Root && r.terms.TakeBase(b) == nil {
			t.Fatal("another base was taken")
		}
	})
}

// A whole model that begins with somebody's numbers needs them in no bundle: its states are in the openings.
func TestABaseOfWhichNothingIsFrozenIsInNoBundle(t *testing.T) {
	spec := must(engine.NewSpec(mlp(), kernels.ProfileF32, 0))(t)
	var tensors [][]float32
	for _, s := range spec.Plan.Base() {
		tensors = append(tensors, s.Buf().F)
	}
	tensors[0][0], tensors[2][0], tensors[4][0] = 0.5, 0.25, 1
	base := must(verify.NewBase(spec.Plan, tensors, 1))(t)
	r := newRigOf(t, verifytest.Setting{Operator: newKey(t, 1), Worker: newKey(t, 2), Program: mlp(), Data: blobs(t, 40, 7), Slot: 1, Job: all, Base: base})
	dir, _ := r.train(newCPU(t, kernels.Auto, 1))
	bundle := r.bundle(dir)
	if _, err := os.Stat(filepath.Join(bundle, verify.BaseFile)); err == nil {
		t.Error("the bundle has the base")
	}
	if f := r.judge(bundle, r.options(kernels.Auto, 1)).Finding; f.Outcome != verify.Pass {
		t.Errorf("%+v", f)
	}
	forged := r.bundle(r.forge(cheat{init: func(m *program.Machine) { flip(m.Tensors()[0], 1) }}))
	if f := r.judge(forged, r.options(kernels.Auto, 1)).Finding; f.Outcome != verify.Fail || f.Reason != verify.WrongInit {
		t.Errorf("%+v", f)
	}
}
