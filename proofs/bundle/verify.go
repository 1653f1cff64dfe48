package bundle

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/internal/class"
	"github.com/verifyd/verifyd/proofs/merkle"
	"github.com/verifyd/verifyd/proofs/translog"
)

// Verify returns the contribution if everything in the bundle holds for the
// ledger: signatures, the epoch root's terms, the path, the log. Whether the
// epoch root is the newest is not asked; see [Ledger.Accept]. An error names
// the field of the bundle that is at fault.
func (b *Bundle) Verify(l *Ledger) (proofs.Contribution, error) {
	c, err := b.verify(l)
	if err != nil {
		return proofs.Contribution{}, err
	}
	return c, nil
}

// Logged returns the contribution if the log's part of the bundle holds: its
// envelope is in the log, and so is the epoch root's whose tree it leads into.
// It asks no signer: for a reader who has the log's key alone, it is the log
// that vouches for what was signed.
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

func (b *Bundle) verify(l *Ledger) (proofs.Contribution, error) {
	if b.Contribution == nil {
		return proofs.Contribution{}, refuse(class.NotCanonical, "contribution", "there is none")
	}
	if err := b.refersTo(l.Signers); err != nil {
		return proofs.Contribution{}, err
	}
	c, err := b.contribution(l)
	if err != nil {
		return c, within("contribution", err)
	}
	var root proofs.EpochRoot
	if b.EpochRoot != nil {
		if root, err = l.readRoot(b.EpochRoot); err != nil {
			return c, within("epochRoot", err)
		}
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
		if _, err := proofs.Verify[proofs.Document](env, 1, l.Signers.Keys...); err != nil {
			return c, within(fmt.Sprintf("attachments[%d]", i), err)
		}
	}
	return c, nil
}

// refersTo checks that the bundle is by the set in force.
func (b *Bundle) refersTo(set proofs.SignerSet) error {
	if b.SignerSet != set.Set {
		return refuse(class.WrongSignerSet, "signerSet.set", "%d, but %d is in force", b.SignerSet, set.Set)
	}
	digest, err := digestOf(set)
	if err != nil {
		return fmt.Errorf("the signer set in force: %w", err)
	}
	if b.SignerSetDigest != digest {
		return refuse(class.WrongSignerSet, "signerSet.digest", "%s, but %s is in force", b.SignerSetDigest, digest)
	}
	return nil
}

func (b *Bundle) contribution(l *Ledger) (proofs.Contribution, error) {
	c, err := stated[proofs.Contribution](b.Contribution)
	if err != nil {
		return c, err
	}
	if err := l.meant(c.Audience, c.PoolID); err != nil {
		return c, err
	}
	keys := l.Signers.Keys
	if b.Merkle != nil {
		keys = slices.Concat(keys, l.Former) // the quorum's leaf holds its digest
	}
	if _, err := proofs.Verify[proofs.Contribution](b.Contribution, 1, keys...); err != nil {
		return c, err
	}
	if err := l.issued(c.IssuedAt); err != nil {
		return c, err
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
	leaf := merkle.Leaf{
		Account: c.Account, CumulativeUnits: c.CumulativeUnits,
		Detail: sha256.Sum256(b.Contribution.Body),
	}
	return merkle.Verify(root.Root, c.PoolID, leaf, b.Merkle)
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
	parsed, err := translog.ParseConsistency([]byte(b.Log.Consistency))
	if err != nil {
		return refuse(class.BadLog, field, "%v", err)
	}
	return everySignatureCounts(l.Log, field, parsed.Checkpoint)
}

// included checks that an envelope's file is in the log and returns the
// checkpoint that shows it.
func included(policy *translog.Policy, field, text string, env *proofs.Envelope) (translog.Checkpoint, error) {
	found, err := policy.Verify([]byte(text), env.Bytes())
	if err != nil {
		return translog.Checkpoint{}, refuse(class.BadLog, field, "%v", err)
	}
	parsed, err := translog.ParseProof([]byte(text))
	if err != nil {
		return translog.Checkpoint{}, refuse(class.BadLog, field, "%v", err)
	}
	return found.Checkpoint, everySignatureCounts(policy, field, parsed.Checkpoint)
}

// everySignatureCounts refuses a checkpoint, which the policy has accepted,
// with a signature that could be anything: by a key that the policy does not
// name, or a second one by the same key. A bundle is a file in which no byte
// can be changed, and such a line could be.
func everySignatureCounts(policy *translog.Policy, field string, signed []byte) error {
	lines := strings.SplitAfter(string(signed), "\n")
	for i := slices.Index(lines, "\n") + 1; i < len(lines)-1; i++ {
		at := strings.LastIndexByte(lines[i], ' ') + 1
		sig, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(lines[i][at:], "\n"))
		if err != nil || len(sig) == 0 {
			return refuse(class.BadLog, field, "checkpoint: signature %d is not base64", i)
		}
		sig[len(sig)-1] ^= 1
		bent := slices.Clone(lines)
		bent[i] = lines[i][:at] + base64.StdEncoding.EncodeToString(sig) + "\n"
		if _, err := policy.Open([]byte(strings.Join(bent, ""))); err == nil {
			return refuse(class.BadLog, field, "checkpoint: nobody checks the signature %.80q", strings.TrimSuffix(lines[i], "\n"))
		}
	}
	return nil
}
