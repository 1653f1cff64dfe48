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

// Whoever pays for the base's quality is cheated by whoever trains on another base.
func TestAWorkerThatChangesAFrozenTensorFails(t *testing.T) {
	for name, c := range map[string]struct {
		cheat  cheat
		step   uint64
		reason verify.Reason
	}{
		"before the first step": {cheat{init: func(m *program.Machine) { flip(m.Frozen()[0], 0) }}, 0, verify.WrongInit},
		"after a step":          {cheat{state: after(13, func(m *program.Machine) { flip(m.Frozen()[3], 1) })}, 13, verify.WrongUpdate},
	} {
		r := newAdapted(t)
		f := r.judge(r.bundle(r.forge(c.cheat)), r.options(kernels.Auto, 1)).Finding
		if f.Outcome != verify.Fail || f.Reason != c.reason || f.First == nil || f.First.Step != c.step {
			t.Errorf("%s: %+v", name, f)
		}
		if c.reason == verify.WrongUpdate && f.First != nil && f.First.Tensor != state.FrozenName {
			t.Errorf("%s: tensor %q", name, f.First.Tensor)
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
		case segment < 4 && m != nil, segment == 4 && (m == nil || m.Reason != verify.WrongUpdate), segment > 4 && (m == nil || m.Reason != verify.WrongState):
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
