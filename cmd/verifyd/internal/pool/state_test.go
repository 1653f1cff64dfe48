package pool

import (
	"math"
	"testing"
	"time"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/job"
)

func TestOnlyAPassEarnsUnitsAndEveryOutcomeHasAValidProof(t *testing.T) {
	credit := Credit{Epoch: 2, Units: proofs.Uint(40), Cumulative: proofs.Uint(math.MaxUint64)}
	for _, c := range []struct {
		outcome verify.Outcome
		reason  verify.Reason
		want    string
		units   uint64
		failed  uint64
	}{
		{verify.Pass, verify.Honest, "accepted", 40, 0},
		{verify.Fail, verify.WrongGradient, "rejected/mismatch", 0, 1},
		{verify.Fail, verify.BrokenChain, "rejected/mismatch", 0, 0},
		{verify.Fail, verify.Unopened, "rejected/not-opened", 0, 0},
		{verify.Fail, verify.WrongState, "rejected/bad-opening", 0, 0},
		{verify.Inconclusive, verify.Disagreement, "inconclusive/mismatch", 0, 0},
	} {
		v := &verify.Verdict{Finding: verify.Finding{Outcome: c.outcome, Reason: c.reason, Profile: kernels.ProfileF32, Steps: 400, Replayed: 48}}
		p, err := State(v, &verify.Terms{Job: &job.Job{Audience: [32]byte{1}, Audit: job.Millionths}}, credit, time.Unix(1_795_000_000, 0))
		if err != nil {
			t.Fatal(err)
		}
		if p.Verdict.String() != c.want || p.Units != proofs.Uint(c.units) {
			t.Errorf("%s %s: %s with %s units, want %s with %d", c.outcome, c.reason, p.Verdict, p.Units, c.want, c.units)
		}
		if p.StepsFailed != c.failed || p.StepsReplayed != 48+c.failed {
			t.Errorf("%s %s: %d steps replayed, %d failed", c.outcome, c.reason, p.StepsReplayed, p.StepsFailed)
		}
		if want, _ := credit.Cumulative.Add(p.Units); p.CumulativeUnits != want {
			t.Errorf("%s: cumulative %s, want %s", c.outcome, p.CumulativeUnits, want)
		}
		if _, err := proofs.Encode(p); err != nil {
			t.Errorf("%s %s: %v", c.outcome, c.reason, err)
		}
	}
}

func TestAContributionNamesTheChainOfItsBeaconAndZeroIsAFixedOne(t *testing.T) {
	fixed, _ := beacon.NewFixed([32]byte{7})
	for _, chain := range []beacon.Chain{fixed, {Name: beacon.Quicknet}} {
		v := &verify.Verdict{Finding: verify.Finding{Outcome: verify.Pass, Profile: kernels.ProfileF32}}
		p, err := State(v, &verify.Terms{Job: &job.Job{Audience: [32]byte{1}, Audit: job.Millionths, Beacon: chain}}, Credit{}, time.Unix(1_795_000_000, 0))
		if err != nil {
			t.Fatal(err)
		}
		if (p.Beacon == proofs.Hash{}) != (chain.Name == beacon.Fixed) || p.Beacon != proofs.Hash(chain.Hash()) {
			t.Errorf("chain %s: the contribution says %s", chain.Name, p.Beacon)
		}
	}
}

func TestATotalThatOverflowsIsRefused(t *testing.T) {
	full := proofs.Uint128{Hi: math.MaxUint64, Lo: math.MaxUint64}
	v := &verify.Verdict{Finding: verify.Finding{Outcome: verify.Pass, Profile: kernels.ProfileF32}}
	if _, err := State(v, &verify.Terms{Job: &job.Job{Audit: job.Millionths}}, Credit{Units: proofs.Uint(1), Cumulative: full}, time.Time{}); err == nil {
		t.Error("accepted")
	}
}

func TestTermsOfAnotherJobStateNothing(t *testing.T) {
	v := &verify.Verdict{Finding: verify.Finding{Outcome: verify.Pass, Profile: kernels.ProfileF32, Job: [32]byte{1}}}
	terms := &verify.Terms{Job: &job.Job{Audience: [32]byte{1}, Audit: job.Millionths}, Digest: [32]byte{2}}
	if _, err := State(v, terms, Credit{}, time.Time{}); err == nil {
		t.Error("a job's verdict is stated under the terms of another")
	}
	terms.Digest = v.Finding.Job
	if _, err := State(v, terms, Credit{}, time.Time{}); err != nil {
		t.Error(err)
	}
}

func TestAnUnauditedClaimIsAPartOfWhichNothingWasReplayedAndEarnsNothingByItself(t *testing.T) {
	v := &verify.Verdict{Finding: verify.Finding{Outcome: verify.Unaudited, Reason: verify.Honest, Profile: kernels.ProfileF32, Steps: 400}}
	terms := &verify.Terms{Job: &job.Job{Audience: [32]byte{1}, Audit: 0}}
	p, err := State(v, terms, Credit{Units: proofs.Uint(40), Cumulative: proofs.Uint(2)}, time.Unix(1_795_000_000, 0))
	if err != nil || p.Verdict.String() != "partial/unaudited" || p.Units != proofs.Uint(0) || p.CumulativeUnits != proofs.Uint(2) ||
		p.StepsReplayed != 0 || p.StepsFailed != 0 || p.StepsClaimed != 400 {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := proofs.Encode(p); err != nil {
		t.Error(err)
	}
	// The beacon drew it, or did not draw one of which more is said.
	terms.Job.Audit = job.Millionths
	if _, err := State(v, terms, Credit{}, time.Time{}); err == nil {
		t.Error("a claim that was drawn is unaudited")
	}
	terms.Job.Audit = 0
	v.Finding.Outcome = verify.Pass
	if _, err := State(v, terms, Credit{}, time.Time{}); err == nil {
		t.Error("a claim that was not drawn has passed")
	}
}

func TestNoProofPaysAClaimThatItsJobHolds(t *testing.T) {
	v := &verify.Verdict{Finding: verify.Finding{Outcome: verify.Pass, Reason: verify.Honest, Profile: kernels.ProfileF32, Steps: 400, Replayed: 48}}
	terms := &verify.Terms{Job: &job.Job{Audience: [32]byte{1}, Audit: job.Millionths, Hold: 20}}
	if _, err := State(v, terms, Credit{Units: proofs.Uint(40)}, time.Time{}); err == nil {
		t.Error("paid at once")
	}
	if p, err := State(v, terms, Credit{}, time.Time{}); err != nil || p.Units != proofs.Uint(0) {
		t.Errorf("%+v, %v", p, err)
	}
}
