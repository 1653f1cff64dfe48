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
	// Former are keys of earlier sets: they still vouch for contributions that
	// a quorum's epoch root holds.
	Former []proofs.Key
	// Last is the epoch root that was accepted last; zero before the first.
	Last proofs.EpochRoot
	// Revoked holds the digests of statements that were taken back.
	Revoked map[proofs.Hash]bool
	// Log says which log, and which witnesses, checkpoints must be signed by.
	// Without it a bundle with a log is refused.
	Log *translog.Policy
	// Now is the moment to judge as of. If it is zero no clock is asked.
	Now time.Time
}

// Accept takes the next epoch root: meant for this ledger, signed by a quorum
// of the set in force, under the policy in force, in time, newer than the last
// and not below it.
func (l *Ledger) Accept(env *proofs.Envelope) (proofs.EpochRoot, error) {
	root, err := l.readRoot(env)
	switch {
	case err != nil:
		return proofs.EpochRoot{}, err
	case root.Epoch <= l.Last.Epoch:
		return proofs.EpochRoot{}, refuse(class.ReplayedEpoch, "payload.epoch", "%d, but %d was accepted before", root.Epoch, l.Last.Epoch)
	case root.CumulativeUnits.Cmp(l.Last.CumulativeUnits) < 0:
		return proofs.EpochRoot{}, refuse(class.Decreasing, "payload.cumulativeUnits", "%s, but epoch %d had %s",
			root.CumulativeUnits, l.Last.Epoch, l.Last.CumulativeUnits)
	}
	l.Last = root
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

// Revoke takes back a statement. From then on it is refused.
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
	for _, k := range l.Signers.Keys {
		if !slices.Contains(next.Keys, k) && !slices.Contains(l.Former, k) {
			l.Former = append(slices.Clone(l.Former), k)
		}
	}
	l.Signers = next
	return nil
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
