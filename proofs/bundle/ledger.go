package bundle

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/internal/class"
	"github.com/verifyd/verifyd/proofs/translog"
)

// Tolerance is how far ahead of a reader's clock a statement may be issued.
const Tolerance = 300 * time.Second

// DefaultEpochGrowth is by how much the epoch may grow from one accepted root
// to the next where a ledger pins no other bound. 2^64 epochs are 2^48 such
// leaps away, so that no root leaves a ledger without a next epoch; and a
// ledger may join a pool that has counted for seven years by the hour.
const DefaultEpochGrowth = 1 << 16

// A Ledger is what the one who acts on proofs knows and no proof can say. The
// methods that change it do so only if they return no error. It is of one
// goroutine.
type Ledger struct {
	// Audience is the ledger's own name; see [proofs.Audience].
	Audience proofs.Hash
	// PoolID is the pool that it pays for.
	PoolID proofs.Hash
	// PolicyHash is the policy in force. Zero accepts any, for a reader who
	// only wants to know what was signed.
	PolicyHash proofs.Hash
	// Signers is the set in force. The first one comes from somewhere that is
	// trusted.
	Signers proofs.SignerSet
	// Former are the sets before it: their keys still vouch for contributions
	// that a quorum's epoch root holds, and for the roots accepted in their time.
	Former []proofs.SignerSet
	// EpochGrowth is the most by which the epoch may grow from one accepted root
	// to the next; zero stands for [DefaultEpochGrowth].
	EpochGrowth uint64
	// Accepted are the epoch roots that were accepted and not taken back, in
	// ascending order of epoch. The last one pays; claims may name any. Those
	// that nobody will name again may be left out, the last but one only if no
	// revocation will come.
	Accepted []Root
	// Paid is what was paid to all accounts in all; zero for a reader who pays
	// nothing. See [Ledger.Credit].
	Paid proofs.Uint128
	// Revoked holds the digests of statements that were taken back.
	Revoked map[proofs.Hash]bool
	// Log says which log, and which witnesses, checkpoints must be signed by.
	// Without it a bundle with a log is refused.
	Log *translog.Policy
	// Now is the moment to judge as of. If it is zero no clock is asked.
	Now time.Time
}

// A Root is an accepted epoch root and its digest, the SHA-256 of its body.
type Root struct {
	proofs.EpochRoot
	Digest proofs.Hash
}

// Last is the last good root: accepted and not taken back. It is zero if there
// is none.
func (l *Ledger) Last() Root {
	if len(l.Accepted) == 0 {
		return Root{}
	}
	return l.Accepted[len(l.Accepted)-1]
}

// Accept takes the next epoch root: meant for this ledger, signed by a quorum
// of the set in force, under the policy in force, in time, newer than the last
// good one but not by more than EpochGrowth, and neither below it nor below
// what was paid.
func (l *Ledger) Accept(env *proofs.Envelope) (proofs.EpochRoot, error) {
	root, err := l.readRoot(env)
	if err != nil {
		return proofs.EpochRoot{}, err
	}
	growth := l.EpochGrowth
	if growth == 0 {
		growth = DefaultEpochGrowth
	}
	last := l.Last()
	switch {
	case root.Epoch <= last.Epoch:
		err = refuse(class.ReplayedEpoch, "payload.epoch", "%d, but %d was accepted before", root.Epoch, last.Epoch)
	case root.Epoch-last.Epoch > growth:
		err = refuse(class.EpochTooFar, "payload.epoch", "%d, but %d was accepted before and one root may go %d further", root.Epoch, last.Epoch, growth)
	case root.CumulativeUnits.Cmp(last.CumulativeUnits) < 0:
		err = refuse(class.Decreasing, "payload.cumulativeUnits", "%s, but epoch %d had %s", root.CumulativeUnits, last.Epoch, last.CumulativeUnits)
	case root.CumulativeUnits.Cmp(l.Paid) < 0:
		err = refuse(class.Decreasing, "payload.cumulativeUnits", "%s, but %s were paid", root.CumulativeUnits, l.Paid)
	}
	if err != nil {
		return proofs.EpochRoot{}, err
	}
	l.Accepted = append(slices.Clone(l.Accepted), Root{root, sha256.Sum256(env.Body)})
	return root, nil
}

// readRoot checks everything about an epoch root but its place in the
// sequence.
func (l *Ledger) readRoot(env *proofs.Envelope) (proofs.EpochRoot, error) {
	root, err := stated[proofs.EpochRoot](env)
	if err != nil {
		return root, err
	}
	if err := l.meant(root.Audience, root.PoolID); err != nil {
		return root, err
	}
	if err := l.quorum(env, root.SignerSet); err != nil {
		return root, err
	}
	if l.PolicyHash != (proofs.Hash{}) && root.PolicyHash != l.PolicyHash {
		return root, refuse(class.WrongPolicy, "payload.policyHash", "%s, but %s is in force", root.PolicyHash, l.PolicyHash)
	}
	if now := l.Now.Unix(); !l.Now.IsZero() && (now < 0 || uint64(now) > root.NotAfter) {
		return root, refuse(class.Expired, "payload.notAfter", "%d is past: it is %d", root.NotAfter, now)
	}
	return root, l.notRevoked(env)
}

// accepted is the accepted root that an envelope holds, if it does, and the
// set that was in force when it was accepted.
func (l *Ledger) accepted(env *proofs.Envelope) (root Root, set proofs.SignerSet, ok bool) {
	if env == nil {
		return root, set, false
	}
	digest := proofs.Hash(sha256.Sum256(env.Body))
	i := slices.IndexFunc(l.Accepted, func(r Root) bool { return r.Digest == digest })
	if i < 0 {
		return root, set, false
	}
	root = l.Accepted[i]
	for _, set := range append(slices.Clone(l.Former), l.Signers) {
		if set.Set == root.SignerSet {
			return root, set, true
		}
	}
	return root, set, false
}

// Revoke takes back a statement. From then on it is refused; and an epoch root
// pays nothing more: the last good one before it is the last one again.
func (l *Ledger) Revoke(env *proofs.Envelope) (proofs.Revocation, error) {
	r, err := stated[proofs.Revocation](env)
	if err != nil {
		return r, err
	}
	if err := l.meant(r.Audience, r.PoolID); err != nil {
		return r, err
	}
	if err := l.quorum(env, r.SignerSet); err != nil {
		return r, err
	}
	if err := l.issued(r.IssuedAt); err != nil {
		return r, err
	}
	if l.Revoked == nil {
		l.Revoked = make(map[proofs.Hash]bool)
	}
	l.Revoked[r.Target] = true
	l.Accepted = slices.DeleteFunc(slices.Clone(l.Accepted), func(root Root) bool { return root.Digest == r.Target })
	return r, nil
}

// Rotate puts the next signer set in force: signed by a quorum of the present
// one and by every key that it adds.
func (l *Ledger) Rotate(env *proofs.Envelope) error {
	next, err := stated[proofs.SignerSet](env)
	if err != nil {
		return err
	}
	if err := l.meant(next.Audience, next.PoolID); err != nil {
		return err
	}
	digest, err := digestOf(l.Signers)
	if err != nil {
		return fmt.Errorf("the signer set in force: %w", err)
	}
	if next.Set != l.Signers.Set+1 {
		return refuse(class.BadRotation, "payload.set", "%d, want %d", next.Set, l.Signers.Set+1)
	}
	if next.Previous != digest {
		return refuse(class.BadRotation, "payload.previous", "%s, but the set in force is %s", next.Previous, digest)
	}
	if err := l.issued(next.IssuedAt); err != nil {
		return err
	}
	all := slices.Clone(l.Signers.Keys)
	for _, k := range next.Keys {
		if !slices.Contains(all, k) {
			all = append(all, k)
		}
	}
	if _, err := proofs.Verify[proofs.SignerSet](env, 1, all...); err != nil {
		return err
	}
	// Every signature is good and by a different key of either set.
	old := 0
	for _, k := range all {
		id, err := proofs.KeyID(k)
		if err != nil {
			return err
		}
		signed := slices.ContainsFunc(env.Signatures, func(s proofs.Signature) bool { return s.KeyID == id })
		switch {
		case slices.Contains(l.Signers.Keys, k):
			if signed {
				old++
			}
		case !signed:
			return refuse(class.BadRotation, "signatures", "the key %s is added and did not sign", id)
		}
	}
	if old < int(l.Signers.Threshold) {
		return refuse(class.BelowQuorum, "signatures", "%d signers of the set in force, want %d", old, l.Signers.Threshold)
	}
	l.Former = append(slices.Clone(l.Former), l.Signers)
	l.Signers = next
	return nil
}

// everyKey is the keys of the set in force and of those before it, each once.
func (l *Ledger) everyKey() []proofs.Key {
	all := slices.Clone(l.Signers.Keys)
	for _, set := range l.Former {
		for _, k := range set.Keys {
			if !slices.Contains(all, k) {
				all = append(all, k)
			}
		}
	}
	return all
}

// quorum checks that a statement names the set in force and that enough of it
// signed.
func (l *Ledger) quorum(env *proofs.Envelope, set uint64) error {
	if set != l.Signers.Set {
		return refuse(class.WrongSignerSet, "payload.signerSet", "%d, but %d is in force", set, l.Signers.Set)
	}
	_, err := proofs.Verify[proofs.Statement](env, int(l.Signers.Threshold), l.Signers.Keys...)
	return err
}

func (l *Ledger) meant(audience, pool proofs.Hash) error {
	if audience != l.Audience {
		return refuse(class.WrongAudience, "payload.audience", "%s, but this ledger is %s", audience, l.Audience)
	}
	if pool != l.PoolID {
		return refuse(class.WrongPool, "payload.poolId", "%s, but this ledger pays for %s", pool, l.PoolID)
	}
	return nil
}

func (l *Ledger) issued(at uint64) error {
	latest := l.Now.Add(Tolerance).Unix()
	if !l.Now.IsZero() && (latest < 0 || at > uint64(latest)) {
		return refuse(class.FromTheFuture, "payload.issuedAt", "%d is more than %s ahead of the clock, %d", at, Tolerance, l.Now.Unix())
	}
	return nil
}

func (l *Ledger) notRevoked(env *proofs.Envelope) error {
	if digest := proofs.Hash(sha256.Sum256(env.Body)); l.Revoked[digest] {
		return refuse(class.Revoked, "payload", "%s was taken back", digest)
	}
	return nil
}

// stated is what an envelope states, unverified, if it is of kind S.
func stated[S proofs.Statement](env *proofs.Envelope) (S, error) {
	parsed, err := proofs.Parse(env.Type, env.Body)
	s, ok := parsed.(S)
	if err == nil && !ok {
		err = refuse(class.WrongType, "payloadType", "%q is not the kind of statement that belongs here", env.Type)
	}
	return s, err
}

func digestOf(s proofs.Statement) (proofs.Hash, error) {
	body, err := proofs.Encode(s)
	return sha256.Sum256(body), err
}

func refuse(class, field, format string, args ...any) error {
	return &proofs.Error{Class: class, Field: field, Reason: fmt.Sprintf(format, args...)}
}

// within puts the name of a member of the bundle before the field of an error.
func within(member string, err error) error {
	var fault *proofs.Error
	if errors.As(err, &fault) {
		return &proofs.Error{Class: fault.Class, Field: member + "." + fault.Field, Reason: fault.Reason}
	}
	return err
}
