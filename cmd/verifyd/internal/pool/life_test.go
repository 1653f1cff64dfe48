package pool_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool/payout"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool/score"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/translog"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/bundle"
	"github.com/verifyd/verifyd/proofs/epoch"
	logproof "github.com/verifyd/verifyd/proofs/translog"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/program"
)

func TestAClaimGoesFromItsArrivalToAPayoutWithoutACommandLine(t *testing.T) {
	r := newRig(t)
	judged := r.judge().Bundle(t.Context(), r.claim(t, r.offer(t, "urn:db:test")), nil)
	if judged.Err != nil || judged.Severity() != pool.Passed {
		t.Fatalf("%+v", judged)
	}

	e := score.Epoch{Number: 1, Policy: r.policy, Issued: arrived}
	signed := must(judged.Verdict.Sign(r.verifier))(t)
	verifier := must(proofs.NewKey(r.verifier.Public()))(t)
	if err := e.Add("verdict.json", signed, r.by, score.Jobs{}); err == nil {
		t.Error("the operator's key opens a verifier's verdict")
	}
	e.Judged = append(e.Judged, score.Judged{File: "verdict.json", Verdict: judged.Verdict, Terms: judged.Case.Terms})
	result := must(e.Score())(t)
	files := must(result.Files(r.verifier))(t)
	if len(files) != 2 || files[0].Name != score.EarnedFile || len(score.Signed(files)) != 1 {
		t.Fatalf("%+v", files)
	}

	set := proofs.SignerSet{
		Audience: must(proofs.Audience("urn:db:test"))(t), PoolID: proofs.Hash(pool.Named("test")), Set: 1, IssuedAt: 1, Threshold: 1, Keys: []proofs.Key{verifier},
	}
	contribution := result.Statements[0].Contribution
	built := must(epoch.Build(nil, epoch.Scope{
		Audience: set.Audience, PoolID: set.PoolID, PolicyHash: must(r.policy.Hash())(t), Epoch: 1,
		Emission: r.policy.Budget.Uint128, Dust: r.policy.Dust.Hash,
	}, []proofs.Contribution{contribution}))(t)
	root := must(proofs.Sign(built.Root(1, 1<<40, proofs.Hash{9}), r.verifier))(t)

	l := r.log(t)
	handed := 0
	for _, entries := range [][][]byte{score.Signed(files), {root.Bytes()}} {
		err := l.Write(t.Context(), func(l *translog.Log) error {
			return pool.Record(t.Context(), l, entries, func() error { handed++; return nil })
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	folder := must(translog.OpenFolder(l.Folder))(t)
	defer folder.Close()
	found := must(payout.Find(t.Context(), folder, &bundle.Ledger{
		Audience: set.Audience, PoolID: set.PoolID, Signers: set, Log: must(logproof.NewPolicy(l.Signers[0].Key()))(t),
	}, payout.Request{Account: contribution.Account, Leaves: [][]byte{built.File()}}))(t)
	if found.Bundle == nil || found.Leaf.CumulativeUnits != proofs.Uint(1000) || handed != 2 {
		t.Errorf("%+v, %d handed out", found, handed)
	}
}

func TestAProofIsOfTheCaseThatWasJudgedWhateverTheFolderHoldsNow(t *testing.T) {
	r := newRig(t)
	dir := r.claim(t, r.offer(t, "urn:db:test"))
	judged := r.judge().Bundle(t.Context(), dir, nil)
	if judged.Err != nil {
		t.Fatal(judged.Err)
	}
	other := r.offer(t, "urn:db:another") // which the operator signed as well
	if err := os.WriteFile(filepath.Join(dir, verify.JobFile), other, 0o644); err != nil {
		t.Fatal(err)
	}
	c := must(judged.State(pool.Credit{Units: proofs.Uint(5)}, arrived))(t)
	if c.Audience != must(proofs.Audience("urn:db:test"))(t) || c.TaskID != proofs.Hash(judged.Case.Terms.Digest) || c.Account != c.WorkerID {
		t.Errorf("%+v", c)
	}
	terms := must(verify.Accept(other, r.program.JSON(), r.curve, r.by))(t)
	if _, err := pool.State(judged.Verdict, terms, pool.Credit{}, arrived); err == nil {
		t.Error("a verdict is stated under the terms of another job")
	}
	judged.Verdict.Finding.Worker[0] ^= 1
	if _, err := judged.State(pool.Credit{}, arrived); err == nil {
		t.Error("a verdict that is not on the case is stated")
	}
}

func TestWhatTheLogDoesNotHoldIsHandedToNobody(t *testing.T) {
	handed := 0
	handOut := func() error { handed++; return nil }
	if err := pool.Record(t.Context(), nil, nil, handOut); err != nil || handed != 1 {
		t.Errorf("without a log: %d, %v", handed, err)
	}
	l := newRig(t).log(t)
	err := l.Write(t.Context(), func(l *translog.Log) error {
		return pool.Record(t.Context(), l, [][]byte{nil}, handOut) // an empty entry is refused
	})
	if err == nil || handed != 1 {
		t.Errorf("%d, %v", handed, err)
	}
	full := errors.New("disk full")
	err = l.Write(t.Context(), func(l *translog.Log) error {
		return pool.Record(t.Context(), l, [][]byte{[]byte("an entry")}, func() error { return full })
	})
	if !errors.Is(err, full) {
		t.Error(err)
	}
}

func TestAnOfferThatNobodyCouldTakeIsNotSigned(t *testing.T) {
	r := newRig(t)
	good := pool.Offer{
		Program: r.program, Profile: kernels.ProfileF32, Data: r.data, Pool: "test", Audience: "urn:db:test",
		Steps: 8, Stride: 2, Sampled: job.Exactly(2), Audit: job.Millionths, Slots: 1, Delay: 6 * time.Second, Deadline: time.Minute, Issued: arrived, Beacon: beacon.Quicknet,
	}
	if offered, err := good.Sign(t.Context(), r.devices.First(), r.operator); err != nil || offered.Revealed != nil {
		t.Errorf("%+v, %v", offered, err)
	}
	wide := *r.program
	wide.Graph = program.MLP(program.MLPConfig{Inputs: 9, Hidden: []int{8}, Classes: 3})
	for name, change := range map[string]func(*pool.Offer){
		"data: ":        func(o *pool.Offer) { o.Program = &wide },
		"program: ":     func(o *pool.Offer) { o.Program = &program.Program{Version: program.Version} },
		"job: steps: ":  func(o *pool.Offer) { o.Steps = 0 },
		"job: beacon":   func(o *pool.Offer) { o.Beacon = "dice" },
		"job: deadline": func(o *pool.Offer) { o.Deadline = 0 },
		"job: delay":    func(o *pool.Offer) { o.Delay = 5 * time.Second },
		"job: sampled":  func(o *pool.Offer) { o.Sampled = job.Range{} },
		"job: issued":   func(o *pool.Offer) { o.Issued = time.Time{} },
	} {
		o := good
		change(&o)
		if _, err := o.Sign(t.Context(), r.devices.First(), r.operator); err == nil || !strings.HasPrefix(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
