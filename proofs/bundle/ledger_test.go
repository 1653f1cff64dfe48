package bundle_test

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"reflect"
	"testing"
	"time"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/bundle"
	"github.com/verifyd/verifyd/proofs/internal/class"
	"github.com/verifyd/verifyd/proofs/internal/scenario"
)

// refused demands that a call fails with a class and field and leaves the
// ledger as it was.
func refused(t *testing.T, what string, l *bundle.Ledger, call func() error, wantClass, wantField string) {
	t.Helper()
	before := *l
	err := call()
	if kind, field := fault(err); kind != wantClass || field != wantField {
		t.Errorf("%s: %s of %s: %v", what, kind, field, err)
	}
	if !reflect.DeepEqual(*l, before) {
		t.Errorf("%s: refused, and the ledger is another", what)
	}
}

func TestALedgerTakesEachEpochOnceAndNeverLess(t *testing.T) {
	p := pool(t)
	l := ledger(t, p)
	root, err := l.Accept(p.Root)
	if err != nil || root != l.Last().EpochRoot || root.Epoch != 2 {
		t.Fatalf("%+v, %v", root, err)
	}
	accept := func(env *proofs.Envelope) func() error {
		return func() error { _, err := l.Accept(env); return err }
	}
	refused(t, "the same again", l, accept(p.Root), class.ReplayedEpoch, "payload.epoch")

	next := root
	next.Epoch = 1
	refused(t, "an earlier one", l, accept(sign(t, p, next, 0, 1, 2)), class.ReplayedEpoch, "payload.epoch")
	next = root
	next.Epoch, next.CumulativeUnits = 3, proofs.Uint(1)
	refused(t, "a lesser total", l, accept(sign(t, p, next, 0, 1, 2)), class.Decreasing, "payload.cumulativeUnits")
	next = root
	next.Epoch = 5 // epochs may be skipped
	refused(t, "two signers", l, accept(sign(t, p, next, 3, 4)), class.BelowQuorum, "signatures")
	if _, err := l.Accept(sign(t, p, next, 0, 3, 4)); err != nil {
		t.Error(err)
	}
	refused(t, "a contribution", l, accept(p.Signed[0]), class.WrongType, "payloadType")
}

func TestOneKeyThatSignsThriceIsNoQuorum(t *testing.T) {
	p := pool(t)
	one := sign(t, p, p.Epoch.Root(1, scenario.Now, proofs.Hash{1}), 3)
	for range 2 {
		one.Signatures = append(one.Signatures, one.Signatures[0])
	}
	l := ledger(t, p)
	refused(t, "one key thrice", l, func() error { _, err := l.Accept(one); return err }, class.Duplicate, "signatures[1].keyid")
}

func TestVerifiersWhoSignApartPutTheirSignaturesTogether(t *testing.T) {
	p := pool(t)
	root := p.Epoch.Root(1, scenario.Now, proofs.Hash{1})
	together := sign(t, p, root, 4)
	for _, place := range []int{2, 0} {
		together.Signatures = append(together.Signatures, sign(t, p, root, place).Signatures...)
	}
	read, err := proofs.ParseEnvelope(together.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ledger(t, p).Accept(read); err != nil {
		t.Error(err)
	}
}

func TestARootThatWasTakenBackIsNotAccepted(t *testing.T) {
	p := pool(t)
	l := ledger(t, p)
	r := proofs.Revocation{
		Audience: l.Audience, PoolID: l.PoolID, Epoch: 2, Target: sha256.Sum256(p.Root.Body), TargetKind: 2, SignerSet: 1, IssuedAt: scenario.Now,
	}
	revoke := func(r proofs.Revocation, places ...int) func() error {
		return func() error { _, err := l.Revoke(sign(t, p, r, places...)); return err }
	}
	refused(t, "by two", l, revoke(r, 0, 1), class.BelowQuorum, "signatures")
	late := r
	late.IssuedAt += 301
	refused(t, "from the future", l, revoke(late, 0, 1, 2), class.FromTheFuture, "payload.issuedAt")
	late.IssuedAt = r.IssuedAt
	late.SignerSet = 2
	refused(t, "of another set", l, revoke(late, 0, 1, 2), class.WrongSignerSet, "payload.signerSet")
	if err := revoke(r, 0, 1, 2)(); err != nil {
		t.Fatal(err)
	}
	refused(t, "taken back", l, func() error { _, err := l.Accept(p.Root); return err }, class.Revoked, "payload")
}

// next is the set after the pool's: the first key goes, one comes.
func next(t *testing.T, p *scenario.Pool) (proofs.SignerSet, crypto.Signer) {
	t.Helper()
	added, err := scenario.ES256("verifier d")
	if err != nil {
		t.Fatal(err)
	}
	key, err := proofs.NewKey(added.Public())
	if err != nil {
		t.Fatal(err)
	}
	body, err := proofs.Encode(p.Set)
	if err != nil {
		t.Fatal(err)
	}
	set := p.Set
	set.Set, set.Previous = 2, sha256.Sum256(body)
	set.Keys = append([]proofs.Key{key}, p.Set.Keys[1:]...)
	scenario.Order(set.Keys)
	return set, added
}

func with(t *testing.T, p *scenario.Pool, s proofs.Statement, extra crypto.Signer, places ...int) *proofs.Envelope {
	t.Helper()
	signers := make([]crypto.Signer, 0, len(places)+1)
	for _, i := range places {
		signers = append(signers, p.Signers[p.Set.Keys[i]])
	}
	if extra != nil {
		signers = append(signers, extra)
	}
	env, err := proofs.Sign(s, signers...)
	if err != nil {
		t.Fatal(err)
	}
	env, err = proofs.ParseEnvelope(env.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return env
}

func TestARotationNeedsTheOldQuorumAndEveryNewKey(t *testing.T) {
	p := pool(t)
	l := ledger(t, p)
	set, added := next(t, p)
	rotate := func(f func(*proofs.SignerSet), extra crypto.Signer, places ...int) func() error {
		s := set
		if f != nil {
			f(&s)
		}
		return func() error { return l.Rotate(with(t, p, s, extra, places...)) }
	}
	refused(t, "without the new key", l, rotate(nil, nil, 0, 1, 2), class.BadRotation, "signatures")
	refused(t, "by two old keys and the new one", l, rotate(nil, added, 1, 2), class.BelowQuorum, "signatures")
	refused(t, "by the new key alone", l, rotate(nil, added), class.BelowQuorum, "signatures")
	refused(t, "a set too far", l, rotate(func(s *proofs.SignerSet) { s.Set = 3 }, added, 0, 1, 2), class.BadRotation, "payload.set")
	refused(t, "after another set", l, rotate(func(s *proofs.SignerSet) { s.Previous[0] ^= 1 }, added, 0, 1, 2), class.BadRotation, "payload.previous")
	refused(t, "of another pool", l, rotate(func(s *proofs.SignerSet) { s.PoolID[0] ^= 1 }, added, 0, 1, 2), class.WrongPool, "payload.poolId")
	refused(t, "from the future", l, rotate(func(s *proofs.SignerSet) { s.IssuedAt = scenario.Now + 301 }, added, 0, 1, 2), class.FromTheFuture, "payload.issuedAt")
	refused(t, "by a stranger too", l, rotate(nil, scenario.Ed25519("stranger"), 0, 1, 2), class.WrongSignerSet, strangerField(t, p, set))

	old := p.Root
	if err := rotate(nil, added, 0, 1, 2)(); err != nil {
		t.Fatal(err)
	}
	refused(t, "a root of the old set", l, func() error { _, err := l.Accept(old); return err }, class.WrongSignerSet, "payload.signerSet")
	refused(t, "the same rotation again", l, rotate(nil, added, 0, 1, 2), class.BadRotation, "payload.set")
	root := p.Epoch.Root(2, scenario.Now, proofs.Hash{1})
	refused(t, "a key that is gone", l, func() error { _, err := l.Accept(with(t, p, root, added, 0, 1)); return err },
		class.WrongSignerSet, goneField(t, p, root, added))
	if _, err := l.Accept(with(t, p, root, added, 1, 2)); err != nil {
		t.Error(err)
	}
}

// strangerField is where the stranger's signature comes in order.
func strangerField(t *testing.T, p *scenario.Pool, s proofs.Statement) string {
	t.Helper()
	return place(t, with(t, p, s, scenario.Ed25519("stranger"), 0, 1, 2), scenario.Ed25519("stranger").Public())
}

func goneField(t *testing.T, p *scenario.Pool, s proofs.Statement, added crypto.Signer) string {
	t.Helper()
	return place(t, with(t, p, s, added, 0, 1), p.Set.Keys[0])
}

func place(t *testing.T, env *proofs.Envelope, pub crypto.PublicKey) string {
	t.Helper()
	id, err := proofs.KeyID(pub)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range env.Signatures {
		if bytes.Equal(s.KeyID[:], id[:]) {
			return "signatures[" + string(rune('0'+i)) + "].keyid"
		}
	}
	t.Fatal("not among the signers")
	return ""
}

// TestAContributionOutlivesItsVerifiersKey: a worker who was idle while keys
// changed still claims, because the new quorum's root holds its leaf.
func TestAContributionOutlivesItsVerifiersKey(t *testing.T) {
	p := pool(t)
	l := ledger(t, p)
	set, added := next(t, p)
	if err := l.Rotate(with(t, p, set, added, 0, 1, 2)); err != nil {
		t.Fatal(err)
	}
	b, err := bundle.New(set, p.Signed[0]) // by the key that is gone
	if err != nil {
		t.Fatal(err)
	}
	b.Merkle = bundleOf(t, p, 0).Merkle
	b.EpochRoot = with(t, p, p.Epoch.Root(2, scenario.Now, proofs.Hash{1}), added, 1, 2)
	if _, err := b.Verify(l); err != nil {
		t.Error(err)
	}
	b.Merkle, b.EpochRoot = nil, nil
	if _, err := b.Verify(l); err == nil {
		t.Error("a key that is gone vouches alone")
	}
}

func TestTheLastSecondIsInTimeAndTheNextIsNot(t *testing.T) {
	p := pool(t)
	l := ledger(t, p)
	l.Now = time.Unix(scenario.Now+86_401, 0)
	refused(t, "a second late", l, func() error { _, err := l.Accept(p.Root); return err }, class.Expired, "payload.notAfter")
	l.Now = time.Unix(scenario.Now+86_400, 0)
	if _, err := l.Accept(p.Root); err != nil {
		t.Error(err)
	}
}
