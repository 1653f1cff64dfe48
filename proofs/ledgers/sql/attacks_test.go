package sql

import (
	"crypto/sha256"
	"math"
	"sync"
	"testing"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/bundle"
	"github.com/verifyd/verifyd/proofs/internal/scenario"
)

// A key of five writes itself a contribution, which is logged before the quorum's checkpoint: no leaf holds it.
func TestOneKeyIsNotPaidWithoutThePathThatTheQuorumSigned(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		p := newPool(t)
		l := newLedger(t, d, p)
		forged := p.Contributions[1]
		forged.Account, forged.Units, forged.CumulativeUnits = scenario.ID("thief"), proofs.Uint(9000), proofs.Uint(9000)
		env := signed(t, p, forged, 2)
		log := scenario.NewLog("log")
		if _, err := log.Append(env.Bytes()); err != nil {
			t.Fatal(err)
		}
		checkpoint, err := log.HeadHash()
		if err != nil {
			t.Fatal(err)
		}
		root := signed(t, p, p.Epoch.Root(1, scenario.Now+10, checkpoint), 0, 1, 2)
		if _, err := l.Accept(t.Context(), root); err != nil {
			t.Fatal(err)
		}
		b, err := bundle.New(p.Set, env)
		if err != nil {
			t.Fatal(err)
		}
		inclusion, err := log.Inclusion(0)
		if err != nil {
			t.Fatal(err)
		}
		b.EpochRoot, b.Log = root, &bundle.Log{Contribution: inclusion}
		if units, err := l.PayBundle(t.Context(), b); class(err) != "bad-path" || units != (proofs.Uint128{}) {
			t.Errorf("%s units to a contribution in no leaf: %v", units, err)
		}
	})
}

func TestARevokedRootStopsPayingAndACorrectedOneTakesItsPlace(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		p := newPool(t)
		l := newLedger(t, d, p)
		if _, err := l.Accept(t.Context(), p.Root); err != nil {
			t.Fatal(err)
		}
		if err := l.Revoke(t.Context(), revocation(t, p, p.Root)); err != nil {
			t.Fatal(err)
		}
		if paid, err := l.PayEpoch(t.Context(), p.Epoch.File()); err == nil || paid.Accounts != 0 {
			t.Errorf("%+v paid on a revoked root: %v", paid, err)
		}
		if due, err := l.Due(t.Context()); err != nil || due != (proofs.Uint128{}) {
			t.Errorf("%s due on a revoked root: %v", due, err)
		}
		corrected := signed(t, p, p.Epoch.Root(1, scenario.Now+10, scenario.ID("corrected")), 0, 1, 2)
		if _, err := l.Accept(t.Context(), corrected); err != nil {
			t.Errorf("the corrected root: %v", err)
		}
		if _, err := l.Accept(t.Context(), p.Root); class(err) != "revoked" {
			t.Errorf("the revoked root again: %v", err)
		}
		if paid, err := l.PayEpoch(t.Context(), p.Epoch.File()); err != nil || paid.Accounts != len(p.Epoch.Leaves) {
			t.Errorf("%+v paid on the corrected root: %v", paid, err)
		}
	})
}

func TestNoRootBricksALedger(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		p := newPool(t)
		l := newLedger(t, d, p)
		for _, last := range []uint64{math.MaxInt64, math.MaxUint64} {
			bad := p.Epoch.Root(1, scenario.Now+10, scenario.ID("checkpoint"))
			bad.Epoch = last
			if _, err := l.Accept(t.Context(), signed(t, p, bad, 0, 1, 2)); class(err) != "epoch-too-far" {
				t.Errorf("epoch %d: %v", last, err)
			}
		}
		if _, err := l.Accept(t.Context(), p.Root); err != nil {
			t.Errorf("the next epoch: %v", err)
		}
	})
}

func TestALateClaimIsPaidAsItsEpochIsAfterAVoteAndARotation(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		p := newPool(t)
		l := newLedger(t, d, p)
		if _, err := l.Accept(t.Context(), p.Root); err != nil {
			t.Fatal(err)
		}
		claim := func(worker int, when string) {
			t.Helper()
			b, err := p.Bundle(worker)
			if err != nil {
				t.Fatal(err)
			}
			if units, err := l.PayBundle(t.Context(), b); err != nil || units == (proofs.Uint128{}) {
				t.Errorf("%s: %s units: %v", when, units, err)
			}
		}
		if err := l.SetPolicy(t.Context(), scenario.ID("voted")); err != nil {
			t.Fatal(err)
		}
		claim(0, "after a vote")
		next := p.Set
		var err error
		if next.Previous, err = digestOf(p.Set); err != nil {
			t.Fatal(err)
		}
		next.Set, next.Keys, next.Threshold = 2, p.Set.Keys[:3], 2
		if err := l.Rotate(t.Context(), signed(t, p, next, 0, 1, 2)); err != nil {
			t.Fatal(err)
		}
		claim(1, "after a rotation")
		if paid, err := l.PayEpoch(t.Context(), p.Epoch.File()); err != nil || paid.Accounts != len(p.Epoch.Leaves)-2 {
			t.Errorf("%+v paid: %v", paid, err)
		}
	})
}

func signed(t testing.TB, p *scenario.Pool, s proofs.Statement, places ...int) *proofs.Envelope {
	t.Helper()
	env, err := p.Sign(s, places...)
	if err != nil {
		t.Fatal(err)
	}
	return env
}

// revocation takes a root back, by three of the pool's keys.
func revocation(t testing.TB, p *scenario.Pool, root *proofs.Envelope) *proofs.Envelope {
	t.Helper()
	return signed(t, p, proofs.Revocation{
		Audience: p.Set.Audience, PoolID: p.Set.PoolID, Epoch: 2, Target: sha256.Sum256(root.Body), TargetKind: 2, Reason: 1, SignerSet: 1, IssuedAt: scenario.Now,
	}, 0, 1, 2)
}

// Sixteen appliers whose transactions the database may refuse as not serializable.
func TestSixteenAppliersAtTheStrictestIsolationAllSucceed(t *testing.T) {
	d := postgresServer(t)
	d.name += "&default_transaction_isolation=serializable"
	p := newPool(t)
	if _, err := newLedger(t, d, p).Accept(t.Context(), p.Root); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 16 {
		l := newLedger(t, d, p)
		all.Go(func() {
			b, err := p.Bundle(i % (scenario.Workers - 1))
			if err == nil {
				_, err = l.PayBundle(t.Context(), b)
			}
			if err != nil {
				t.Errorf("applier %d: %v", i, err)
			}
		})
	}
	all.Wait()
}
