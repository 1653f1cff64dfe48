package bundle

import (
	"crypto/sha256"
	"slices"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/epoch"
	"github.com/verifyd/verifyd/proofs/internal/amount"
	"github.com/verifyd/verifyd/proofs/internal/class"
	"github.com/verifyd/verifyd/proofs/merkle"
)

// A Credit is what an account gets, and the digest of the contribution that
// raised its total.
type Credit struct {
	Account, Detail proofs.Hash
	Units           proofs.Uint128
}

// Claim judges a bundle that asks for payment: all of it holds, a path leads to
// its epoch root, and the ledger has accepted that root and nobody took it
// back. It returns the root and the leaf to credit. A claim may be late: the
// policy and the set may have changed since.
func (l *Ledger) Claim(b *Bundle) (Root, merkle.Leaf, error) {
	c, err := b.Verify(l)
	if err != nil {
		return Root{}, merkle.Leaf{}, err
	}
	root, _, ok := l.accepted(b.EpochRoot)
	if !ok {
		return Root{}, merkle.Leaf{}, refuse(class.NotAccepted, "epochRoot.payload", "not a root that this ledger has accepted")
	}
	return root, b.leaf(c), nil
}

// Leaves are those of the last good root that are paid, out of its published
// leaf file: all but the ones whose contribution was taken back, which
// [Ledger.Claim] refuses too.
func (l *Ledger) Leaves(file []byte) ([]merkle.Leaf, error) {
	root := l.Last()
	if len(l.Accepted) == 0 {
		return nil, refuse(class.NotAccepted, "leaves", "there is no epoch root that this ledger has accepted")
	}
	if got := proofs.Hash(sha256.Sum256(file)); got != root.DataHash {
		return nil, refuse(class.WrongLeaves, "leaves", "SHA-256 %s, the last epoch root, of epoch %d, names %s", got, root.Epoch, root.DataHash)
	}
	leaves, err := epoch.ParseFile(file)
	if err != nil {
		return nil, within("leaves", err)
	}
	tree, err := merkle.New(root.PoolID, leaves)
	if err != nil {
		return nil, within("leaves", err)
	}
	if tree.Root() != root.Root {
		return nil, refuse(class.WrongLeaves, "leaves", "root %s, the last epoch root has %s", tree.Root(), root.Root)
	}
	return slices.DeleteFunc(leaves, func(leaf merkle.Leaf) bool { return l.Revoked[leaf.Detail] }), nil
}

// Credit raises accounts to their leaves, one an account: each gets what its
// total exceeds what it had, and one that had as much gets nothing and is left
// out. In all, no more is paid than the last good root has.
func (l *Ledger) Credit(leaves []merkle.Leaf, had func(account proofs.Hash) proofs.Uint128) ([]Credit, error) {
	sum, fits := l.Paid, true
	var credits []Credit
	for _, leaf := range leaves {
		due, _ := amount.Beyond(leaf.CumulativeUnits, had(leaf.Account))
		if due == (proofs.Uint128{}) {
			continue
		}
		total := l.Last().CumulativeUnits
		if sum, fits = sum.Add(due); !fits || sum.Cmp(total) > 0 {
			return nil, refuse(class.AboveTotal, "cumulativeUnits", "more would be paid in all than the %s of the last good root, of epoch %d", total, l.Last().Epoch)
		}
		credits = append(credits, Credit{Account: leaf.Account, Detail: leaf.Detail, Units: due})
	}
	l.Paid = sum
	return credits, nil
}

// Due is what the last good root still owes over all accounts; nothing if more
// was paid on one that was taken back.
func (l *Ledger) Due() proofs.Uint128 {
	due, _ := amount.Beyond(l.Last().CumulativeUnits, l.Paid)
	return due
}

// leaf is the contribution's in the tree of its epoch.
func (b *Bundle) leaf(c proofs.Contribution) merkle.Leaf {
	return merkle.Leaf{Account: c.Account, CumulativeUnits: c.CumulativeUnits, Detail: sha256.Sum256(b.Contribution.Body)}
}
