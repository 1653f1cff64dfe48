package spent

import (
	"crypto/sha256"
	"fmt"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/internal/amount"
	"github.com/verifyd/verifyd/proofs/internal/class"
)

// Work is a contribution as far as spending goes.
type Work struct {
	Nullifier proofs.Hash // which work
	Digest    proofs.Hash // of the body that stands for it
	Epoch     uint64      // in which it is paid
	IssuedAt  uint64      // seconds of the Unix epoch
	Account   proofs.Hash // that is paid
	// Units are what the work is worth by this body, and Cumulative is the
	// account's total with what the body adds to it.
	Units, Cumulative proofs.Uint128
}

// Of is a contribution's work, or an error if no proof can state it.
func Of(c proofs.Contribution) (Work, error) {
	body, err := proofs.Encode(c)
	if err != nil {
		return Work{}, err
	}
	return Work{
		Nullifier: c.Nullifier(), Digest: sha256.Sum256(body), Epoch: c.Epoch, IssuedAt: c.IssuedAt,
		Account: c.Account, Units: c.Units, Cumulative: c.CumulativeUnits,
	}, nil
}

// A Book is what has been spent and revoked. The zero value is empty. It is of
// one goroutine.
type Book struct {
	under   *Book                  // what this one is written over; nil for none
	works   map[proofs.Hash][]Work // by nullifier, the one that stands last
	revoked map[proofs.Hash]bool
}

// Over returns a book that begins as b is and leaves it as it is, until Commit
// writes what was spent and revoked in it down to b. B may be nil, for none.
func (b *Book) Over() *Book { return &Book{under: b} }

// Commit writes what was spent and revoked since Over down to the book below,
// which must not have changed since then.
func (b *Book) Commit() {
	for _, stated := range b.works {
		for _, w := range stated {
			b.under.keep(w)
		}
	}
	for target := range b.revoked {
		b.under.Revoke(target)
	}
	b.works, b.revoked = nil, nil
}

// Spend lets a body stand for its nullifier. An error of class spent or revoked
// changes nothing.
func (b *Book) Spend(w Work) error {
	if b.Revoked(w.Digest) {
		return &proofs.Error{Class: class.Revoked, Field: "payload", Reason: fmt.Sprintf("%s was taken back", w.Digest)}
	}
	first, ok := b.Paid(w.Nullifier)
	if ok && first.Digest == w.Digest {
		return nil
	}
	if ok && !b.Revoked(first.Digest) {
		return &Error{Work: w, First: first}
	}
	b.keep(w)
	return nil
}

// Revoke takes back a body by its digest, so that another one may stand for its
// nullifier, and it never again.
func (b *Book) Revoke(target proofs.Hash) {
	if b.revoked == nil {
		b.revoked = make(map[proofs.Hash]bool)
	}
	b.revoked[target] = true
}

// Paid is the work that stands for a nullifier, revoked or not.
func (b *Book) Paid(nullifier proofs.Hash) (w Work, ok bool) {
	for ; b != nil; b = b.under {
		if stated := b.works[nullifier]; len(stated) > 0 {
			return stated[len(stated)-1], true
		}
	}
	return w, false
}

// Owed is what a body adds to what the work was paid for before. Held says which
// bodies' payments there have been, whether these were revoked since or not: a
// payment is never undone, so a correction adds only what it states above the
// most of them, and to the same account. Else it is an error of class spent.
func (b *Book) Owed(w Work, held func(Work) bool) (proofs.Uint128, error) {
	owed := w.Units
	for ; b != nil; b = b.under {
		for _, paid := range b.works[w.Nullifier] {
			if paid.Digest == w.Digest || paid.Units == (proofs.Uint128{}) || !held(paid) {
				continue
			}
			if paid.Account != w.Account && w.Units != (proofs.Uint128{}) {
				return owed, &proofs.Error{Class: class.Spent, Field: "account", Reason: fmt.Sprintf(
					"%s, but account %s was paid for the work by body %s of epoch %d, which is not undone", w.Account, paid.Account, paid.Digest, paid.Epoch)}
			}
			if more, _ := amount.Beyond(w.Units, paid.Units); more.Cmp(owed) < 0 {
				owed = more
			}
		}
	}
	return owed, nil
}

// Revoked says whether a body was taken back.
func (b *Book) Revoked(digest proofs.Hash) bool {
	for ; b != nil; b = b.under {
		if b.revoked[digest] {
			return true
		}
	}
	return false
}

func (b *Book) keep(w Work) {
	if b.works == nil {
		b.works = make(map[proofs.Hash][]Work)
	}
	b.works[w.Nullifier] = append(b.works[w.Nullifier], w)
}

// Error says that a work was spent by another body.
type Error struct {
	Work  Work // that is refused
	First Work // that stands for the nullifier
}

// Error names both bodies.
func (e *Error) Error() string { return e.Unwrap().Error() }

// Unwrap is the error with its class, spent.
func (e *Error) Unwrap() error {
	return &proofs.Error{Class: class.Spent, Field: "nullifier", Reason: fmt.Sprintf(
		"%s is spent: body %s of epoch %d, issued at %d, stands for it and was not revoked; this is another body, %s of epoch %d",
		e.Work.Nullifier, e.First.Digest, e.First.Epoch, e.First.IssuedAt, e.Work.Digest, e.Work.Epoch)}
}
