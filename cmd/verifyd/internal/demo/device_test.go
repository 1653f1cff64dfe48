package demo

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/kernelstest"
	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/engine"
)

func TestMain(m *testing.M) { os.Exit(kernelstest.Main(m)) }

// life is the honest claim of the perceptron, from the job to the proof.
func life(t *testing.T, devices ...engine.Device) (Model, proofs.Contribution) {
	t.Helper()
	who, err := fixedPeople("")
	if err != nil {
		t.Fatal(err)
	}
	o := Options{
		Dir: t.TempDir(), Devices: devices, Runner: newCPU(t, kernels.Auto),
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
	return m, readProof(t, m, who.verifier.Public())
}

func TestTheProofIsTheSameOnEveryDeviceButForItsName(t *testing.T) {
	cpu := engine.NewCPU("cpu", newCPU(t, kernels.Auto), 1)
	want, stated := life(t, cpu, cpu)
	shim := kernelstest.Shim(t, kernelstest.Ascending)
	got, alsoStated := life(t, engine.NewDevice("cuda:0 on paper", "cuda", shim.Memory), cpu)
	if got.Verdict.Finding.Outcome != verify.Pass || got.Verdict.Build.Device != "cuda:0 on paper" || want.Verdict.Build.Device != "cpu" {
		t.Errorf("%s on %s, %s on %s", got.Verdict.Finding.Outcome, got.Verdict.Build.Device, want.Verdict.Finding.Outcome, want.Verdict.Build.Device)
	}
	if got.Verdict.Evidence != want.Verdict.Evidence || got.Loss != want.Loss || got.Accuracy != want.Accuracy {
		t.Errorf("evidence %v, loss %v, accuracy %v; on the CPU %v, %v, %v", got.Verdict.Evidence, got.Loss, got.Accuracy,
			want.Verdict.Evidence, want.Loss, want.Accuracy)
	}
	if alsoStated.EngineHash == stated.EngineHash {
		t.Error("the proof does not say on what device it rests")
	}
	if alsoStated.EngineHash = stated.EngineHash; alsoStated != stated {
		t.Errorf("the proof states %+v, on the CPU %+v", alsoStated, stated)
	}
}
