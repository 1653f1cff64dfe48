package sequences

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/bundle"
	"github.com/verifyd/verifyd/proofs/merkle"
)

// A Book is a ledger in memory that says what it would pay, and believes it. It
// is the definition that other implementations are held against.
type Book struct {
	*bundle.Ledger
	accounts map[proofs.Hash]proofs.Uint128
}

// NewBook is a book that nothing was paid from.
func NewBook(l *bundle.Ledger) *Book {
	return &Book{Ledger: l, accounts: make(map[proofs.Hash]proofs.Uint128)}
}

// Take makes the call of a step and returns the answer.
func (b *Book) Take(s Step) string {
	switch s.Do {
	case "accept", "revoke", "rotate":
		env, err := proofs.ParseEnvelope(s.File())
		if err != nil {
			return Answer(err)
		}
		switch s.Do {
		case "accept":
			_, err = b.Accept(env)
		case "revoke":
			_, err = b.Revoke(env)
		default:
			err = b.Rotate(env)
		}
		return Answer(err)
	case "policy":
		raw, err := s.Hex()
		copy(b.PolicyHash[:], raw)
		return Answer(err)
	case "clock":
		at, err := strconv.ParseInt(s.Input, 10, 64)
		b.Now = time.Unix(at, 0)
		return Answer(err)
	case "claim":
		claim, err := bundle.Parse(s.File())
		if err != nil {
			return Answer(err)
		}
		_, leaf, err := b.Claim(claim)
		if err != nil {
			return Answer(err)
		}
		return b.pay([]merkle.Leaf{leaf})
	case "pay":
		file, err := s.Hex()
		if err != nil {
			return Answer(err)
		}
		leaves, err := b.Leaves(file)
		if err != nil {
			return Answer(err)
		}
		return b.pay(leaves)
	case "balance":
		account, err := s.Hex()
		if err != nil || len(account) != len(proofs.Hash{}) {
			return "an account that is none"
		}
		return Units(b.accounts[proofs.Hash(account)], nil)
	case "due":
		return Units(b.Due(), nil)
	}
	return fmt.Sprintf("step %q is unknown", s.Do)
}

func (b *Book) pay(leaves []merkle.Leaf) string {
	credits, err := b.Credit(leaves, func(account proofs.Hash) proofs.Uint128 { return b.accounts[account] })
	var sum proofs.Uint128
	for _, c := range credits {
		b.accounts[c.Account], _ = b.accounts[c.Account].Add(c.Units)
		sum, _ = sum.Add(c.Units)
	}
	return Units(sum, err)
}

// Answer is what a step's answer is called: success or the class of the refusal.
func Answer(err error) string {
	var refused *proofs.Error
	switch {
	case err == nil:
		return "success"
	case errors.As(err, &refused):
		return refused.Class
	}
	return "no class: " + err.Error()
}

// Units is the answer of a step that pays or counts.
func Units(units proofs.Uint128, err error) string {
	if err != nil {
		return Answer(err)
	}
	return "success " + units.String()
}
