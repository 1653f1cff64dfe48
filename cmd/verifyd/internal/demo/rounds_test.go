package demo

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"path/filepath"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/engine"
)

// TestFiveRoundsOfHonestWorkersLearnAndOthersEarnNothing runs the demonstration of rounds.
func TestFiveRoundsOfHonestWorkersLearnAndOthersEarnNothing(t *testing.T) {
	cpu := newCPU(t, kernels.Auto)
	r, err := RunRounds(t.Context(), Options{
		Dir:     filepath.Join(t.TempDir(), "rounds"),
		Devices: []engine.Device{engine.NewCPU("first", cpu, 1), engine.NewCPU("second", newCPU(t, kernels.Generic), 1)},
		Runner:  cpu, Progress: func(string) func(done, total uint64) { return func(uint64, uint64) {} },
		people: fixedPeople, roundKeys: func(worker int) (crypto.Signer, error) {
			return ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{byte(50 + worker)}, 32))
		},
	}, func(Rounded) {})
	if err != nil {
		t.Fatal(err)
	}
	last := 0.0
	for i, round := range r.Rounds {
		t.Logf("round %d: accuracy %.3f, values %v", i, round.Accuracy, round.Values)
		if round.Finals != honestOnes || len(round.Checked) != i+1 || round.Checked[i].Finals != honestOnes {
			t.Errorf("round %d: %d finals, checked %+v", i, round.Finals, round.Checked)
		}
		for n, c := range round.Claims {
			honest := n < honestOnes
			if honest != (c.Outcome == verify.Pass) || honest != (c.Units == roundSteps) || honest != (c.Refused == "") {
				t.Errorf("round %d: %+v", i, c)
			}
		}
		if round.Values["rider"] != 0 {
			t.Errorf("round %d: a zero update is worth %d", i, round.Values["rider"])
		}
		last = round.Accuracy
	}
	if len(r.Rounds) != roundCount || last < r.Rounds[0].Accuracy {
		t.Errorf("accuracy falls from %.3f to %.3f", r.Rounds[0].Accuracy, last)
	}
	t.Logf("one worker with all data: %.3f", r.Alone)
	if last < r.Alone-0.02 {
		t.Errorf("accuracy %.3f after %d rounds, one worker alone has %.3f", last, roundCount, r.Alone)
	}
}
