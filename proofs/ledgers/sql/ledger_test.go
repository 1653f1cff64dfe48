package sql

import (
	"crypto/sha256"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/internal/scenario"
)

func TestAnEpochIsPaidOnceWhoeverPaysItAndHow(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		p := newPool(t)
		l := newLedger(t, d, p)
		if _, err := l.Accept(t.Context(), p.Root); err != nil {
			t.Fatal(err)
		}
		claim, err := p.Bundle(1)
		if err != nil {
			t.Fatal(err)
		}
		l.Now = func() time.Time { return now.AddDate(1, 0, 0) } // the root has expired, the claim has not
		for _, want := range []string{"2200", "0"} {             // the total of epoch 1 was never paid here, so the claim brings it too
			if units, err := l.PayBundle(t.Context(), claim); err != nil || units.String() != want {
				t.Errorf("%s units, want %s: %v", units, want, err)
			}
		}
		for _, want := range []int{len(p.Epoch.Leaves) - 1, 0} {
			if paid, err := l.PayEpoch(t.Context(), p.Epoch.File()); err != nil || paid.Accounts != want {
				t.Errorf("%+v, want %d accounts: %v", paid, want, err)
			}
		}
		for _, leaf := range p.Epoch.Leaves {
			if units, err := l.Balance(t.Context(), leaf.Account); err != nil || units != leaf.CumulativeUnits {
				t.Errorf("%s has %s, want %s: %v", leaf.Account, units, leaf.CumulativeUnits, err)
			}
		}
		if due, err := l.Due(t.Context()); err != nil || due != (proofs.Uint128{}) {
			t.Errorf("%s due: %v", due, err)
		}
		if units, err := l.Balance(t.Context(), scenario.ID("nobody")); err != nil || units != (proofs.Uint128{}) {
			t.Errorf("nobody has %s: %v", units, err)
		}
	})
}

// class is the failure class of a refusal.
func class(err error) string {
	var refused *proofs.Error
	if errors.As(err, &refused) {
		return refused.Class
	}
	return ""
}

func digestOf(s proofs.Statement) (proofs.Hash, error) {
	body, err := proofs.Encode(s)
	return sha256.Sum256(body), err
}

func TestWhatIsRefusedChangesNothing(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		p := newPool(t)
		l := newLedger(t, d, p)
		claim, err := p.Bundle(0)
		if err != nil {
			t.Fatal(err)
		}
		rejected, err := p.Bundle(scenario.Workers - 1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.PayBundle(t.Context(), claim); err == nil || !strings.Contains(err.Error(), "not a root that this ledger has accepted") {
			t.Errorf("before its root: %v", err)
		}
		root := p.Epoch.Root(1, scenario.Now+10, scenario.ID("checkpoint"))
		sign := func(root proofs.EpochRoot, places ...int) *proofs.Envelope {
			env, err := p.Sign(root, places...)
			if err != nil {
				t.Fatal(err)
			}
			return env
		}
		other := root
		other.PolicyHash = scenario.ID("another policy")
		foreign := root
		foreign.Audience = scenario.ID("another ledger")
		late := root
		late.NotAfter = scenario.Now - 1
		for want, env := range map[string]*proofs.Envelope{
			"below-quorum":   sign(root, 0, 1),
			"wrong-policy":   sign(other, 0, 1, 2),
			"wrong-audience": sign(foreign, 0, 1, 2),
			"expired":        sign(late, 0, 1, 2),
		} {
			if _, err := l.Accept(t.Context(), env); class(err) != want {
				t.Errorf("%v, want %s", err, want)
			}
		}
		if _, err := l.Accept(t.Context(), p.Root); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Accept(t.Context(), p.Root); class(err) != "replayed-epoch" {
			t.Errorf("again: %v", err)
		}
		if _, err := l.PayBundle(t.Context(), rejected); class(err) != "bad-path" {
			t.Errorf("a rejected claim: %v", err)
		}
		file := p.Epoch.File()
		file[len(file)-1] ^= 1
		if _, err := l.PayEpoch(t.Context(), file); err == nil {
			t.Error("another leaf file was paid")
		}
		db := d.open(t)
		for _, table := range []string{"verifyd_account", "verifyd_credit"} {
			if n := count(t, db, "SELECT count(*) FROM "+table); n != 0 {
				t.Errorf("%d rows in %s", n, table)
			}
		}
		if n := count(t, db, "SELECT count(*) FROM verifyd_epoch"); n != 1 {
			t.Errorf("%d epochs", n)
		}
	})
}

func TestAVoteEndsWhatTheOldPolicyMints(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		p := newPool(t)
		l := newLedger(t, d, p)
		if err := l.SetPolicy(t.Context(), scenario.ID("voted")); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Accept(t.Context(), p.Root); class(err) != "wrong-policy" {
			t.Errorf("%v, want wrong-policy", err)
		}
	})
}

func TestRotatedAndRevokedSurviveTheConnection(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		p := newPool(t)
		l := newLedger(t, d, p)
		next := p.Set
		digest, err := digestOf(p.Set)
		if err != nil {
			t.Fatal(err)
		}
		next.Set, next.Previous, next.Keys = 2, digest, p.Set.Keys[:4]
		rotation, err := p.Sign(next, 0, 1, 2)
		if err != nil {
			t.Fatal(err)
		}
		target, err := digestOf(p.Contributions[0])
		if err != nil {
			t.Fatal(err)
		}
		taken, err := p.Sign(proofs.Revocation{
			Audience: p.Set.Audience, PoolID: p.Set.PoolID, Target: target, TargetKind: 1, Reason: 1, Epoch: 2, SignerSet: 1, IssuedAt: scenario.Now,
		}, 0, 1, 2)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // revoking twice is no error
			if err := l.Revoke(t.Context(), taken); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.Rotate(t.Context(), rotation); err != nil {
			t.Fatal(err)
		}
		again := newLedger(t, d, p)
		if _, err := again.Accept(t.Context(), p.Root); class(err) != "wrong-signer-set" {
			t.Errorf("a root of the old set: %v", err)
		}
		root := p.Epoch.Root(2, scenario.Now+10, scenario.ID("checkpoint"))
		signed, err := p.Sign(root, 0, 1, 2)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := again.Accept(t.Context(), signed); err != nil {
			t.Errorf("a root of the new set: %v", err)
		}
		err = again.inTurn(t.Context(), func(turn *turn) error {
			if !turn.held.Revoked[target] || len(turn.held.Former) != 1 {
				t.Errorf("%+v", turn.held)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
