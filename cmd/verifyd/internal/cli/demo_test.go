package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/demo"
	"github.com/verifyd/verifyd/verify"
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
	}
	var stdout bytes.Buffer
	a := &app{stdout: &stdout, output: "text"}
	if err := a.emitReport(report); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"steps skipped  throughout  1             1.000  FAIL             challenge 1: step 201, gradient of conv1.weight\n",
		"steps skipped  segment 25  5/50 = 0.100  0.093  PASS, missed     challenge 16: step 201, gradient of conv1.weight\n",
		"a single forged segment was among those drawn in 93 of 1000 challenges\n",
		"signed proofs: d/cnn/proof.json\n",
		"verifyd verify d/forged/all --operator d/keys/operator.pem.pub\n",
	} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("missing %q in\n%s", want, stdout.String())
		}
	}
}
