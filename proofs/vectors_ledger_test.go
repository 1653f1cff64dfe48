package proofs_test

import (
	"crypto"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"testing"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/internal/class"
	"github.com/verifyd/verifyd/proofs/internal/scenario"
)

// forLedger rows are statements for a ledger that trusts the pool.
type forLedger struct {
	t    *testing.T
	pool *scenario.Pool
}

func (l forLedger) facts(more ...string) []string {
	return append([]string{
		"audience: " + scenario.ID(scenario.Audience).String(), "pool: " + scenario.ID("pool").String(),
		"policy: " + scenario.ID("policy").String(), "signers: " + hex.EncodeToString(encode(l.t, l.pool.Set)),
		fmt.Sprintf("now: %d", scenario.Now),
	}, more...)
}

func (l forLedger) good(name, kind, comment string, env *proofs.Envelope, more ...string) row {
	return row{name: name, kind: kind, comment: comment, expect: success, facts: l.facts(more...), body: env.Bytes(), file: true}
}

func (l forLedger) bad(name, kind, what, comment, class, field string, env *proofs.Envelope, more ...string) row {
	r := l.good(name, kind, comment, env, more...)
	r.class, r.expect = what, refused(class, field)
	return r
}

// sign signs a statement with the pool's keys at some places and others.
func (l forLedger) sign(s proofs.Statement, extra []crypto.Signer, places ...int) *proofs.Envelope {
	l.t.Helper()
	for _, i := range places {
		extra = append(extra, l.pool.Signers[l.pool.Set.Keys[i]])
	}
	env, err := proofs.Sign(s, extra...)
	if err != nil {
		l.t.Fatal(err)
	}
	return env
}

func ledgerRows(t *testing.T) []row {
	pool, err := scenario.New()
	if err != nil {
		t.Fatal(err)
	}
	l := forLedger{t, pool}
	return slices.Concat(l.roots(), l.revocations(), l.rotations())
}

func (l forLedger) roots() []row {
	base := l.pool.Epoch.Root(1, scenario.Now+86_400, scenario.ID("checkpoint"))
	with := func(f func(*proofs.EpochRoot)) *proofs.Envelope {
		r := base
		f(&r)
		return l.sign(r, nil, 0, 3, 4)
	}
	same := with(func(*proofs.EpochRoot) {})
	bad := func(name, what, comment, class, field string, env *proofs.Envelope, more ...string) row {
		return l.bad("root_"+name, "root", what, comment, class, "payload."+field, env, more...)
	}
	return []row{
		l.good("root_first", "root", "the first that a ledger sees", same),
		l.good("root_next", "root", "epoch 2 after 1", same, "last-epoch: 1", "last-total: 10007"),
		l.good("root_same_total", "root", "an epoch that paid nobody", same, "last-epoch: 1", "last-total: 11010"),
		l.good("root_epochs_skipped", "root", "epoch 9 after 1", with(func(r *proofs.EpochRoot) { r.Epoch = 9 }), "last-epoch: 1"),
		l.good("root_last_second", "root", "notAfter is now", with(func(r *proofs.EpochRoot) { r.NotAfter = scenario.Now })),
		bad("replayed", "replayed epoch", "the root that was accepted last", class.ReplayedEpoch, "epoch", same, "last-epoch: 2", "last-total: 11010"),
		bad("older", "replayed epoch", "epoch 2 after 3", class.ReplayedEpoch, "epoch", same, "last-epoch: 3"),
		bad("decreasing", "decreasing total", "one unit less than before", class.Decreasing, "cumulativeUnits", same, "last-epoch: 1", "last-total: 11011"),
		l.good("root_of_the_last_leap", "root", "65,536 epochs after the last", with(func(r *proofs.EpochRoot) { r.Epoch = 65_537 }), "last-epoch: 1"),
		l.good("root_of_the_ledgers_leap", "root", "as far as this ledger lets it", with(func(r *proofs.EpochRoot) { r.Epoch = 8 }), "growth: 7", "last-epoch: 1"),
		bad("too_far", "epoch too far", "an epoch further than any root may go", class.EpochTooFar, "epoch", with(func(r *proofs.EpochRoot) { r.Epoch = 65_538 }), "last-epoch: 1"),
		bad("too_far_first", "epoch too far", "the first that a ledger sees", class.EpochTooFar, "epoch", with(func(r *proofs.EpochRoot) { r.Epoch = 65_537 })),
		bad("too_far_for_the_ledger", "epoch too far", "an epoch further than this ledger lets it", class.EpochTooFar, "epoch",
			with(func(r *proofs.EpochRoot) { r.Epoch = 9 }), "growth: 7", "last-epoch: 1"),
		bad("last_of_all", "epoch too far", "epoch 2^64-1, behind which there is none", class.EpochTooFar, "epoch", with(func(r *proofs.EpochRoot) { r.Epoch = 1<<64 - 1 })),
		bad("last_of_a_database", "epoch too far", "epoch 2^63-1", class.EpochTooFar, "epoch", with(func(r *proofs.EpochRoot) { r.Epoch = 1<<63 - 1 })),
		l.good("root_of_what_was_paid", "root", "as much as was paid on a root that was taken back", same, "last-epoch: 1", "last-total: 10007", "paid: 11010"),
		bad("below_paid", "decreasing total", "one unit less than was paid", class.Decreasing, "cumulativeUnits", same, "last-epoch: 1", "last-total: 10007", "paid: 11011"),
		bad("expired", "expired", "notAfter is a second ago", class.Expired, "notAfter", with(func(r *proofs.EpochRoot) { r.NotAfter = scenario.Now - 1 })),
		bad("wrong_audience", "wrong audience", "another contract", class.WrongAudience, "audience",
			with(func(r *proofs.EpochRoot) {
				r.Audience = scenario.ID("eip155:1:0xab16a96d359ec26a11e2c2b3d8f8b8942d5bfcdb")
			})),
		bad("wrong_pool", "wrong pool", "another pool", class.WrongPool, "poolId", with(func(r *proofs.EpochRoot) { r.PoolID = scenario.ID("another pool") })),
		bad("wrong_policy", "wrong policy", "the policy before the vote", class.WrongPolicy, "policyHash", with(func(r *proofs.EpochRoot) { r.PolicyHash = scenario.ID("old policy") })),
		bad("wrong_signer_set", "wrong signer set", "of set 2", class.WrongSignerSet, "signerSet", with(func(r *proofs.EpochRoot) { r.SignerSet = 2 })),
		l.bad("root_below_quorum", "root", "below quorum", "two of three", class.BelowQuorum, "signatures", l.sign(base, nil, 3, 4)),
		bad("stranger", "wrong signer set", "set 3 is not in force", class.WrongSignerSet, "signerSet", with(func(r *proofs.EpochRoot) { r.SignerSet = 3 })),
		l.bad("root_revoked", "root", "revoked", "taken back before it came", class.Revoked, "payload", same, "revoked: "+proofs.Hash(sha256.Sum256(same.Body)).String()),
		l.bad("root_is_contribution", "root", "wrong type", "a contribution in a root's place", class.WrongType, "payloadType", l.pool.Signed[0]),
	}
}

func (l forLedger) revocations() []row {
	base := proofs.Revocation{
		Audience: scenario.ID(scenario.Audience), PoolID: scenario.ID("pool"), Epoch: 2, Target: sha256.Sum256(l.pool.Root.Body),
		TargetKind: 2, Reason: 1, SignerSet: 1, IssuedAt: scenario.Now,
	}
	with := func(f func(*proofs.Revocation)) *proofs.Envelope {
		r := base
		f(&r)
		return l.sign(r, nil, 1, 2, 3)
	}
	bad := func(name, what, comment, class, field string, env *proofs.Envelope) row {
		return l.bad("revoke_"+name, "revocation", what, comment, class, field, env)
	}
	return []row{
		l.good("revoke_root", "revocation", "by a quorum", with(func(*proofs.Revocation) {})),
		l.good("revoke_clock_ahead", "revocation", "300 seconds ahead of the reader's clock", with(func(r *proofs.Revocation) { r.IssuedAt += 300 })),
		bad("from_the_future", "from the future", "301 seconds ahead", class.FromTheFuture, "payload.issuedAt", with(func(r *proofs.Revocation) { r.IssuedAt += 301 })),
		bad("wrong_audience", "wrong audience", "another ledger", class.WrongAudience, "payload.audience", with(func(r *proofs.Revocation) { r.Audience[0] ^= 1 })),
		bad("wrong_pool", "wrong pool", "another pool", class.WrongPool, "payload.poolId", with(func(r *proofs.Revocation) { r.PoolID[0] ^= 1 })),
		bad("wrong_signer_set", "wrong signer set", "of set 2", class.WrongSignerSet, "payload.signerSet", with(func(r *proofs.Revocation) { r.SignerSet = 2 })),
		bad("below_quorum", "below quorum", "by two", class.BelowQuorum, "signatures", l.sign(base, nil, 0, 1)),
		bad("is_root", "wrong type", "an epoch root in its place", class.WrongType, "payloadType", l.pool.Root),
	}
}

func (l forLedger) rotations() []row {
	added, err := scenario.ES256("verifier d")
	if err != nil {
		l.t.Fatal(err)
	}
	base := l.pool.Set
	base.Set, base.Previous, base.IssuedAt = 2, sha256.Sum256(encode(l.t, l.pool.Set)), scenario.Now
	base.Keys = append([]proofs.Key{keyOf(l.t, added)}, l.pool.Set.Keys[1:]...)
	scenario.Order(base.Keys)
	fewer := base
	fewer.Keys, fewer.Threshold = l.pool.Set.Keys[:2], 2
	extra := []crypto.Signer{added}
	with := func(f func(*proofs.SignerSet)) *proofs.Envelope {
		s := base
		s.Keys = slices.Clone(base.Keys)
		f(&s)
		return l.sign(s, extra, 0, 1, 2)
	}
	bad := func(name, what, comment, class, field string, env *proofs.Envelope) row {
		return l.bad("rotation_"+name, "rotation", what, comment, class, field, env)
	}
	return []row{
		l.good("rotation_good", "rotation", "one key goes, one comes; by the old quorum and the new key", with(func(*proofs.SignerSet) {})),
		l.good("rotation_only_leavers", "rotation", "three keys go, nobody comes", l.sign(fewer, nil, 2, 3, 4)),
		bad("without_new_key", "bad rotation", "the added key did not sign", class.BadRotation, "signatures", l.sign(base, nil, 0, 1, 2)),
		bad("below_quorum", "below quorum", "two old keys and the new one", class.BelowQuorum, "signatures", l.sign(base, extra, 1, 2)),
		bad("new_key_alone", "below quorum", "the added key appoints itself", class.BelowQuorum, "signatures", l.sign(base, extra)),
		bad("skips", "wrong signer set", "set 3 after 1", class.BadRotation, "payload.set", with(func(s *proofs.SignerSet) { s.Set = 3 })),
		bad("not_next", "wrong signer set", "set 1 again", class.BadRotation, "payload.set", l.sign(l.pool.Set, nil, 0, 1, 2)),
		bad("other_previous", "wrong signer set", "after a set that is not in force", class.BadRotation, "payload.previous", with(func(s *proofs.SignerSet) { s.Previous[0] ^= 1 })),
		bad("wrong_audience", "wrong audience", "another ledger", class.WrongAudience, "payload.audience", with(func(s *proofs.SignerSet) { s.Audience[0] ^= 1 })),
		bad("wrong_pool", "wrong pool", "another pool", class.WrongPool, "payload.poolId", with(func(s *proofs.SignerSet) { s.PoolID[0] ^= 1 })),
		bad("from_the_future", "from the future", "301 seconds ahead", class.FromTheFuture, "payload.issuedAt", with(func(s *proofs.SignerSet) { s.IssuedAt += 301 })),
		bad("is_root", "wrong type", "an epoch root in its place", class.WrongType, "payloadType", l.pool.Root),
	}
}
