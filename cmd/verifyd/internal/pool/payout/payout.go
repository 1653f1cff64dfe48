// Package payout finds in a transparency log what an account can be paid now: the newest good epoch root, or an
// older one, that a quorum signed, the account's leaf in it, and the contribution that raised it last. It trusts the
// signer set it is given and those that follow from it; whether a ledger has accepted the root, only the ledger knows.
package payout

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/translog"
	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/bundle"
	"github.com/verifyd/verifyd/proofs/epoch"
	"github.com/verifyd/verifyd/proofs/merkle"
)

// Request is what is asked for.
type Request struct {
	Account proofs.Hash
	Paid    proofs.Uint128 // what the ledger has paid the account already
	// Epoch is the epoch of the root to be paid on; zero for the newest. A ledger with a window for vetoes pays on
	// an older one while the newest is pending.
	Epoch uint64
	// Leaves are the published leaf files at hand. The epoch root says which one it is about.
	Leaves [][]byte
}

// Payout is what is due to an account, with all that its ledger asks for.
type Payout struct {
	Root proofs.EpochRoot
	Leaf merkle.Leaf
	// Bundle is nil if nothing is due: the leaf's total was paid already.
	Bundle *bundle.Bundle
}

// ErrNoRoot means that the log has no epoch root for the ledger that a quorum signed.
var ErrNoRoot = errors.New("no epoch root in the log that a quorum signed")

// MissingLeaves means that the leaf file of the epoch root is not at hand.
type MissingLeaves struct{ Root proofs.EpochRoot }

func (e *MissingLeaves) Error() string {
	return fmt.Sprintf("the leaf file of epoch %d, with SHA-256 %s, is needed", e.Root.Epoch, e.Root.DataHash)
}

// logged is an envelope of the log.
type logged struct {
	index    int64
	envelope *proofs.Envelope
}

// Find reads a log from its beginning and returns the account's payout under the epoch root that is asked for. The
// ledger is the one that pays, with a signer set that it trusted at some time; it is left as the log leaves it.
func Find(ctx context.Context, log *translog.Folder, l *bundle.Ledger, r Request) (*Payout, error) {
	entries, err := read(ctx, log, l, r.Account)
	if err != nil {
		return nil, err
	}
	root, err := choose(l, r.Epoch)
	if err != nil {
		return nil, err
	}
	leaves, err := leavesOf(root.EpochRoot, r.Leaves)
	if err != nil {
		return nil, err
	}
	p := &Payout{Root: root.EpochRoot}
	found := false
	for _, leaf := range leaves {
		if leaf.Account == r.Account {
			p.Leaf, found = leaf, true
		}
	}
	if !found {
		return nil, fmt.Errorf("account %s: has no leaf in epoch %d", r.Account, root.Epoch)
	}
	if p.Leaf.CumulativeUnits.Cmp(r.Paid) <= 0 {
		return p, nil
	}
	if l.Revoked[p.Leaf.Detail] {
		return nil, fmt.Errorf("account %s: the contribution %s on its leaf was taken back", r.Account, p.Leaf.Detail)
	}
	contribution, err := trusted(l, entries.own[p.Leaf.Detail])
	if err != nil {
		return nil, fmt.Errorf("account %s: the contribution %s on its leaf: %w", r.Account, p.Leaf.Detail, err)
	}
	tree, err := merkle.New(l.PoolID, leaves)
	if err != nil {
		return nil, err
	}
	if p.Bundle, err = bundle.New(setOf(l, root.SignerSet), contribution.envelope); err != nil {
		return nil, err
	}
	signed := entries.roots[root.Digest]
	p.Bundle.EpochRoot = signed.envelope
	if p.Bundle.Merkle, err = tree.Path(p.Leaf); err != nil {
		return nil, err
	}
	if p.Bundle.Log, err = prove(log, contribution.index, signed.index); err != nil {
		return nil, err
	}
	if p.Bundle, err = p.Bundle.Canonical(l.Log); err != nil {
		return nil, err
	}
	if _, _, err := l.Claim(p.Bundle); err != nil {
		return nil, fmt.Errorf("the payout that was put together does not hold: %w", err)
	}
	return p, nil
}

// choose is the accepted root of an epoch, or the newest.
func choose(l *bundle.Ledger, number uint64) (bundle.Root, error) {
	if len(l.Accepted) == 0 {
		return bundle.Root{}, ErrNoRoot
	}
	if number == 0 {
		return l.Last(), nil
	}
	for _, root := range l.Accepted {
		if root.Epoch == number {
			return root, nil
		}
	}
	return bundle.Root{}, fmt.Errorf("epoch %d: %w; the newest is of epoch %d", number, ErrNoRoot, l.Last().Epoch)
}

// trusted is the first of envelopes with one body that a key of the ledger's sets signed. Anyone may have logged the
// same body under a key of their own.
func trusted(l *bundle.Ledger, envelopes []logged) (logged, error) {
	keys := slices.Clone(l.Signers.Keys)
	for _, set := range l.Former {
		keys = append(keys, set.Keys...)
	}
	err := errors.New("not in the log")
	for _, e := range envelopes {
		if _, err = proofs.Verify[proofs.Contribution](e.envelope, 1, keys...); err == nil {
			return e, nil
		}
	}
	return logged{}, err
}

// setOf is the set with a number among the ledger's: that of an accepted root is there.
func setOf(l *bundle.Ledger, number uint64) proofs.SignerSet {
	for _, set := range l.Former {
		if set.Set == number {
			return set
		}
	}
	return l.Signers
}

// entries are what of a log may be put into a payout.
type entries struct {
	roots map[proofs.Hash]logged   // accepted epoch roots by digest
	own   map[proofs.Hash][]logged // the account's contributions by digest, whoever signed them
}

// read goes through a log: it accepts, rotates and revokes as the log says. Entries that are not for this ledger,
// and roots, revocations and sets that no quorum signed, are passed over.
func read(ctx context.Context, log *translog.Folder, l *bundle.Ledger, account proofs.Hash) (entries, error) {
	found := entries{map[proofs.Hash]logged{}, map[proofs.Hash][]logged{}}
	index := int64(-1)
	for entry, err := range log.Entries(0) {
		if err != nil {
			return found, err
		}
		if err := ctx.Err(); err != nil {
			return found, err
		}
		index++
		env, err := proofs.ParseEnvelope(entry)
		if err != nil {
			continue
		}
		s, err := proofs.Parse(env.Type, env.Body)
		if err != nil {
			continue
		}
		digest := proofs.Hash(sha256.Sum256(env.Body))
		switch s := s.(type) {
		case proofs.Contribution:
			if s.Audience == l.Audience && s.PoolID == l.PoolID && s.Account == account {
				found.own[digest] = append(found.own[digest], logged{index, env})
			}
		case proofs.EpochRoot:
			if _, err := l.Accept(env); err == nil {
				found.roots[digest] = logged{index, env}
			}
		case proofs.Revocation:
			_, _ = l.Revoke(env)
		case proofs.SignerSet:
			_ = l.Rotate(env)
		}
	}
	return found, nil
}

// leavesOf are the leaves of an epoch root, out of the files at hand.
func leavesOf(root proofs.EpochRoot, files [][]byte) ([]merkle.Leaf, error) {
	for _, file := range files {
		if proofs.Hash(sha256.Sum256(file)) == root.DataHash {
			return epoch.ParseFile(file)
		}
	}
	return nil, &MissingLeaves{root}
}

// prove shows that a contribution and an epoch root are in the log, under its published checkpoint.
func prove(log *translog.Folder, contribution, root int64) (*bundle.Log, error) {
	older, err := log.Proof(contribution)
	if err != nil {
		return nil, err
	}
	_, c, err := log.Checkpoint()
	if err != nil {
		return nil, err
	}
	newer, err := log.Proof(root)
	if err != nil {
		return nil, err
	}
	same, err := log.Consistency(c.Size)
	if err != nil {
		return nil, err
	}
	return &bundle.Log{Contribution: string(older), EpochRoot: string(newer), Consistency: string(same)}, nil
}
