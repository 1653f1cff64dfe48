package valuation

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/policy"
	"github.com/verifyd/verifyd/shapley/robust"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/verifytest"
)

func TestACertificateOfJudgedClaimsIsConfirmed(t *testing.T) {
	r := newRig(t)
	g := must(r.play(t, r.files))(t)
	r.certify(t, g)
	if err := r.confirm(t, g); err != nil {
		t.Fatal(err)
	}
	c := must(ReadCertificate(r.folder))(t)
	if c.Source != beacon.Fixed || c.Claimed.Digest != r.digest || c.Players[0] != r.list.Claims[0].Claim.String() {
		t.Errorf("%+v", c.Run)
	}
	slices.Reverse(r.files.Updates) // files have no order: each is bound to its claim
	again := must(r.play(t, r.files))(t)
	if again.Root != g.Root {
		t.Error("the order of files shows")
	}
	for _, l := range r.list.Claims {
		if want := uint64(40 * robust.RowUnits / 3); l.Rows != want { // the three read the same 40 rows, and each counts once
			t.Errorf("%d units of rows, want %d", l.Rows, want)
		}
	}
}

func TestNoByteOfACertificateCanBeAltered(t *testing.T) {
	r := newRig(t)
	g := must(r.play(t, r.files))(t)
	r.certify(t, g)
	path := filepath.Join(r.folder, CertificateFile)
	good := must(os.ReadFile(path))(t)
	draw := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		bad := bytes.Clone(good)
		switch at := draw.IntN(len(bad)); draw.IntN(3) {
		case 0:
			bad[at] ^= 1 << draw.IntN(8)
		case 1:
			bad = slices.Delete(bad, at, at+1)
		default:
			bad = slices.Insert(bad, at, bad[draw.IntN(len(bad))])
		}
		if bytes.Equal(bad, good) {
			continue
		}
		if err := os.WriteFile(path, bad, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := r.confirm(t, g); err == nil {
			t.Fatalf("confirmed: %s", bad)
		}
	}
	if err := os.WriteFile(path, good, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := r.confirm(t, g); err != nil {
		t.Fatal(err)
	}
}

func TestATranscriptThatWasInventedIsFoundByComputingAgain(t *testing.T) {
	r := newRig(t)
	g := must(r.play(t, r.files))(t)
	r.certify(t, g)
	path := filepath.Join(r.folder, UtilitiesFile)
	u := must(ReadUtilities(path, false))(t)
	for at := range u {
		lie := slices.Clone(u)
		lie[at] += 1000
		// The certificate is made anew for the lie: its arithmetic is right.
		again := must((&Claimed{r.digest, *r.list, r.public}).certify(t.Context(), g, lie))(t)
		whole := must(encodeWhole(again))(t)
		if err := errors.Join(os.WriteFile(path, encode(lie), 0o644), os.WriteFile(filepath.Join(r.folder, CertificateFile), whole, 0o644)); err != nil {
			t.Fatal(err)
		}
		if err := r.confirm(t, g); !errors.Is(err, ErrAltered) {
			t.Fatalf("utility %d: %v", at, err)
		}
	}
}

func TestRandomnessThatSuitsIsRefused(t *testing.T) {
	r := newRig(t)
	g := must(r.play(t, r.files))(t)
	research := func(randomness merkle.Hash) Run {
		return Run{Version: GameVersion, Kind: RoundKind, Root: g.Root, Source: Research, Randomness: randomness, Way: way(), Players: r.list.Players()}
	}
	r.value(t, g, research(merkle.Hash{0xab}))
	if err := r.confirm(t, g); !errors.Is(err, ErrResearch) {
		t.Errorf("research: %v", err)
	}
	// Whoever says that his own randomness came from the list is refused when the certificate is read.
	run := must((&Claimed{r.digest, *r.list, r.public}).Run(g.Root))(t)
	run.Randomness = merkle.Hash{0xab}
	r.value(t, g, run)
	wants(t, r.confirm(t, g), "not that of the round that follows")

	_, other := beacon.NewFixed([32]byte{77})
	if _, err := (&Claimed{r.digest, *r.list, other}).Run(g.Root); err == nil {
		t.Error("another value of the chain is taken")
	}
	run = must((&Claimed{r.digest, *r.list, r.public}).Run(g.Root))(t)
	run.Budget++ // another budget draws other coalitions
	r.value(t, g, run)
	wants(t, r.confirm(t, g), "estimator: it or a parameter of it is not the list's")
}

// wants demands an error that says something.
func wants(t *testing.T, err error, words string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), words) {
		t.Errorf("error %v, want %q", err, words)
	}
}

// quicknet is round 1000 of the chain, which was published at second 1692806364.
var quicknet = beacon.Beacon{
	Chain: beacon.Quicknet, Round: 1000,
	Value: "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39",
}

func TestTheRoundFollowsFromTheListAndIsNobodysChoice(t *testing.T) {
	r := newRig(t, func(j *job.Job) { j.Beacon = beacon.Chain{Name: beacon.Quicknet} })
	g := must(r.play(t, r.files))(t)
	const published = 1692803367 + 999*3
	r.list.Frozen = published - 6
	r.freeze(t)
	run, err := (&Claimed{r.digest, *r.list, quicknet}).Run(g.Root)
	if err != nil || run.Source != beacon.Quicknet {
		t.Fatalf("%+v, %v", run, err)
	}
	r.value(t, g, run)
	if err := r.confirm(t, g); err != nil {
		t.Fatal(err)
	}
	// Frozen at another time the same list has another round.
	for _, at := range []int64{published - 5, published - 9, published} {
		late := *r.list
		late.Frozen = at
		_, err := (&Claimed{r.digest, late, quicknet}).Run(g.Root)
		wants(t, err, "beacon: round: 1000")
	}
	// A list from before its claims were challenged was not made when it says.
	r.verdicts[1].Finding.Round = 1000
	wants(t, r.confirm(t, g), "the list is back-dated")
}

func TestAListThatWasChangedAfterItsRoundIsRefused(t *testing.T) {
	r := newRig(t)
	g := must(r.play(t, r.files))(t)
	r.certify(t, g)
	// The operator drops a claim and signs again: the certificate is of another list.
	r.list.Claims = r.list.Claims[1:]
	for i, rows := range must(r.list.rows(r.jobs))(t) {
		r.list.Claims[i].Rows = rows
	}
	r.freeze(t)
	if err := r.confirm(t, g); err == nil || !strings.Contains(err.Error(), "certifies the list of claims") {
		t.Error(err)
	}
	// Whoever edits the list inside of the certificate needs its digest to fit, and then it is not the operator's.
	c := must(ReadCertificate(r.folder))(t)
	c.Claimed.List.Frozen++
	_, err := ParseCertificate("c", must(json.Marshal(c))(t))
	wants(t, err, "claimed.digest")
	if _, _, err := ReadClaims("claims.json", r.signed, must(verifytest.KeyOf(must(verifytest.NewKey(3))(t)))(t)); err == nil {
		t.Error("a list that the operator did not sign is read")
	}
}

func TestFilesThatWereNotJudgedAreRefused(t *testing.T) {
	r := newRig(t)
	dir := t.TempDir()
	swap := func(alter func(*RoundFiles)) error {
		files := r.files
		files.Updates = slices.Clone(files.Updates)
		alter(&files)
		_, err := r.play(t, files)
		return err
	}
	layout := r.jobs[r.list.Claims[0].Job].State()
	other, rows, prog := filepath.Join(dir, "other"), filepath.Join(dir, "rows"), filepath.Join(dir, "program.json")
	nudge(t, layout, r.files.Updates[0], other)
	writeSet(t, rows, 19)
	cnn := verifytest.MLP()
	cnn.Schedule.Rate *= 2
	if err := os.WriteFile(prog, cnn.JSON(), 0o644); err != nil {
		t.Fatal(err)
	}
	for words, alter := range map[string]func(*RoundFiles){
		"is not that of a claim of the list": func(f *RoundFiles) { f.Updates[0] = other },
		"or is given twice":                  func(f *RoundFiles) { f.Updates[0] = f.Updates[1] },
		"2 given for the 3 claims":           func(f *RoundFiles) { f.Updates = f.Updates[:2] },
		"the list of claims begins with":     func(f *RoundFiles) { f.Base = f.Updates[0] },
		"validation rows with root":          func(f *RoundFiles) { f.Validation = rows },
		"program.json: digest":               func(f *RoundFiles) { f.Program = prog },
	} {
		wants(t, swap(alter), words)
	}
}

func TestAListThatDoesNotBindIsRefused(t *testing.T) {
	r := newRig(t)
	g := must(r.play(t, r.files))(t)
	r.certify(t, g)
	foreign := newRig(t, func(j *job.Job) { j.Pool = merkle.Hash{0xee} })
	for words, alter := range map[string]func(*rig){
		"there is no verdict on claim": func(r *rig) { r.verdicts = r.verdicts[1:] },
		"the verdict on claim":         func(r *rig) { r.finding(0).Outcome = verify.Fail },
		"verdicts: PASS and FAIL on claim": func(r *rig) {
			v := *r.verdicts[0]
			v.Finding.Outcome = verify.Fail
			r.verdicts = append(r.verdicts, &v)
		},
		"].worker:":           func(r *rig) { r.list.Claims[0].Worker = merkle.Hash{} },
		"].job:":              func(r *rig) { r.finding(0).Job = merkle.Hash{7} },
		"].slot:":             func(r *rig) { r.list.Claims[0].Slot = 1 },
		"].final:":            func(r *rig) { r.list.Claims[0].Final = merkle.Hash{7} },
		"].rows:":             func(r *rig) { r.list.Claims[0].Rows *= 2 },
		"which was not given": func(r *rig) { r.jobs = foreign.jobs },
		"is of pool":          func(r *rig) { r.list.Pool = merkle.Hash{0xee} },
		"is for ledger":       func(r *rig) { r.list.Audience = merkle.Hash{0xee} },
		"the policy names":    func(r *rig) { r.list.Validation = merkle.Hash{7} },
		"policy: ":            func(r *rig) { r.list.Policy = merkle.Hash{7} },
		"it names no validation set": func(r *rig) {
			r.policy.Validation = policy.Hash{}
			r.list.Policy = merkle.Hash(must(r.policy.Hash())(t))
		},
		"the policy asks for exact":        func(r *rig) { r.demand(t, "exact", 0) },
		"with a budget of 5, and no other": func(r *rig) { r.demand(t, "antithetic", 5) },
		"with a budget of 4, fair, 9 rows drawn, and no other": func(r *rig) {
			r.demand(t, "antithetic", 4)
			r.policy.Metrics.Value.By.Fair, r.policy.Metrics.Value.By.Rows = true, 9
			r.list.Policy = merkle.Hash(must(r.policy.Hash())(t))
		},
		"trains program":                     func(r *rig) { r.list.Program = merkle.Hash{7} },
		"begins with state":                  func(r *rig) { r.list.Base = merkle.Hash{7} },
		"has another beacon":                 func(r *rig) { r.list.Beacon, _ = beacon.NewFixed([32]byte{3}) },
		"delay: 7 seconds, the jobs ask for": func(r *rig) { r.list.Delay = 7 },
	} {
		bad, list, rules := *r, *r.list, *r.policy
		bad.list, bad.policy, bad.verdicts = &list, &rules, nil
		list.Claims = slices.Clone(list.Claims)
		for _, v := range r.verdicts {
			v := *v
			bad.verdicts = append(bad.verdicts, &v)
		}
		alter(&bad)
		wants(t, bad.confirm(t, g), words)
	}
}

// finding is that on the first claim of the list.
func (r *rig) finding(i int) *verify.Finding {
	for _, v := range r.verdicts {
		if v.Finding.Claim == r.list.Claims[i].Claim {
			return &v.Finding
		}
	}
	panic("none")
}

// demand has the policy, and the list under it, ask for an estimator.
func (r *rig) demand(t *testing.T, estimator string, budget uint32) {
	t.Helper()
	r.policy.Metrics.Value.By = &policy.Estimate{Budget: budget, Estimator: estimator}
	r.list.Policy = merkle.Hash(must(r.policy.Hash())(t))
}

func TestAListSaysWhatItMayNotHold(t *testing.T) {
	r := newRig(t)
	for words, alter := range map[string]func(*Claims){
		"version":        func(c *Claims) { c.Version = "x" },
		"pool: zero":     func(c *Claims) { c.Pool = merkle.Hash{} },
		"validation":     func(c *Claims) { c.Validation = merkle.Hash{} },
		"way: estimator": func(c *Claims) { c.Way.Estimator = "best" },
		"delay: 5":       func(c *Claims) { c.Delay = 5 },
		"frozen: -1":     func(c *Claims) { c.Frozen = -1 },
		"claims: 0":      func(c *Claims) { c.Claims = nil },
		"twice the same": func(c *Claims) { c.Claims = append(c.Claims, c.Claims[0]) },
		"].owner: zero":  func(c *Claims) { c.Claims[0].Owner = merkle.Hash{} },
		"].rows: zero":   func(c *Claims) { c.Claims[0].Rows = 0 },
		"].claim: ":      func(c *Claims) { c.Claims[1].Claim = c.Claims[0].Claim },
		"beacon":         func(c *Claims) { c.Beacon.Name = "mine" },
	} {
		list := *r.list
		list.Claims = slices.Clone(list.Claims)
		alter(&list)
		_, err := list.Sign(r.operator)
		wants(t, err, words)
	}
	if _, err := List(r.jobs, r.policy, way(), [][]byte{[]byte("{}")}, nil, nil, frozen); err == nil {
		t.Error("no claim is listed")
	}
	r.policy.Validation = policy.Hash{Hash: proofs.Hash{1}}
	_, err := List(r.jobs, r.policy, way(), r.claims, nil, nil, frozen)
	wants(t, err, "was offered under policy")
}
