package pool_test

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"errors"
	"slices"
	"testing"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/translog"
	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/spent"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// quorum is a pool's signer set of three keys, two of which must sign.
type quorum struct {
	set     proofs.SignerSet
	signers []crypto.Signer // in the order of the set's keys
}

func newQuorum(t *testing.T) *quorum {
	t.Helper()
	q := &quorum{set: proofs.SignerSet{Audience: proofs.Hash{1}, PoolID: proofs.Hash{2}, Set: 1, IssuedAt: 1, Threshold: 2}}
	type pair struct {
		key    proofs.Key
		signer crypto.Signer
	}
	var pairs []pair
	for i := range byte(3) {
		signer := must(verifytest.NewKey(50 + i))(t)
		pairs = append(pairs, pair{must(proofs.NewKey(signer.Public()))(t), signer})
	}
	slices.SortFunc(pairs, func(a, b pair) int { return bytes.Compare(a.key.X[:], b.key.X[:]) })
	for _, p := range pairs {
		q.set.Keys, q.signers = append(q.set.Keys, p.key), append(q.signers, p.signer)
	}
	return q
}

// entry is a statement as a log holds it, signed by some of the quorum.
func (q *quorum) entry(t *testing.T, s proofs.Statement, by ...int) []byte {
	t.Helper()
	var signers []crypto.Signer
	for _, i := range by {
		signers = append(signers, q.signers[i])
	}
	return must(proofs.Sign(s, signers...))(t).Bytes()
}

// takesBack is the revocation of a contribution.
func (q *quorum) takesBack(t *testing.T, c proofs.Contribution) proofs.Revocation {
	t.Helper()
	body := must(proofs.Encode(c))(t)
	return proofs.Revocation{
		Audience: q.set.Audience, PoolID: q.set.PoolID, Epoch: c.Epoch, Target: sha256.Sum256(body), TargetKind: 1,
		Reason: uint32(proofs.Mismatch), SignerSet: q.set.Set, IssuedAt: 1,
	}
}

// pays is a contribution for a slot, paid in an epoch.
func pays(slot uint32, epoch, issued uint64) proofs.Contribution {
	return proofs.Contribution{
		Audience: proofs.Hash{1}, PoolID: proofs.Hash{2}, TaskID: proofs.Hash{3}, WorkerID: proofs.Hash{4}, Slot: slot,
		Epoch: epoch, IssuedAt: issued, Verdict: proofs.Verdict{Kind: proofs.Accepted},
	}
}

func isSpent(err error) bool {
	var already *spent.Error
	return errors.As(err, &already)
}

func TestALogTakesOneBodyForAWorkWheneverItIsOpened(t *testing.T) {
	q, l := newQuorum(t), newRig(t).log(t)
	appends := func(entries ...[]byte) error {
		return l.Write(t.Context(), func(l *translog.Log) error {
			_, err := l.Append(t.Context(), entries...)
			return err
		})
	}
	first := q.entry(t, pays(0, 1, 100), 0)
	for name, entries := range map[string][][]byte{
		"the first body": {first, []byte("something else")}, "another signer of it": {q.entry(t, pays(0, 1, 100), 1)}, "another slot": {q.entry(t, pays(1, 1, 100), 0)},
	} {
		if err := appends(entries...); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, entries := range map[string][][]byte{
		"the next epoch":        {q.entry(t, pays(0, 2, 100), 0)},
		"once more":             {q.entry(t, pays(0, 1, 101), 1)},
		"two of a kind at once": {q.entry(t, pays(2, 1, 100), 0), q.entry(t, pays(2, 1, 101), 0)},
	} {
		if err := appends(entries...); !isSpent(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := appends(q.entry(t, pays(2, 1, 101), 0)); err != nil {
		t.Errorf("what was refused left a part: %v", err)
	}
	if err := appends(first); err != nil {
		t.Errorf("what is in the log: %v", err)
	}
}

func TestALogTakesACorrectionOnceAQuorumTookTheFirstBodyBack(t *testing.T) {
	q, l := newQuorum(t), newRig(t).log(t)
	wrong, right := pays(0, 1, 100), pays(0, 1, 200)
	appends := func(entries ...[]byte) error {
		return l.Write(t.Context(), func(l *translog.Log) error {
			_, err := l.Append(t.Context(), entries...)
			return err
		})
	}
	if err := appends(q.entry(t, q.set, 0, 1, 2), q.entry(t, wrong, 0)); err != nil {
		t.Fatal(err)
	}
	if err := appends(q.entry(t, q.takesBack(t, wrong), 0)); err != nil { // one of two
		t.Fatal(err)
	}
	if err := appends(q.entry(t, right, 0)); !isSpent(err) {
		t.Errorf("taken back by one of two: %v", err)
	}
	if err := appends(q.entry(t, q.takesBack(t, wrong), 0, 2), q.entry(t, right, 1)); err != nil {
		t.Errorf("the correction beside its revocation: %v", err)
	}
	if err := appends(q.entry(t, pays(0, 2, 300), 0)); !isSpent(err) {
		t.Errorf("a second correction: %v", err)
	}
}

func TestNobodySpendsWorkInALogThatKnowsThePoolsSigners(t *testing.T) {
	q := newQuorum(t)
	stranger := must(verifytest.NewKey(99))(t)
	g := pool.NewGate()
	if err := g.Admit([][]byte{q.entry(t, q.set, 0, 1, 2)}); err != nil {
		t.Fatal(err)
	}
	squatter := pays(0, 1, 1)
	if err := g.Admit([][]byte{must(proofs.Sign(squatter, stranger))(t).Bytes()}); err != nil {
		t.Errorf("a stranger's contribution is a matter of those who read the log: %v", err)
	}
	forged := must(proofs.Sign(squatter, stranger))(t)
	forged.Signatures[0].KeyID = must(proofs.KeyID(q.set.Keys[0]))(t)
	if err := g.Admit([][]byte{forged.Bytes()}); err == nil {
		t.Error("a contribution in another's name was taken")
	}
	if err := g.Admit([][]byte{q.entry(t, pays(0, 1, 100), 0)}); err != nil {
		t.Errorf("the pool's own is in nobody's way: %v", err)
	}
	if err := g.Admit([][]byte{q.entry(t, pays(0, 2, 100), 1)}); !isSpent(err) {
		t.Errorf("another body of the pool's: %v", err)
	}
}

func TestASetThatDoesNotFollowHasNoSayInALog(t *testing.T) {
	q := newQuorum(t)
	g := pool.NewGate()
	wrong := pays(0, 1, 100)
	if err := g.Admit([][]byte{q.entry(t, q.set, 0, 1, 2), q.entry(t, wrong, 0)}); err != nil {
		t.Fatal(err)
	}
	stranger := must(verifytest.NewKey(99))(t)
	set := q.set
	set.Set, set.Threshold, set.Keys = 1, 1, []proofs.Key{must(proofs.NewKey(stranger.Public()))(t)}
	own := must(proofs.Sign(set, stranger))(t).Bytes()
	revocation := must(proofs.Sign(q.takesBack(t, wrong), stranger))(t).Bytes()
	if err := g.Admit([][]byte{own, revocation}); err != nil {
		t.Fatal(err)
	}
	if err := g.Admit([][]byte{q.entry(t, pays(0, 1, 200), 0)}); !isSpent(err) {
		t.Errorf("taken back by a set of a stranger's own: %v", err)
	}
}

// FuzzGate: whatever is appended, a gate does not panic, and says of what it has let in the same when it is told of it.
func FuzzGate(f *testing.F) {
	f.Add([]byte(`{"payloadType":"application/vnd.verifyd.contribution.v1+abi","payload":"","signatures":[]}`), []byte("x"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		g, again := pool.NewGate(), pool.NewGate()
		if g.Admit([][]byte{a}) == nil {
			again.Holds(a)
		}
		if (g.Admit([][]byte{b}) == nil) != (again.Admit([][]byte{b}) == nil) {
			t.Fatal("two answers")
		}
	})
}
