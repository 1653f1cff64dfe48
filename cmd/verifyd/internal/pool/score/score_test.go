package score

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/verifyd/verifyd/proofs"
	ledger "github.com/verifyd/verifyd/proofs/epoch"
	merkletree "github.com/verifyd/verifyd/proofs/merkle"
	"github.com/verifyd/verifyd/proofs/policy"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/verifytest"
)

func amount(v uint64) policy.Uint { return policy.Uint{Uint128: proofs.Uint(v)} }

func number(v int64) policy.Int { return policy.Int{Int128: proofs.Int(v)} }

func named(b byte) policy.Hash { return policy.Hash{Hash: proofs.Hash{b}} }

// rules pay work and value, a thousand an epoch.
func rules() *policy.Policy {
	return &policy.Policy{
		Version: policy.Version, Name: "test", Mode: policy.Pot, Budget: amount(1000), Dust: named(0xdd),
		Metrics: policy.Metrics{
			Work:        policy.Metric{Weight: amount(1), Hi: number(1 << 60)},
			Improvement: policy.Improvement{Of: policy.Loss},
			Value:       policy.Value{Weight: amount(1), Lo: number(-1 << 40), Hi: number(1 << 40)},
		},
		Reasons: []policy.OwnReason{{Code: 512, Name: "duplicate-data"}},
	}
}

// offer is a job under a policy.
func offer(t *testing.T, p *policy.Policy) *verify.Terms {
	t.Helper()
	return offerWith(t, p, func(*job.Job) {})
}

func offerWith(t *testing.T, p *policy.Policy, change func(*job.Job)) *verify.Terms {
	t.Helper()
	prog := program.Program{
		Version: program.Version, BatchSize: 4, Accumulation: 1,
		Graph:     program.MLP(program.MLPConfig{Inputs: 6, Hidden: []int{8}, Classes: 3}),
		Loss:      program.CrossEntropy,
		Optimizer: program.Optimizer{Kind: program.SGD},
		Schedule:  program.Schedule{Kind: program.Constant, Rate: 0.05},
	}
	hash, err := p.Hash()
	if err != nil {
		t.Fatal(err)
	}
	data, err := verifytest.Blobs(30, 6)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := verifytest.NewPool(t.Context(), verifytest.Setting{Program: &prog, Data: data, Job: func(j *job.Job) {
		j.Policy, j.Steps, j.Stride, j.Sampled = merkle.Hash(hash), 10, 5, job.Exactly(1)
		change(j)
	}})
	if err != nil {
		t.Fatal(err)
	}
	return pool.Terms
}

// epoch has four workers on one job: 1 and 2 passed, 3 failed, 4 is unclear.
func epoch(t *testing.T, p *policy.Policy) *Epoch {
	t.Helper()
	terms := offer(t, p)
	e := &Epoch{Number: 5, Policy: p, Issued: time.Unix(1_795_000_000, 0)}
	for worker, f := range []verify.Finding{
		{Outcome: verify.Pass, Reason: verify.Honest}, {Outcome: verify.Pass, Reason: verify.Honest},
		{Outcome: verify.Fail, Reason: verify.WrongLoss}, {Outcome: verify.Inconclusive, Reason: verify.Disagreement},
	} {
		f.Job, f.Profile, f.Worker, f.Steps = terms.Digest, terms.Job.Profile, merkle.Hash{byte(worker + 1)}, 10
		e.Judged = append(e.Judged, Judged{File: fmt.Sprintf("%d.json", worker+1), Verdict: &verify.Verdict{Finding: f}, Terms: terms})
	}
	return e
}

// rows is a result as text: worker, verdict, units, total of the account.
func rows(t *testing.T, e *Epoch) (string, *Result) {
	t.Helper()
	r, err := e.Score()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, s := range r.Statements {
		if _, err := proofs.Encode(s.Contribution); err != nil {
			t.Errorf("worker %d: %v", s.Worker[0], err)
		}
		fmt.Fprintf(&b, "%d %s %s %s %s; ", s.Worker[0], s.Contribution.Verdict, s.Reason, s.Contribution.Units, s.Contribution.CumulativeUnits)
	}
	fmt.Fprintf(&b, "dust %s", r.Dust)
	return b.String(), r
}

func TestAnEpochIsScoredAndEveryClaimIsStated(t *testing.T) {
	const failed = "3 rejected/mismatch mismatch 0 0; 4 inconclusive/mismatch mismatch 0 0; "
	work := offer(t, rules()).Plan.FLOPs() * 10
	for name, c := range map[string]struct {
		change func(e *Epoch)
		want   string
	}{
		"work alone": {func(*Epoch) {}, "1 accepted  500 500; 2 accepted  500 500; " + failed + "dust 0"},
		"twice the value": {func(e *Epoch) {
			e.Values = &Values{Values: []Value{{Worker: named(2), Task: task(e), Value: number(int64(work))}}}
		}, "1 accepted  333 333; 2 accepted  666 666; " + failed + "dust 1"},
		"withheld": {func(e *Epoch) {
			e.Values = &Values{Values: []Value{{Worker: named(1), Task: task(e), Withheld: 512}}}
		}, "1 accepted/512 duplicate-data 0 0; 2 accepted  1000 1000; " + failed + "dust 0"},
		"value of a failure": {func(e *Epoch) {
			e.Values = &Values{Values: []Value{{Worker: named(3), Task: task(e), Value: number(1 << 40)}}}
		}, "1 accepted  500 500; 2 accepted  500 500; " + failed + "dust 0"},
		"earned before": {func(e *Epoch) {
			e.Earned = &Earned{Accounts: []Total{{named(2), amount(70)}, {named(9), amount(1)}}}
		}, "1 accepted  500 500; 2 accepted  500 570; " + failed + "dust 0"},
		"one account for two": {func(e *Epoch) {
			e.Roster = &Roster{Workers: []Listed{{named(0xaa), named(0xbb), named(1)}, {named(0xaa), named(0xbb), named(2)}}}
		}, "1 accepted  500 500; 2 accepted  500 1000; " + failed + "dust 0"},
	} {
		e := epoch(t, rules())
		c.change(e)
		got, _ := rows(t, e)
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		slices.Reverse(e.Judged)
		e.claims = nil
		if again, _ := rows(t, e); again != got {
			t.Errorf("%s: %s, in another order %s", name, got, again)
		}
	}
}

func task(e *Epoch) policy.Hash { return policy.Hash{Hash: proofs.Hash(e.Judged[0].Terms.Digest)} }

func TestACapForOwnersHoldsForAllTheirWorkers(t *testing.T) {
	p := rules()
	p.Caps.Owner = &policy.Uint{Uint128: proofs.Uint(301)}
	e := epoch(t, p)
	if _, err := e.Score(); err == nil || !strings.Contains(err.Error(), "needs a roster") {
		t.Errorf("without a roster: %v", err)
	}
	e = epoch(t, p)
	e.Roster = &Roster{Workers: []Listed{{Owner: named(0xbb), Worker: named(1)}, {Owner: named(0xbb), Worker: named(2)}}}
	want := "1 accepted/258 capped 150 150; 2 accepted/258 capped 150 150; 3 rejected/mismatch mismatch 0 0; 4 inconclusive/mismatch mismatch 0 0; dust 1"
	if got, _ := rows(t, e); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	e = epoch(t, p)
	e.Roster = &Roster{Workers: []Listed{{Owner: named(0xbb), Worker: named(1)}}}
	want = "1 accepted/258 capped 301 301; 2 accepted/256 unlisted 0 0; 3 rejected/mismatch mismatch 0 0; 4 inconclusive/mismatch mismatch 0 0; dust 0"
	if got, _ := rows(t, e); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestTheTotalsAfterAnEpochAreWhatTheProofsAndTheDustAddUpTo(t *testing.T) {
	e := epoch(t, rules())
	e.Values = &Values{Values: []Value{{Worker: named(2), Task: task(e), Value: number(12_345), StdErr: amount(3)}}}
	e.Earned = &Earned{Accounts: []Total{{named(2), amount(70)}, {named(0xdd), amount(5)}}}
	_, r := rows(t, e)
	if c := r.Statements[1].Contribution; c.Shapley != proofs.Int(12_345) || c.StdErr != proofs.Uint(3) {
		t.Errorf("the proof states the value %s and its error %s", c.Shapley, c.StdErr)
	}
	sum := uint64(0)
	for i, total := range r.Earned.Accounts {
		sum += total.Units.Lo
		if i > 0 && bytes.Compare(r.Earned.Accounts[i-1].Account.Hash[:], total.Account.Hash[:]) >= 0 {
			t.Error("the totals are not in the order of account")
		}
	}
	if sum != 75+1000 {
		t.Errorf("totals add up to %d, want 75 and the pot", sum)
	}
	file, err := document.Encode(r.Earned)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseEarned("earned.json", file); err != nil {
		t.Error(err)
	}
}

// TestALedgersTreeOfTwoEpochsHoldsTheSameTotals hands the contributions to the
// builder of epoch roots, which trusts no sum.
func TestALedgersTreeOfTwoEpochsHoldsTheSameTotals(t *testing.T) {
	var leaves []merkletree.Leaf
	var earned *Earned
	for number := range uint64(2) {
		e := epoch(t, rules())
		e.Number, e.Earned = number+1, earned
		e.Values = &Values{Values: []Value{{Worker: named(2), Task: task(e), Value: third(e)}}}
		e.Roster = &Roster{Workers: []Listed{{named(0xaa), named(0xbb), named(1)}, {named(0xaa), named(0xbb), named(3)}}}
		_, r := rows(t, e)
		var contributions []proofs.Contribution
		for _, s := range r.Statements {
			contributions = append(contributions, s.Contribution)
		}
		first := contributions[0]
		built, err := ledger.Build(leaves, ledger.Scope{
			Audience: first.Audience, PoolID: first.PoolID, PolicyHash: r.PolicyHash, Epoch: e.Number,
			Emission: r.Total, Dust: e.Policy.Dust.Hash,
		}, contributions)
		if err != nil {
			t.Fatal(err)
		}
		leaves, earned = built.Leaves, r.Earned
		totals := make(map[proofs.Hash]proofs.Uint128)
		for _, total := range earned.Accounts {
			if total.Units != (policy.Uint{}) {
				totals[total.Account.Hash] = total.Units.Uint128
			}
		}
		if len(leaves) != len(totals) {
			t.Errorf("epoch %d: %d leaves, %d totals", e.Number, len(leaves), len(totals))
		}
		for _, l := range leaves {
			if totals[l.Account] != l.CumulativeUnits {
				t.Errorf("epoch %d: account %s has %s in the tree, %s by the score", e.Number, l.Account, l.CumulativeUnits, totals[l.Account])
			}
		}
	}
}

// third is a value of a third of an epoch's work, which does not divide
// the pot evenly.
func third(e *Epoch) policy.Int {
	return number(int64(e.Judged[0].Terms.Plan.FLOPs()) * 10 / 3)
}

func TestWhatDoesNotBelongTogetherIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(e *Epoch)
		want   string
	}{
		"another policy":     {func(e *Epoch) { e.Policy.Budget = amount(2000) }, "1.json: job "},
		"another job":        {func(e *Epoch) { e.Judged[2].Verdict.Finding.Job[0]++ }, "3.json: on job "},
		"another pool":       {func(e *Epoch) { e.Judged[1].Terms = elsewhere(e) }, "2.json: job "},
		"a verdict twice":    {func(e *Epoch) { e.Judged = append(e.Judged, e.Judged[0]) }, "1.json: a second verdict"},
		"unknown validation": {func(e *Epoch) { e.Values = &Values{Validation: named(1)} }, "values: validation: "},
		"unknown claim": {func(e *Epoch) {
			e.Values = &Values{Values: []Value{{Worker: named(9), Task: task(e)}}}
		}, "values: worker 0x09"},
		"paid as dust": {func(e *Epoch) {
			e.Roster = &Roster{Workers: []Listed{{named(0xdd), named(0xbb), named(2)}}}
		}, "2.json: worker 02"},
		"overflow": {func(e *Epoch) {
			e.Earned = &Earned{Accounts: []Total{{named(1), policy.Uint{Uint128: proofs.Uint128{Hi: 1<<64 - 1, Lo: 1<<64 - 1}}}}}
		}, "account 0x01"},
	} {
		e := epoch(t, rules())
		c.change(e)
		if _, err := e.Score(); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: error %v does not begin with %q", name, err, c.want)
		}
	}
}

// elsewhere is the terms of an epoch's job as another pool would have them.
func elsewhere(e *Epoch) *verify.Terms {
	terms := *e.Judged[0].Terms
	j := *terms.Job
	j.Pool[0]++
	terms.Job = &j
	return &terms
}

// files are one of each kind, and what spoils it.
var files = map[string]struct {
	parse func(data []byte) error
	good  string
	bad   [][2]string
}{
	"measured": {
		func(data []byte) error { _, err := ParseMeasured("f", data, rules()); return err },
		`{"rows":[{"improvement":"-1","quality":5,"slot":1,"stdErr":"0","task":"0x` + zeros + `","value":"0","withheld":0,"worker":"0x` + zeros + `"}],"version":"verifyd-measured/1"}`,
		[][2]string{{"/1", "/2"}, {`"-1"`, `"-01"`}, {`"quality":5`, `"quality":-5`}, {`"quality":5,`, ``}, {`"slot":1`, `"slot":-1`}, {`"slot":1,`, ``}, {`"value":"0"`, `"value":"7"`}, {`"stdErr":"0"`, `"stdErr":"1"`}, {`}],`, `},{"improvement":"-1","quality":5,"slot":1,"stdErr":"0","task":"0x` + zeros + `","value":"0","withheld":0,"worker":"0x` + zeros + `"}],`}},
	},
	"roster": {
		func(data []byte) error { _, err := ParseRoster("f", data); return err },
		`{"version":"verifyd-roster/1","workers":[{"account":"0x` + zeros + `","owner":"0x1` + zeros[1:] + `","worker":"0x` + zeros + `"}]}`,
		[][2]string{{"/1", "/2"}, {`"0x1`, `"0x0`}, {`0x1`, `0X1`}, {`}]`, `},{"account":"0x` + zeros + `","owner":"0x1` + zeros[1:] + `","worker":"0x` + zeros + `"}]`}},
	},
	"earned": {
		func(data []byte) error { _, err := ParseEarned("f", data); return err },
		`{"accounts":[{"account":"0x` + zeros + `","units":"1"}],"version":"verifyd-earned/1"}`,
		[][2]string{{"/1", "/2"}, {`"1"`, `1`}, {`"units"`, `"Units"`}, {`}]`, `},{"account":"0x` + zeros + `","units":"1"}]`}},
	},
}

const zeros = "0000000000000000000000000000000000000000000000000000000000000000"

func TestAFileThatIsNotInItsOneFormIsRefused(t *testing.T) {
	for name, f := range files {
		var spaced bytes.Buffer
		if err := json.Indent(&spaced, []byte(f.good+"\n"), " ", "\t"); err != nil {
			t.Fatal(err)
		}
		if err := f.parse(spaced.Bytes()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, bad := range f.bad {
			spoilt := strings.Replace(f.good, bad[0], bad[1], 1)
			if spoilt == f.good {
				t.Fatalf("%s: nothing was changed by %v", name, bad)
			}
			if err := f.parse([]byte(spoilt)); err == nil || !strings.HasPrefix(err.Error(), "f: ") {
				t.Errorf("%s with %s: error %v", name, bad[1], err)
			}
		}
	}
}

func FuzzFiles(f *testing.F) {
	for _, file := range files {
		f.Add([]byte(file.good))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, file := range files {
			if err := file.parse(data); err != nil && !strings.HasPrefix(err.Error(), "f: ") {
				t.Fatal(err)
			}
		}
	})
}
