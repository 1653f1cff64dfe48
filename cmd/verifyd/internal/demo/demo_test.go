package demo

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/gate"
)

// fixedPeople have keys that never change, so that the order of the data, the
// claims and the draws of every run of the tests are the same.
func fixedPeople(string) (p people, err error) {
	for i, key := range []*crypto.Signer{&p.operator, &p.worker, &p.verifier} {
		scalar := bytes.Repeat([]byte{byte(i + 1)}, 32)
		if *key, err = ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar); err != nil {
			return people{}, err
		}
	}
	return p, nil
}

func newCPU(t *testing.T, isa kernels.ISA) *kernels.CPU {
	t.Helper()
	cpu, err := kernels.NewCPU(kernels.Options{ISA: isa})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cpu.Close)
	return cpu
}

func TestTheDemonstrationKeepsItsPromises(t *testing.T) {
	who, err := fixedPeople("")
	if err != nil {
		t.Fatal(err)
	}
	cpu := newCPU(t, kernels.Auto)
	r, err := Run(t.Context(), Options{
		Dir: filepath.Join(t.TempDir(), "demo"),
		Devices: []engine.Device{
			engine.NewCPU("first", cpu, 1), engine.NewCPU("second", newCPU(t, kernels.Generic), 1),
		},
		Runner:   cpu,
		Progress: func(string) func(done, total uint64) { return func(uint64, uint64) {} },
		Trained:  func(Model) {},
		people:   fixedPeople,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Run("every honest claim passes and its proof is signed", func(t *testing.T) {
		for _, m := range r.Models {
			honest(t, m, who.verifier.Public())
		}
	})
	t.Run("every forgery throughout is caught by any challenge", func(t *testing.T) {
		for _, f := range r.Forgeries {
			if f.Segments > 1 && (f.First.Outcome != verify.Fail || f.Seen != challenges || f.Promised != 1) {
				t.Errorf("%s: %s, caught by %d of %d challenges, promised %v", f.Name, f.First.Outcome, f.Seen, challenges, f.Promised)
			}
		}
	})
	t.Run("every forged segment fails when it is replayed", func(t *testing.T) {
		for _, f := range r.Forgeries {
			c := f.Caught
			if c.Outcome != verify.Fail || c.First == nil || f.Segments == 1 && where(c.First.Segment) != f.Where {
				t.Errorf("%s, %s: %s at %+v", f.Name, f.Where, c.Outcome, c.First)
			}
		}
	})
	t.Run("a single forged segment is caught as often as the odds say", func(t *testing.T) {
		for _, f := range r.Forgeries {
			if f.Segments > 1 {
				continue
			}
			p := binomial(challenges, f.Seen, f.Promised)
			t.Logf("%-28s promised %.3f, seen %.3f, p = %.3f", f.Name, f.Promised, float64(f.Seen)/challenges, p)
			if p < 1e-4 {
				t.Errorf("%s: caught by %d of %d challenges, promised %v: probability %g", f.Name, f.Seen, challenges, f.Promised, p)
			}
		}
	})
	t.Run("a jump that chance misses is found where it is, by way of where training is cheap", func(t *testing.T) { found(t, r.Jump) })
	t.Run("each of six forgeries is tried twice", func(t *testing.T) {
		if len(r.Forgeries) != 12 {
			t.Errorf("%d", len(r.Forgeries))
		}
	})
}

func found(t *testing.T, j *Jump) {
	t.Helper()
	f := j.Found
	if f.Outcome != verify.Fail || f.First == nil || f.First.Step != j.Step || f.First.Segment != j.Segment || f.First.Tensor == "" {
		t.Errorf("%s for %s at %+v", f.Outcome, f.Reason, f.First)
	}
	if slices.Contains(f.Challenged, j.Segment) || len(j.Paths) != 1 || j.Besides != slices.Contains(f.Directed, j.Segment) || len(j.Outside) == 0 {
		t.Errorf("drawn %d, moved most %d, paths %+v", f.Challenged, f.Directed, j.Paths)
	}
	for _, m := range j.Outside {
		if m.Segment <= j.Segment || 4*m.Work >= 3*m.Curve || !slices.Contains(m.Why, gate.TooLittleWork) {
			t.Errorf("outside the gate: %+v", m)
		}
	}
	if p := binomial(challenges, j.Seen, j.Promised); p < 1e-4 {
		t.Errorf("drawn by %d of %d challenges, promised %v: probability %g", j.Seen, challenges, j.Promised, p)
	}
}

func honest(t *testing.T, m Model, verifier crypto.PublicKey) {
	t.Helper()
	if m.Verdict.Finding.Outcome != verify.Pass || m.Accuracy < 0.9 {
		t.Errorf("%s: %s, accuracy %.3f", m.Name, m.Verdict.Finding.Outcome, m.Accuracy)
	}
	c := readProof(t, m, verifier)
	if c.Verdict.Kind != proofs.Accepted || c.Units != proofs.Uint(steps) || c.StepsReplayed != m.Verdict.Finding.Replayed {
		t.Errorf("%s: the proof states %+v", m.Name, c)
	}
}

// readProof checks a proof and returns what it states.
func readProof(t *testing.T, m Model, verifier crypto.PublicKey) proofs.Contribution {
	t.Helper()
	data, err := os.ReadFile(m.Proof)
	if err != nil {
		t.Fatal(err)
	}
	envelope, err := proofs.ParseEnvelope(data)
	if err != nil {
		t.Fatal(err)
	}
	key, err := proofs.NewKey(verifier)
	if err != nil {
		t.Fatal(err)
	}
	c, err := proofs.Verify[proofs.Contribution](envelope, 1, key)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// binomial is the exact two-sided p-value of seen successes in n trials of
// probability p: that of all outcomes no likelier than the one seen.
func binomial(n, seen int, p float64) float64 {
	if p == 1 {
		if seen == n {
			return 1
		}
		return 0
	}
	logs := func(k int) float64 {
		all, _ := math.Lgamma(float64(n + 1))
		in, _ := math.Lgamma(float64(k + 1))
		out, _ := math.Lgamma(float64(n - k + 1))
		return all - in - out + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p)
	}
	sum := 0.0
	for k := range n + 1 {
		if l := logs(k); l <= logs(seen)+1e-9 {
			sum += math.Exp(l)
		}
	}
	return math.Min(sum, 1)
}

func TestTheBinomialTestTellsOddsApart(t *testing.T) {
	for _, c := range []struct {
		seen   int
		p      float64
		lo, hi float64
	}{
		{500, 0.5, 1, 1},
		{100, 0.1, 0.99, 1},
		{130, 0.1, 0.001, 0.01},
		{150, 0.1, 0, 1e-5},
		{999, 1, 0, 0},
		{1000, 1, 1, 1},
	} {
		if got := binomial(1000, c.seen, c.p); got < c.lo-1e-9 || got > c.hi {
			t.Errorf("%d of 1000 at %v: %v, want %v to %v", c.seen, c.p, got, c.lo, c.hi)
		}
	}
}
