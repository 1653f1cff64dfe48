package epoch

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/internal/amount"
	"github.com/verifyd/verifyd/proofs/internal/class"
	"github.com/verifyd/verifyd/proofs/merkle"
	"github.com/verifyd/verifyd/proofs/spent"
)

// Scope is what holds for a whole epoch.
type Scope struct {
	Audience   proofs.Hash
	PoolID     proofs.Hash
	PolicyHash proofs.Hash
	Epoch      uint64
	// Emission is how many units the epoch hands out in all.
	Emission proofs.Uint128
	// Dust is the account that gets what of Emission no contribution earned.
	Dust proofs.Hash
	// Spent is what was paid in the epochs before and what was revoked, which
	// Build reads. Nil, as before the first epoch, knows nothing.
	Spent *spent.Book
}

// An Epoch is every account's total at its end.
type Epoch struct {
	Scope  Scope
	Leaves []merkle.Leaf // in ascending order of account
	Total  proofs.Uint128
	Tree   *merkle.Tree
}

// DustDetail is the detail of the dust account's leaf, which no contribution
// raised: the SHA-256 of the ASCII text verifyd/dust/v1.
func DustDetail() proofs.Hash { return sha256.Sum256([]byte("verifyd/dust/v1")) }

// Build returns the epoch that follows one with the given leaves, none for the
// first, by SPEC.md's "Epochs". Contributions come in any order. An error of
// class spent, decreasing-total or out-of-range names the field at fault.
func Build(before []merkle.Leaf, s Scope, contributions []proofs.Contribution) (*Epoch, error) {
	leaves := make(map[proofs.Hash]merkle.Leaf, len(before)+len(contributions)+1)
	var total proofs.Uint128
	for _, l := range before {
		var fits bool
		if total, fits = total.Add(l.CumulativeUnits); !fits {
			return nil, refuse(class.OutOfRange, "cumulativeUnits", "the leaves before add up to more than 2^128-1")
		}
		if _, twice := leaves[l.Account]; twice {
			return nil, refuse(class.OutOfRange, "account", "%s has two leaves before this epoch", l.Account)
		}
		leaves[l.Account] = l
	}
	sorted, err := s.order(leaves, contributions)
	if err != nil {
		return nil, err
	}
	left := s.Emission
	for len(sorted) > 0 {
		account := sorted[0].Account
		n := slices.IndexFunc(sorted, func(c growth) bool { return c.Account != account })
		if n < 0 {
			n = len(sorted)
		}
		l, earned, err := chain(leaves[account], sorted[:n])
		if err != nil {
			return nil, err
		}
		var enough bool
		if left, enough = amount.Beyond(left, earned); !enough {
			return nil, refuse(class.OutOfRange, "units", "contributions earn more than the emission of %s", s.Emission)
		}
		leaves[account] = l
		sorted = sorted[n:]
	}
	dust := leaves[s.Dust]
	sum, fits := dust.CumulativeUnits.Add(left)
	if !fits {
		return nil, refuse(class.OutOfRange, "cumulativeUnits", "the dust account holds more than 2^128-1")
	}
	leaves[s.Dust] = merkle.Leaf{Account: s.Dust, CumulativeUnits: sum, Detail: DustDetail()}
	if total, fits = total.Add(s.Emission); !fits {
		return nil, refuse(class.OutOfRange, "cumulativeUnits", "the leaves add up to more than 2^128-1")
	}
	return s.finish(leaves, total)
}

// finish puts the leaves in order and builds their tree.
func (s Scope) finish(leaves map[proofs.Hash]merkle.Leaf, total proofs.Uint128) (*Epoch, error) {
	e := &Epoch{Scope: s, Total: total}
	for _, l := range leaves {
		if l.CumulativeUnits != (proofs.Uint128{}) {
			e.Leaves = append(e.Leaves, l)
		}
	}
	slices.SortFunc(e.Leaves, func(a, b merkle.Leaf) int { return bytes.Compare(a.Account[:], b.Account[:]) })
	if len(e.Leaves) == 0 {
		return nil, refuse(class.OutOfRange, "cumulativeUnits", "nobody has earned a unit yet: there is no tree")
	}
	var err error
	if e.Tree, err = merkle.New(s.PoolID, e.Leaves); err != nil {
		return nil, err
	}
	return e, nil
}

// growth is a contribution and what it adds to its account's total: its units,
// or for a correction what these are more than was paid for the work.
type growth struct {
	proofs.Contribution
	adds proofs.Uint128
}

// order checks that contributions belong to the epoch and were not paid
// before, and sorts them by account and total; of equal totals the one that
// earned it comes first. One that several verifiers signed is left once.
func (s Scope) order(before map[proofs.Hash]merkle.Leaf, contributions []proofs.Contribution) ([]growth, error) {
	book := s.Spent.Over()
	sorted := make([]growth, 0, len(contributions))
	// A total that holds a body's never falls below the one that the body states.
	held := func(w spent.Work) bool {
		return w.Epoch < s.Epoch && before[w.Account].CumulativeUnits.Cmp(w.Cumulative) >= 0
	}
	for _, c := range contributions {
		switch {
		case c.Audience != s.Audience:
			return nil, refuse(class.WrongAudience, "audience", "%s, the epoch's is %s", c.Audience, s.Audience)
		case c.PoolID != s.PoolID:
			return nil, refuse(class.WrongPool, "poolId", "%s, the epoch's is %s", c.PoolID, s.PoolID)
		case c.Epoch != s.Epoch:
			return nil, refuse(class.WrongEpoch, "epoch", "%d, want %d", c.Epoch, s.Epoch)
		case c.PolicyHash != s.PolicyHash:
			return nil, refuse(class.WrongPolicy, "policyHash", "%s, the epoch's is %s", c.PolicyHash, s.PolicyHash)
		case c.Account == s.Dust:
			return nil, refuse(class.OutOfRange, "account", "%s is the dust account", c.Account)
		}
		work, err := spent.Of(c)
		if err != nil {
			return nil, err
		}
		if err := book.Spend(work); err != nil {
			return nil, err
		}
		adds, err := book.Owed(work, held)
		if err != nil {
			return nil, err
		}
		sorted = append(sorted, growth{c, adds})
	}
	slices.SortFunc(sorted, func(a, b growth) int {
		return cmp.Or(bytes.Compare(a.Account[:], b.Account[:]),
			a.CumulativeUnits.Cmp(b.CumulativeUnits), b.adds.Cmp(a.adds), compareWork(a, b))
	})
	return slices.Compact(sorted), nil
}

// compareWork brings contributions of one body side by side.
func compareWork(a, b growth) int {
	return cmp.Or(bytes.Compare(a.WorkerID[:], b.WorkerID[:]), bytes.Compare(a.TaskID[:], b.TaskID[:]), cmp.Compare(a.Slot, b.Slot))
}

// chain adds the contributions of one account, in order, to its leaf.
func chain(l merkle.Leaf, contributions []growth) (_ merkle.Leaf, earned proofs.Uint128, err error) {
	l.Account = contributions[0].Account
	for _, c := range contributions {
		total, fits := l.CumulativeUnits.Add(c.adds)
		if !fits || total != c.CumulativeUnits {
			kind := class.OutOfRange
			if c.CumulativeUnits.Cmp(l.CumulativeUnits) < 0 {
				kind = class.Decreasing
			}
			paid := ""
			if c.adds != c.Units {
				paid = fmt.Sprintf(": of its %s, what is more than was paid for the work before", c.Units)
			}
			return l, earned, refuse(kind, "cumulativeUnits", "%s of account %s, but %s come before and it adds %s%s",
				c.CumulativeUnits, c.Account, l.CumulativeUnits, c.adds, paid)
		}
		if c.adds == (proofs.Uint128{}) {
			continue
		}
		body, err := proofs.Encode(c.Contribution)
		if err != nil {
			return l, earned, err
		}
		l.CumulativeUnits, l.Detail = total, sha256.Sum256(body)
		earned, _ = earned.Add(c.adds) // less than total, which fits
	}
	return l, earned, nil
}

// Root is the statement for the verifiers to sign: by which set, until when a
// ledger may accept it, and which checkpoint of the log covers the epoch's
// contributions.
func (e *Epoch) Root(signerSet, notAfter uint64, checkpoint proofs.Hash) proofs.EpochRoot {
	return proofs.EpochRoot{
		Audience: e.Scope.Audience, PoolID: e.Scope.PoolID, Epoch: e.Scope.Epoch, Root: e.Tree.Root(),
		PolicyHash: e.Scope.PolicyHash, CumulativeUnits: e.Total, SignerSet: signerSet, NotAfter: notAfter,
		CheckpointHash: checkpoint, DataHash: sha256.Sum256(e.File()),
	}
}

func refuse(class, field, format string, args ...any) error {
	return &proofs.Error{Class: class, Field: field, Reason: fmt.Sprintf(format, args...)}
}
