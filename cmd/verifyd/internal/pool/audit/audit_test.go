package audit

import (
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/gate"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/state"
	"github.com/verifyd/verifyd/verify/verifytest"
)

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// began is when the job was issued. Its delay is 6 s, its deadline 100 s.
const began = 1_795_000_000

// book writes what an operator signs for one job into a log.
type book struct {
	t        testing.TB
	operator *ecdsa.PrivateKey
	job      []byte
	digest   hash
	of       *job.Job
	entries  [][]byte
}

func newBook(t testing.TB) *book {
	t.Helper()
	b := &book{t: t, operator: must(verifytest.NewKey(1))(t)}
	key := must(document.NewKey(b.operator.Public()))(t)
	chain, _ := beacon.NewFixed(hash{7})
	b.of = &job.Job{
		Version: job.Version, Profile: kernels.ProfileF32, Merkle: merkle.Version, State: state.Version,
		Issued: began, Operator: key, Pool: hash{1}, Audience: hash{2}, Program: hash{3},
		Data: job.Data{Root: hash{4}, Samples: 10, Layout: job.Layout{Tokens: &job.Tokens{DType: "U16", Context: 1, Stride: 1}}}, Order: job.Rule, Init: job.Init{Root: hash{5}}, Gate: gate.Version, Curve: hash{6},
		Steps: 20, Stride: 2, Slots: 8, Sampled: job.Exactly(2), Audit: job.Millionths, Beacon: chain, Delay: 6, Deadline: 100,
	}
	b.job = must(job.Sign(*b.of, b.operator))(t)
	b.digest = must(document.Digest(job.Kind, *b.of))(t)
	b.add(b.job)
	return b
}

func (b *book) add(entries ...[]byte) { b.entries = append(b.entries, entries...) }

func (b *book) sign(kind document.Kind, doc any) hash {
	b.t.Helper()
	b.add(must(document.Sign(kind, doc, b.operator))(b.t))
	return must(document.Digest(kind, doc))(b.t)
}

// assign, receive and open write entries for a slot and return their digests.
func (b *book) assign(slot uint32, seed byte) hash {
	b.t.Helper()
	return b.sign(job.AssignmentKind, job.Assignment{
		Version: job.AssignmentVersion, Job: b.digest, Worker: hash{9}, Slot: slot, Registered: began, Seed: hash{seed},
	})
}

func (b *book) receive(slot uint32, assigned hash, root byte, at int64) hash {
	b.t.Helper()
	return b.sign(receiptKind, verify.Receipt{
		Version: verify.ReceiptVersion, Job: b.digest, Assignment: assigned, Worker: hash{9}, Slot: slot,
		Claim: hash{root, 1}, Root: hash{root}, Sampled: 2, Arrived: began + at,
	})
}

func (b *book) open(received hash, root, opening byte, at int64) hash {
	b.t.Helper()
	return b.sign(openedKind, verify.Opened{
		Version: verify.OpenedVersion, Job: b.digest, Claim: hash{root, 1}, Receipt: received, Opening: hash{opening}, Arrived: began + at,
	})
}

// honest writes the life of slot 0.
func (b *book) honest() (assigned, received hash) {
	b.t.Helper()
	assigned = b.assign(0, 1)
	received = b.receive(0, assigned, 1, 10)
	b.open(received, 1, 1, 50)
	return assigned, received
}

func (b *book) all() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, e := range b.entries {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func (b *book) audit(o Options) *Report {
	b.t.Helper()
	return must(Log(b.t.Context(), b.all, o))(b.t)
}

func contribution(worker byte, epoch, units uint64) proofs.Contribution {
	return proofs.Contribution{
		Audience: proofs.Hash{1}, PoolID: proofs.Hash{2}, Epoch: epoch, TaskID: proofs.Hash{3}, WorkerID: proofs.Hash{worker},
		Account: proofs.Hash{5}, Units: proofs.Uint(units), CumulativeUnits: proofs.Uint(units), Verdict: proofs.Verdict{Kind: proofs.Accepted},
		StepsClaimed: 10, StepsReplayed: 5, IssuedAt: began,
	}
}

// pay writes a contribution that the signer of a number signed, and returns its body's digest.
func (b *book) pay(c proofs.Contribution, signer byte) proofs.Hash {
	b.t.Helper()
	e := must(proofs.Sign(c, must(verifytest.NewKey(signer))(b.t)))(b.t)
	b.add(e.Bytes())
	return sha256.Sum256(e.Body)
}

func TestALogOfAnHonestOperatorIsClean(t *testing.T) {
	b := newBook(t)
	b.honest()
	assigned := b.assign(1, 1) // the same seed, another slot
	received := b.receive(1, assigned, 2, 60)
	b.receive(1, assigned, 2, 60) // signed again, by a retry elsewhere
	b.open(received, 2, 2, 166)   // in the last second
	b.add([]byte("a stranger's"), []byte(`{"payloadType":"`))
	c := contribution(1, 1, 5)
	first := b.pay(c, 3)
	b.pay(c, 4) // another signer of the same body
	b.add(must(proofs.Sign(proofs.Revocation{
		Audience: c.Audience, PoolID: c.PoolID, Epoch: 1, Target: first, TargetKind: 1, SignerSet: 1,
	}, must(verifytest.NewKey(3))(t)))(t).Bytes())
	b.pay(contribution(1, 1, 4), 3) // the correction
	r := b.audit(Options{})
	if len(r.Findings) != 0 {
		t.Errorf("%+v", r.Findings)
	}
	want := &Report{
		Entries: int64(len(b.entries)), Jobs: 1, Assignments: 2, Receipts: 3, Openings: 2, Contributions: 3, Revocations: 1, Other: 2,
		Findings: []Finding{},
	}
	if fmt.Sprint(*r) != fmt.Sprint(*want) {
		t.Errorf("%+v, want %+v", *r, *want)
	}
}

func TestEachPlantedViolationIsNamedWithItsEntry(t *testing.T) {
	for name, c := range map[string]struct {
		plant   func(b *book) // behind the job and the honest life of slot 0: entries 0 to 3
		rule    Rule
		against int64
	}{
		"a second assignment":         {func(b *book) { b.assign(0, 2) }, SecondAssignment, 1},
		"a second receipt":            {func(b *book) { b.receive(0, b.honestAssignment(), 2, 60) }, SecondReceipt, 2},
		"a second time for one claim": {func(b *book) { b.receive(0, b.honestAssignment(), 1, 60) }, SecondReceipt, 2},
		"a second opening":            {func(b *book) { b.open(b.honestReceipt(), 1, 2, 60) }, SecondOpening, 3},
		"a receipt dated back": {func(b *book) {
			a := b.assign(1, 1)
			b.receive(1, a, 2, 48)
		}, BackDated, 3},
		"a receipt dated back behind its beacon": {func(b *book) {
			a := b.assign(1, 1)
			b.receive(1, a, 2, 44)
		}, LateReceipt, 3},
		"an opening dated behind the deadline": {func(b *book) {
			a := b.assign(1, 1)
			b.open(b.receive(1, a, 2, 60), 2, 2, 167)
		}, LateOpening, -1},
		"an opening entered behind the deadline": {func(b *book) {
			one, two := b.assign(1, 1), b.assign(2, 1)
			received := b.receive(1, one, 2, 60)
			b.receive(2, two, 3, 200)
			b.open(received, 2, 2, 100)
		}, LateOpening, 7},
		"a receipt without an assignment": {func(b *book) { b.receive(1, hash{1}, 2, 60) }, Unlogged, -1},
		"an opening without a receipt":    {func(b *book) { b.open(hash{1}, 2, 2, 60) }, Unlogged, -1},
		"another body": {func(b *book) {
			b.pay(contribution(1, 1, 5), 3)
			b.pay(contribution(1, 1, 6), 4)
		}, SecondBody, 4},
		"another body behind a revocation of a third": {func(b *book) {
			b.pay(contribution(1, 1, 5), 3)
			b.add(must(proofs.Sign(proofs.Revocation{
				Audience: proofs.Hash{1}, PoolID: proofs.Hash{2}, Epoch: 1, Target: proofs.Hash{9}, TargetKind: 1, SignerSet: 1,
			}, must(verifytest.NewKey(3))(b.t)))(b.t).Bytes())
			b.pay(contribution(1, 1, 6), 3)
		}, SecondBody, 4},
	} {
		b := newBook(t)
		b.honest()
		c.plant(b)
		r := b.audit(Options{})
		if len(r.Findings) != 1 {
			t.Errorf("%s: %+v", name, r.Findings)
			continue
		}
		f := r.Findings[0]
		if f.Rule != c.rule || f.Entry != int64(len(b.entries)-1) || f.Against != c.against || f.Reason == "" {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

func (b *book) honestAssignment() hash { return b.digestOf(1, job.AssignmentKind) }
func (b *book) honestReceipt() hash    { return b.digestOf(2, receiptKind) }

// digestOf is the digest of an entry.
func (b *book) digestOf(entry int, kind document.Kind) hash {
	b.t.Helper()
	if kind == receiptKind {
		_, digest, err := document.Read[verify.Receipt]("", b.entries[entry], kind, b.of.Operator)
		return must(digest, err)(b.t)
	}
	_, digest, err := document.Read[job.Assignment]("", b.entries[entry], kind, b.of.Operator)
	return must(digest, err)(b.t)
}

func TestARegistrationMustBeLoggedBeforeTheBeaconOfItsSeed(t *testing.T) {
	quicknet := func(b *book) {
		b.of.Beacon = beacon.Chain{Name: beacon.Quicknet}
		b.job = must(job.Sign(*b.of, b.operator))(b.t)
		b.digest = must(document.Digest(job.Kind, *b.of))(b.t)
		b.add(b.job)
	}
	register := func(b *book, at int64) {
		b.sign(job.RegistrationKind, job.Registration{Version: job.RegistrationVersion, Job: b.digest, Worker: hash{9}, At: began + at})
	}
	assign := func(b *book, at int64) {
		b.sign(job.AssignmentKind, job.Assignment{
			Version: job.AssignmentVersion, Job: b.digest, Worker: hash{9}, Registered: began + at, Beacon: &beacon.Beacon{Chain: beacon.Quicknet},
		})
	}
	for name, c := range map[string]struct {
		plant func(b *book)
		rule  Rule
	}{
		"in order":                     {func(b *book) { register(b, 60); assign(b, 60) }, ""},
		"not registered":               {func(b *book) { assign(b, 60) }, Unlogged},
		"registered at another time":   {func(b *book) { register(b, 60); assign(b, 63) }, Unlogged},
		"registered again":             {func(b *book) { register(b, 60); register(b, 70) }, SecondRegistration},
		"dated back":                   {func(b *book) { register(b, 47) }, BackDated},
		"dated back behind its beacon": {func(b *book) { register(b, 20) }, LateRegistration},
	} {
		b := newBook(t)
		b.honest() // until 50
		quicknet(b)
		c.plant(b)
		r := b.audit(Options{})
		if (c.rule == "") != (len(r.Findings) == 0) {
			t.Errorf("%s: %+v", name, r.Findings)
			continue
		}
		if c.rule != "" && (len(r.Findings) != 1 || r.Findings[0].Rule != c.rule || r.Findings[0].Entry != int64(len(b.entries)-1)) {
			t.Errorf("%s: %+v", name, r.Findings)
		}
	}
}

func TestSlackForgivesClocks(t *testing.T) {
	b := newBook(t)
	b.honest()
	b.receive(1, b.assign(1, 1), 2, 48)
	if r := b.audit(Options{Slack: 2 * time.Second}); len(r.Findings) != 0 {
		t.Errorf("%+v", r.Findings)
	}
	if r := b.audit(Options{Slack: time.Second}); len(r.Findings) != 1 {
		t.Errorf("%+v", r.Findings)
	}
}

func TestAStrangersSignatureSaysNothingAboutTheOperator(t *testing.T) {
	b := newBook(t)
	b.honest()
	mine := b.operator
	b.operator = must(verifytest.NewKey(8))(t)
	b.assign(0, 2)
	b.receive(0, hash{}, 2, 60)
	b.operator = mine
	if r := b.audit(Options{}); len(r.Findings) != 0 || r.Foreign != 2 {
		t.Errorf("%+v", r)
	}
}

func TestAJobThatTheLogLacksCanBeGiven(t *testing.T) {
	b := newBook(t)
	b.honest()
	b.assign(0, 2)
	b.entries = b.entries[1:]
	if r := b.audit(Options{}); len(r.Findings) != 0 || r.Unknown != 4 {
		t.Errorf("%+v", r)
	}
	if r := b.audit(Options{Jobs: [][]byte{b.job}}); len(r.Findings) != 1 || r.Unknown != 0 || r.Findings[0].Entry != 3 {
		t.Errorf("%+v", r)
	}
}

func TestWhatCannotBeReadEndsTheAudit(t *testing.T) {
	b := newBook(t)
	b.honest()
	failed := fmt.Errorf("disk")
	broken := func() iter.Seq2[[]byte, error] {
		return func(yield func([]byte, error) bool) { _ = yield(b.job, nil) && yield(nil, failed) }
	}
	if _, err := Log(t.Context(), broken, Options{}); err != failed {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Log(ctx, b.all, Options{}); err == nil {
		t.Error("not cancelled")
	}
	if _, err := Log(t.Context(), b.all, Options{Jobs: [][]byte{[]byte("x")}}); err == nil {
		t.Error("a job that is none is taken")
	}
}
