package demo

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/kernelstest"
	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/engine"
)

func TestMain(m *testing.M) { os.Exit(kernelstest.Main(m)) }

// life is the honest claim of the perceptron, from the job to the proof, and its jump.
func life(t *testing.T, devices ...engine.Device) (Model, proofs.Contribution, *Jump) {
	t.Helper()
	who, err := fixedPeople("")
	if err != nil {
		t.Fatal(err)
	}
	o := Options{
		Dir: t.TempDir(), Devices: devices, Runner: newCPU(t, kernels.Auto), operator: devices[1],
		Progress: func(string) func(done, total uint64) { return func(uint64, uint64) {} },
		Failed:   func(_ string, d engine.Device, err error) { t.Errorf("%s: %v", d.Name(), err) },
		now:      func() time.Time { return time.Unix(1_790_000_000, 0) },
	}
	perceptron := models()[0]
	s, err := newSetting(t.Context(), o, who, perceptron, filepath.Join(o.Dir, perceptron.name))
	if err != nil {
		t.Fatal(err)
	}
	var earned proofs.Uint128
	m, err := s.honest(t.Context(), perceptron, &earned)
	if err != nil {
		t.Fatal(err)
	}
	j, err := s.jump(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	j.Bundle = ""
	return m, readProof(t, m, who.verifier.Public()), j
}

func TestProofAndJumpAreTheSameOnEveryDeviceButForItsName(t *testing.T) {
	cpu, other := engine.NewCPU("cpu", newCPU(t, kernels.Auto), 1), engine.NewCPU("other", newCPU(t, kernels.Generic), 1)
	want, stated, jump := life(t, cpu, other)
	shim := kernelstest.Shim(t, kernelstest.Ascending)
	got, alsoStated, alsoJump := life(t, engine.NewDevice("cuda:0 on paper", "cuda", shim.Memory), other)
	if got.Verdict.Finding.Outcome != verify.Pass || got.Verdict.Build.Device != "cuda:0 on paper" || want.Verdict.Build.Device != "cpu" {
		t.Errorf("%s on %s, %s on %s", got.Verdict.Finding.Outcome, got.Verdict.Build.Device, want.Verdict.Finding.Outcome, want.Verdict.Build.Device)
	}
	if got.Verdict.Evidence != want.Verdict.Evidence || got.Loss != want.Loss || got.Accuracy != want.Accuracy {
		t.Errorf("evidence %v, loss %v, accuracy %v; on the CPU %v, %v, %v", got.Verdict.Evidence, got.Loss, got.Accuracy,
			want.Verdict.Evidence, want.Loss, want.Accuracy)
	}
	if !reflect.DeepEqual(jump, alsoJump) || jump.Found.Outcome != verify.Fail || len(jump.Paths) != 1 {
		t.Errorf("the jump was found as %+v, on the CPU as %+v", alsoJump, jump)
	}
	if alsoStated.EngineHash == stated.EngineHash {
		t.Error("the proof does not say on what device it rests")
	}
	if alsoStated.EngineHash = stated.EngineHash; alsoStated != stated {
		t.Errorf("the proof states %+v, on the CPU %+v", alsoStated, stated)
	}
}
