package payout

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/translog"
	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/bundle"
	"github.com/verifyd/verifyd/proofs/epoch"
	"github.com/verifyd/verifyd/proofs/merkle"
	logproof "github.com/verifyd/verifyd/proofs/translog"
)

func id(name string) proofs.Hash { return sha256.Sum256([]byte(name)) }

// pool is a pool with one verifier and a log.
type pool struct {
	t      *testing.T
	key    *ecdsa.PrivateKey
	set    proofs.SignerSet
	log    *translog.Log
	policy *logproof.Policy
	before []merkle.Leaf
	totals map[string]uint64
	files  [][]byte // of every epoch
}

func newPool(t *testing.T) *pool {
	t.Helper()
	scalar := id("verifier")
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar[:])
	if err != nil {
		t.Fatal(err)
	}
	public, err := proofs.NewKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	seed := id("log")
	signer, err := translog.NewSigner("log.example/payouts", ed25519.NewKeyFromSeed(seed[:]))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "log")
	if err := translog.Init(dir, signer); err != nil {
		t.Fatal(err)
	}
	log, err := translog.Open(t.Context(), dir, translog.Options{Signer: signer, Interval: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close(context.Background()) })
	policy, err := logproof.NewPolicy(signer.Key())
	if err != nil {
		t.Fatal(err)
	}
	return &pool{
		t: t, key: key, log: log, policy: policy, totals: map[string]uint64{},
		set: proofs.SignerSet{Audience: id("ledger"), PoolID: id("pool"), Set: 1, IssuedAt: 1, Threshold: 1, Keys: []proofs.Key{public}},
	}
}

func (p *pool) sign(s proofs.Statement, keys ...crypto.Signer) *proofs.Envelope {
	p.t.Helper()
	if len(keys) == 0 {
		keys = []crypto.Signer{p.key}
	}
	env, err := proofs.Sign(s, keys...)
	if err != nil {
		p.t.Fatal(err)
	}
	return env
}

func (p *pool) append(entries ...[]byte) {
	p.t.Helper()
	indexes, err := p.log.Append(p.t.Context(), entries...)
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.log.Published(p.t.Context(), indexes[len(indexes)-1]+1); err != nil {
		p.t.Fatal(err)
	}
}

// epoch pays units to workers, and logs it.
func (p *pool) epoch(number uint64, units map[string]uint64, keys ...crypto.Signer) proofs.EpochRoot {
	p.t.Helper()
	var all []proofs.Contribution
	emission := uint64(1)
	for worker, n := range units {
		emission += n
		p.totals[worker] += n
		c := proofs.Contribution{
			Audience: p.set.Audience, PoolID: p.set.PoolID, Epoch: number, TaskID: id(fmt.Sprint("task ", number)), WorkerID: id(worker), Account: id(worker),
			Units: proofs.Uint(n), CumulativeUnits: proofs.Uint(p.totals[worker]), Verdict: proofs.Verdict{Kind: proofs.Accepted},
			StepsClaimed: 1, StepsReplayed: 1, PolicyHash: id("policy"), IssuedAt: 1,
		}
		all = append(all, c)
		p.append(p.sign(c).Bytes())
	}
	built, err := epoch.Build(p.before, epoch.Scope{
		Audience: p.set.Audience, PoolID: p.set.PoolID, PolicyHash: id("policy"), Epoch: number, Emission: proofs.Uint(emission), Dust: id("dust"),
	}, all)
	if err != nil {
		p.t.Fatal(err)
	}
	p.before, p.files = built.Leaves, append(p.files, built.File())
	root := built.Root(1, 10, id("checkpoint"))
	p.append(p.sign(root, keys...).Bytes())
	return root
}

func (p *pool) ledger() *bundle.Ledger {
	return &bundle.Ledger{Audience: p.set.Audience, PoolID: p.set.PoolID, Signers: p.set, Log: p.policy}
}

func (p *pool) newest(worker string, paid uint64) (*Payout, error) {
	return Find(p.t.Context(), p.log.Folder, p.ledger(), Request{Account: id(worker), Paid: proofs.Uint(paid), Leaves: p.files})
}

func TestTheNewestPayoutIsBuiltAndWhatWasPaidIsSkipped(t *testing.T) {
	p := newPool(t)
	if _, err := p.newest("alice", 0); err == nil {
		t.Error("a payout from an empty log")
	}
	p.append([]byte("an entry that is none of ours"))
	if _, err := p.newest("alice", 0); !errors.Is(err, ErrNoRoot) {
		t.Error(err)
	}
	p.epoch(1, map[string]uint64{"alice": 100, "bob": 40})
	last := p.epoch(2, map[string]uint64{"alice": 7})
	for worker, want := range map[string]uint64{"alice": 107, "bob": 40} { // bob's last contribution is of epoch 1
		c, err := p.newest(worker, 0)
		if err != nil {
			t.Fatal(err)
		}
		if c.Root != last || c.Leaf.CumulativeUnits != proofs.Uint(want) {
			t.Errorf("%s: %+v", worker, c)
		}
		again, err := bundle.Parse(c.Bundle.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if got, err := again.Verify(p.ledger()); err != nil || got.Account != id(worker) {
			t.Errorf("%s: %v", worker, err)
		}
		if c, err := p.newest(worker, want); err != nil || c.Bundle != nil {
			t.Errorf("%s: paid already, %+v, %v", worker, c, err)
		}
		if c, err := p.newest(worker, want-1); err != nil || c.Bundle == nil {
			t.Errorf("%s: a unit is due, %v", worker, err)
		}
	}
	if _, err := p.newest("carol", 0); err == nil || !strings.Contains(err.Error(), "no leaf in epoch 2") {
		t.Error(err)
	}
	p.files = p.files[:1]
	var missing *MissingLeaves
	if _, err := p.newest("alice", 0); !errors.As(err, &missing) || missing.Root != last {
		t.Error(err)
	}
}

func TestWhatNoQuorumSignedIsPassedOver(t *testing.T) {
	p := newPool(t)
	first := p.epoch(1, map[string]uint64{"alice": 100})
	scalar := id("stranger")
	stranger, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar[:])
	if err != nil {
		t.Fatal(err)
	}
	p.epoch(2, map[string]uint64{"alice": 1000}, stranger)
	c, err := p.newest("alice", 0)
	if err != nil || c.Root != first {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestABodyThatAnUnknownKeySignedStopsNoPayout(t *testing.T) {
	p := newPool(t)
	p.epoch(1, map[string]uint64{"alice": 100})
	c, err := p.newest("alice", 0)
	if err != nil {
		t.Fatal(err)
	}
	scalar := id("stranger")
	stranger, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar[:])
	if err != nil {
		t.Fatal(err)
	}
	s, err := proofs.Parse(c.Bundle.Contribution.Type, c.Bundle.Contribution.Body)
	if err != nil {
		t.Fatal(err)
	}
	p.append(p.sign(s, stranger).Bytes()) // the same body
	p.append(p.sign(s).Bytes())
	again, err := p.newest("alice", 0)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := again.Bundle.Verify(p.ledger()); err != nil || got.CumulativeUnits != proofs.Uint(100) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAPayoutMayBeOnAnOlderRoot(t *testing.T) {
	p := newPool(t)
	first := p.epoch(1, map[string]uint64{"alice": 100})
	p.epoch(2, map[string]uint64{"alice": 7})
	older := func(number uint64) (*Payout, error) {
		return Find(t.Context(), p.log.Folder, p.ledger(), Request{Account: id("alice"), Epoch: number, Leaves: p.files})
	}
	c, err := older(1)
	if err != nil || c.Root != first || c.Leaf.CumulativeUnits != proofs.Uint(100) || c.Bundle == nil {
		t.Fatalf("%+v, %v", c, err)
	}
	if _, err := c.Bundle.Verify(p.ledger()); err != nil {
		t.Error(err)
	}
	if _, err := older(3); !errors.Is(err, ErrNoRoot) || !strings.Contains(err.Error(), "the newest is of epoch 2") {
		t.Error(err)
	}
}

func TestAfterARevokedRootThePayoutIsOnTheLastGoodOne(t *testing.T) {
	p := newPool(t)
	first := p.epoch(1, map[string]uint64{"alice": 100})
	before, totals := p.before, map[string]uint64{"alice": 100}
	wrong := p.epoch(2, map[string]uint64{"alice": 9000})
	body, err := proofs.Encode(wrong)
	if err != nil {
		t.Fatal(err)
	}
	p.append(p.sign(proofs.Revocation{
		Audience: p.set.Audience, PoolID: p.set.PoolID, Epoch: 2, Target: sha256.Sum256(body), TargetKind: 2, Reason: 1, SignerSet: 1, IssuedAt: 2,
	}).Bytes())
	if c, err := p.newest("alice", 0); err != nil || c.Root != first {
		t.Errorf("%+v, %v", c, err)
	}
	p.before, p.totals = before, totals
	corrected := p.epoch(2, map[string]uint64{"alice": 9})
	if c, err := p.newest("alice", 0); err != nil || c.Root != corrected || c.Leaf.CumulativeUnits != proofs.Uint(109) {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestARootAtTheEndOfAllEpochsIsPassedOver(t *testing.T) {
	p := newPool(t)
	first := p.epoch(1, map[string]uint64{"alice": 100})
	last := first
	last.Epoch = 1<<64 - 1
	p.append(p.sign(last).Bytes())
	if c, err := p.newest("alice", 0); err != nil || c.Root != first {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestARevokedContributionMakesNoPayout(t *testing.T) {
	p := newPool(t)
	p.epoch(1, map[string]uint64{"alice": 100})
	c, err := p.newest("alice", 0)
	if err != nil {
		t.Fatal(err)
	}
	p.append(p.sign(proofs.Revocation{
		Audience: p.set.Audience, PoolID: p.set.PoolID, Epoch: 1, Target: c.Leaf.Detail, TargetKind: 1, Reason: 1, SignerSet: 1, IssuedAt: 2,
	}).Bytes())
	if _, err := p.newest("alice", 0); err == nil || !strings.Contains(err.Error(), "taken back") {
		t.Error(err)
	}
}
