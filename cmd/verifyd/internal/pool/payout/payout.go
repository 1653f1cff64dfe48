// Package payout finds in a transparency log what an account can be paid now: the newest epoch root that a quorum
// signed, the account's leaf in it, and the contribution that raised it last. It trusts the signer set it is
// given and those that follow from it; whether a ledger has accepted the root, only the ledger knows.
package payout

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

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

// MissingLeaves means that the leaf file of the newest epoch root is not at hand.
type MissingLeaves struct{ Root proofs.EpochRoot }

func (e *MissingLeaves) Error() string {
	return fmt.Sprintf("the leaf file of epoch %d, with SHA-256 %s, is needed", e.Root.Epoch, e.Root.DataHash)
}

// logged is an envelope of the log.
type logged struct {
	index    int64
	envelope *proofs.Envelope
}

// Newest reads a log from its beginning and returns the account's payout under the newest epoch root. The ledger is
// the one that pays, with a signer set that it trusted at some time; it is left as the log leaves it.
func Newest(ctx context.Context, log *translog.Folder, l *bundle.Ledger, r Request) (*Payout, error) {
	root, own, err := read(ctx, log, l, r.Account)
	if err != nil {
		return nil, err
	}
	leaves, err := leavesOf(l.Last, r.Leaves)
	if err != nil {
		return nil, err
	}
	p := &Payout{Root: l.Last}
	found := false
	for _, leaf := range leaves {
		if leaf.Account == r.Account {
			p.Leaf, found = leaf, true
		}
	}
	if !found {
		return nil, fmt.Errorf("account %s: has no leaf in epoch %d", r.Account, l.Last.Epoch)
	}
	if p.Leaf.CumulativeUnits.Cmp(r.Paid) <= 0 {
		return p, nil
	}
	contribution, ok := own[p.Leaf.Detail]
	if !ok {
		return nil, fmt.Errorf("account %s: the contribution %s on its leaf is not in the log", r.Account, p.Leaf.Detail)
	}
	tree, err := merkle.New(l.PoolID, leaves)
	if err != nil {
		return nil, err
	}
	if p.Bundle, err = bundle.New(l.Signers, contribution.envelope); err != nil {
		return nil, err
	}
	p.Bundle.EpochRoot = root.envelope
	if p.Bundle.Merkle, err = tree.Path(p.Leaf); err != nil {
		return nil, err
	}
	if p.Bundle.Log, err = prove(log, contribution.index, root.index); err != nil {
		return nil, err
	}
	if _, err := p.Bundle.Verify(l); err != nil {
		return nil, fmt.Errorf("the payout that was put together does not hold: %w", err)
	}
	return p, nil
}

// read goes through a log: it rotates and revokes as the log says, and returns the newest epoch root and the
// account's contributions by their digests. Entries that are not for this ledger, or that nobody trusted
// signed, are passed over.
func read(ctx context.Context, log *translog.Folder, l *bundle.Ledger, account proofs.Hash) (root logged, own map[proofs.Hash]logged, err error) {
	own = map[proofs.Hash]logged{}
	index := int64(-1)
	for entry, err := range log.Entries(0) {
		if err != nil {
			return root, nil, err
		}
		if err := ctx.Err(); err != nil {
			return root, nil, err
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
		switch s := s.(type) {
		case proofs.Contribution:
			if s.Audience == l.Audience && s.PoolID == l.PoolID && s.Account == account {
				own[sha256.Sum256(env.Body)] = logged{index, env}
			}
		case proofs.EpochRoot:
			if _, err := l.Accept(env); err == nil {
				root = logged{index, env}
			}
		case proofs.Revocation:
			_, _ = l.Revoke(env)
		case proofs.SignerSet:
			_ = l.Rotate(env)
		}
	}
	if root.envelope == nil {
		return root, nil, ErrNoRoot
	}
	return root, own, nil
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
