package cli

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/demo"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/gate"
	"github.com/verifyd/verifyd/verify/odds"
	"github.com/verifyd/verifyd/verify/walk"
)

func TestTheReportSetsOddsPromisedBesideOddsSeen(t *testing.T) {
	at := &verify.Difference{Segment: 25, Step: 201, Tensor: "conv1.weight"}
	caught := verify.Finding{Outcome: verify.Fail, Reason: verify.WrongGradient, First: at}
	report := &demo.Report{
		Dir: "d", Forged: "cnn", Challenges: 1000, Seconds: 24.4,
		Models: []demo.Model{{Name: "cnn", Proof: "d/cnn/proof.json", Bundle: "d/cnn/bundle"}},
		Forgeries: []demo.Forgery{
			{Name: "steps skipped", Where: "throughout", Promised: 1, Seen: 1000, First: caught, Caught: caught, Challenge: 1, Bundle: "d/forged/all"},
			{
				Name: "steps skipped", Where: "segment 25", Promised: 0.1, Seen: 93, Caught: caught, Challenge: 16,
				First: verify.Finding{Outcome: verify.Pass, Sampled: 5, Segments: 50},
			},
		},
		Jump: jumped(),
	}
	stdout := emitted(t, "text", report)
	for _, want := range []string{
		"steps skipped  throughout  1             1.000  FAIL             challenge 1: step 201, gradient of conv1.weight\n",
		"steps skipped  segment 25  5/50 = 0.100  0.093  PASS, missed     challenge 16: step 201, gradient of conv1.weight\n",
		"a single forged segment was among those drawn in 93 of 1000 challenges\n",
		"signed proofs: d/cnn/proof.json\n",
		"one lie that stands for 81 % of the work of the cnn: step 76 claims to lead to all zeros, all behind it is honest\n",
		"by chance         segment 9 is drawn with probability 5/50 = 0.100; in 98 of 1000 challenges it was\n",
		"with the gate     0.885470, as far as was measured of verifyd-gate/1\n",
		"challenge 2       drew segments 20, 21, 49, and missed it\n",
		"moved most        segments 0, 1, 2, replayed besides\n",
		"outside the gate  segments 15, 20, 21, for work, zero: work 0.00 to 0.50 of the curve's\n",
		"path 1            from 21: 15 outside, 6 inside; it ends in segment 9\n",
		"FAIL              step 76, update of param/conv1.weight, 88 of 400 steps replayed\n",
		"verifyd verify d/forged/jump --operator d/keys/operator.pem.pub\n",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("missing %q in\n%s", want, stdout)
		}
	}
}

func TestTheReportHasTheJumpAsJSON(t *testing.T) {
	report := &demo.Report{Jump: jumped()}
	var read demo.Report
	if err := json.Unmarshal([]byte(emitted(t, "json", report)), &read); err != nil || !reflect.DeepEqual(read.Jump, report.Jump) {
		t.Errorf("as JSON the jump is %+v, %v", read.Jump, err)
	}
}

// jumped is a jump that a path from segment 21 led to.
func jumped() *demo.Jump {
	why := []gate.Reason{gate.TooLittleWork, gate.TooManyZeros}
	return &demo.Jump{
		State: "all zeros", Step: 76, Segment: 9, Spared: 0.8075, Promised: 0.1, Seen: 98, Challenge: 2, Bundle: "d/forged/jump",
		Found: verify.Finding{
			Outcome: verify.Fail, Reason: verify.WrongUpdate, First: &verify.Difference{Segment: 9, Step: 76, Tensor: "param/conv1.weight"},
			Profile: kernels.ProfileF32, Steps: 400, Segments: 50, Sampled: 5, Replayed: 88,
			Odds:       odds.Odds{Measured: odds.Measured{Gate: gate.Version, Power: "871/998", Caught: "0.885470"}},
			Challenged: []uint64{20, 21, 49}, Directed: []uint64{0, 1, 2}, Walked: []uint64{15, 6, 9},
		},
		Outside: []demo.Measured{{Segment: 15, Why: why, Curve: 10}, {Segment: 20, Why: why, Work: 5, Curve: 10}, {Segment: 21, Why: why, Curve: 10}},
		Paths: []walk.Path{{From: 21, Legs: []walk.Leg{
			{Lo: 0, Hi: 21, Pivot: 15, Outside: true}, {Lo: 0, Hi: 15, Pivot: 6},
		}}},
	}
}

// emitted is a report as text or JSON.
func emitted(t *testing.T, output string, r *demo.Report) string {
	t.Helper()
	var stdout bytes.Buffer
	if err := (&app{stdout: &stdout, output: output}).emitReport(r); err != nil {
		t.Fatal(err)
	}
	return stdout.String()
}
