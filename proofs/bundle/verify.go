package bundle

import (
	"crypto/sha256"
	"fmt"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/internal/class"
	"github.com/verifyd/verifyd/proofs/merkle"
	"github.com/verifyd/verifyd/proofs/translog"
)

// Verify returns the contribution if everything in the bundle holds for the
// ledger and a quorum vouches for it: signatures, the epoch root's terms, the
// path from the contribution to it, the log. A root that the ledger has
// accepted is judged by the set of its time, and neither policy nor clock is
// asked again. Whether it was accepted is not asked: who pays calls
// [Ledger.Claim]. An error names the field of the bundle that is at fault.
func (b *Bundle) Verify(l *Ledger) (proofs.Contribution, error) {
	c, err := b.Stated(l)
	if err == nil && b.Merkle == nil {
		err = refuse(class.BadPath, "merkle", "none: no quorum vouches for what one key signed")
	}
	if err != nil {
		return proofs.Contribution{}, err
	}
	return c, nil
}

// Stated is Verify for a reader who pays nothing: a bundle without a path, such
// as a rejection's, says what one key of the set signed, and no more.
func (b *Bundle) Stated(l *Ledger) (proofs.Contribution, error) {
	c, err := b.stated(l)
	if err != nil {
		return proofs.Contribution{}, err
	}
	return c, nil
}

// Logged returns the contribution if the log's part of the bundle holds: its
// envelope is in the log, and so is the epoch root's whose tree it leads into.
// It asks no signer: for a reader who has the log's key alone, it is the log
// that vouches for what was signed. Nothing is paid on it.
func (b *Bundle) Logged(log *translog.Policy) (proofs.Contribution, error) {
	var none proofs.Contribution
	if b.Contribution == nil {
		return none, refuse(class.NotCanonical, "contribution", "there is none")
	}
	if b.Log == nil {
		return none, refuse(class.BadLog, "log", "the bundle has no log proof")
	}
	c, err := stated[proofs.Contribution](b.Contribution)
	if err != nil {
		return none, within("contribution", err)
	}
	var root proofs.EpochRoot
	if b.EpochRoot != nil {
		if root, err = stated[proofs.EpochRoot](b.EpochRoot); err != nil {
			return none, within("epochRoot", err)
		}
		if root.Audience != c.Audience || root.PoolID != c.PoolID {
			return none, refuse(class.WrongPool, "epochRoot.payload.poolId", "the epoch root is for another ledger or pool than the contribution")
		}
		if b.Log.EpochRoot == "" {
			return none, refuse(class.BadLog, "log.epochRoot", "the epoch root has no log proof")
		}
	}
	if err := b.path(c, root); err != nil {
		return none, err
	}
	return c, b.logged(&Ledger{Log: log}, root)
}

func (b *Bundle) stated(l *Ledger) (proofs.Contribution, error) {
	if b.Contribution == nil {
		return proofs.Contribution{}, refuse(class.NotCanonical, "contribution", "there is none")
	}
	accepted, set, late := l.accepted(b.EpochRoot)
	if !late {
		set = l.Signers
	}
	if err := b.refersTo(set); err != nil {
		return proofs.Contribution{}, err
	}
	c, err := b.contribution(l, set, late)
	if err != nil {
		return c, within("contribution", err)
	}
	root := accepted.EpochRoot
	switch {
	case late:
		_, err = proofs.Verify[proofs.EpochRoot](b.EpochRoot, int(set.Threshold), set.Keys...)
	case b.EpochRoot != nil:
		root, err = l.readRoot(b.EpochRoot)
	}
	if err != nil {
		return c, within("epochRoot", err)
	}
	if b.EpochRoot != nil {
		if root.Epoch < c.Epoch {
			return c, refuse(class.WrongEpoch, "epochRoot.payload.epoch", "%d is before the contribution's, %d", root.Epoch, c.Epoch)
		}
		if root.Epoch == c.Epoch && root.PolicyHash != c.PolicyHash {
			return c, refuse(class.WrongPolicy, "epochRoot.payload.policyHash", "%s, but the contribution's is %s", root.PolicyHash, c.PolicyHash)
		}
	}
	if err := b.path(c, root); err != nil {
		return c, err
	}
	if err := b.logged(l, root); err != nil {
		return c, err
	}
	for i, env := range b.Attachments {
		if _, err := proofs.Verify[proofs.Document](env, 1, set.Keys...); err != nil {
			return c, within(fmt.Sprintf("attachments[%d]", i), err)
		}
	}
	return c, nil
}

// refersTo checks that the bundle is by the set that speaks: the one in force,
// or that of an accepted root.
func (b *Bundle) refersTo(set proofs.SignerSet) error {
	if b.SignerSet != set.Set {
		return refuse(class.WrongSignerSet, "signerSet.set", "%d, but %d is in force", b.SignerSet, set.Set)
	}
	digest, err := digestOf(set)
	if err != nil {
		return fmt.Errorf("the signer set: %w", err)
	}
	if b.SignerSetDigest != digest {
		return refuse(class.WrongSignerSet, "signerSet.digest", "%s, but %s is in force", b.SignerSetDigest, digest)
	}
	return nil
}

// contribution checks the contribution. Of one under an accepted root, which is
// late or at its time, no clock is asked.
func (b *Bundle) contribution(l *Ledger, set proofs.SignerSet, late bool) (proofs.Contribution, error) {
	c, err := stated[proofs.Contribution](b.Contribution)
	if err != nil {
		return c, err
	}
	if err := l.meant(c.Audience, c.PoolID); err != nil {
		return c, err
	}
	keys := set.Keys
	if b.Merkle != nil { // the quorum's leaf holds its digest
		keys = l.everyKey()
	}
	if _, err := proofs.Verify[proofs.Contribution](b.Contribution, 1, keys...); err != nil {
		return c, err
	}
	if !late {
		if err := l.issued(c.IssuedAt); err != nil {
			return c, err
		}
	}
	return c, l.notRevoked(b.Contribution)
}

// path checks the Merkle path, or that its absence is in order.
func (b *Bundle) path(c proofs.Contribution, root proofs.EpochRoot) error {
	switch {
	case b.Merkle == nil:
		return nil
	case b.EpochRoot == nil:
		return refuse(class.BadPath, "merkle", "a path, but no epoch root that it could lead to")
	}
	return merkle.Verify(root.Root, c.PoolID, b.leaf(c), b.Merkle)
}

// logged checks the log's part, and that an epoch root says something about
// the contribution.
func (b *Bundle) logged(l *Ledger, root proofs.EpochRoot) error {
	if b.Log == nil {
		if b.EpochRoot != nil && b.Merkle == nil {
			return refuse(class.Uncorroborated, "epochRoot", "neither a path nor the log ties it to the contribution")
		}
		return nil
	}
	if l.Log == nil {
		return refuse(class.BadLog, "log", "the bundle has a log proof, and no log key is given to check it with")
	}
	older, err := included(l.Log, "log.contribution", b.Log.Contribution, b.Contribution)
	if err != nil {
		return err
	}
	if b.EpochRoot != nil && b.Merkle == nil {
		if body := sha256.Sum256(older.Body()); root.CheckpointHash != body {
			return refuse(class.Uncorroborated, "epochRoot.payload.checkpointHash",
				"%s, but the contribution's checkpoint is %s", root.CheckpointHash, proofs.Hash(body))
		}
	}
	if b.Log.EpochRoot == "" && b.Log.Consistency == "" {
		return nil
	}
	if b.EpochRoot == nil {
		return refuse(class.BadLog, "log.epochRoot", "want none: the bundle has no epoch root")
	}
	newer, err := included(l.Log, "log.epochRoot", b.Log.EpochRoot, b.EpochRoot)
	if err != nil {
		return err
	}
	const field = "log.consistency"
	continued, err := l.Log.VerifyConsistency([]byte(b.Log.Consistency), older)
	if err != nil {
		return refuse(class.BadLog, field, "%v", err)
	}
	if continued != newer {
		return refuse(class.BadLog, field, "leads to another checkpoint than the one of the epoch root")
	}
	return nil
}

// included checks that an envelope's file is in the log and returns the
// checkpoint that shows it.
func included(policy *translog.Policy, field, text string, env *proofs.Envelope) (translog.Checkpoint, error) {
	found, err := policy.Verify([]byte(text), env.Bytes())
	if err != nil {
		return translog.Checkpoint{}, refuse(class.BadLog, field, "%v", err)
	}
	return found.Checkpoint, nil
}
