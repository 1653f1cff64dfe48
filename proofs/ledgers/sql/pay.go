package sql

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/bundle"
	"github.com/verifyd/verifyd/proofs/epoch"
	"github.com/verifyd/verifyd/proofs/merkle"
)

// Paid is what a call has credited.
type Paid struct {
	Accounts int
	Units    proofs.Uint128
}

// PayEpoch credits every account of the last accepted epoch root, from its published leaf file, and the
// dust account with them. Called again, it credits nothing.
func (l *Ledger) PayEpoch(ctx context.Context, leafFile []byte) (paid Paid, err error) {
	leaves, err := epoch.ParseFile(leafFile)
	if err != nil {
		return Paid{}, err
	}
	err = l.inTurn(ctx, func(t *turn) error {
		root := t.held.Last
		if got := proofs.Hash(sha256.Sum256(leafFile)); got != root.DataHash {
			return fmt.Errorf("leaf file: SHA-256 %s, the last epoch root, of epoch %d, names %s", got, root.Epoch, root.DataHash)
		}
		tree, err := merkle.New(root.PoolID, leaves)
		if err != nil {
			return fmt.Errorf("leaf file: %w", err)
		}
		if tree.Root() != root.Root {
			return fmt.Errorf("leaf file: root %s, the last epoch root has %s", tree.Root(), root.Root)
		}
		paid, err = t.credit(root, leaves, nil)
		return err
	})
	return paid, err
}

// PayBundle credits the account of a claim, and returns by how much: zero if it has been paid already.
// The bundle's epoch root must be one that the ledger has accepted.
func (l *Ledger) PayBundle(ctx context.Context, b *bundle.Bundle) (units proofs.Uint128, err error) {
	err = l.inTurn(ctx, func(t *turn) error {
		held := *t.held
		held.Now = time.Time{} // the root was accepted in time: a worker may claim late
		c, err := b.Verify(&held)
		if err != nil {
			return err
		}
		if b.EpochRoot == nil {
			return errors.New("epochRoot: none: there is nothing to pay on")
		}
		root, err := read[proofs.EpochRoot](b.EpochRoot.Type, b.EpochRoot.Body)
		if err != nil {
			return err
		}
		if err := t.accepted(root, b.EpochRoot.Body); err != nil {
			return err
		}
		leaf := merkle.Leaf{Account: c.Account, CumulativeUnits: c.CumulativeUnits, Detail: sha256.Sum256(b.Contribution.Body)}
		paid, err := t.credit(root, []merkle.Leaf{leaf}, c.Account[:])
		units = paid.Units
		return err
	})
	return units, err
}

// accepted refuses an epoch root that is signed but was never put before the ledger.
func (t *turn) accepted(root proofs.EpochRoot, body []byte) error {
	at, err := number("epoch", root.Epoch)
	if err != nil {
		return err
	}
	var known []byte
	err = t.tx.QueryRowContext(t.ctx, t.dialect.query(`SELECT body FROM verifyd_epoch WHERE audience = ? AND pool = ? AND epoch = ?`),
		append(t.id[:2:2], at)...).Scan(&known)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !bytes.Equal(known, body) {
		return fmt.Errorf("epochRoot: epoch %d: not a root that this ledger has accepted", root.Epoch)
	}
	return err
}

// batch is how many rows go into one statement.
const batch = 1000

// credit raises accounts to their leaves. Only says that a single account is concerned.
func (t *turn) credit(root proofs.EpochRoot, leaves []merkle.Leaf, only []byte) (paid Paid, err error) {
	before, err := t.totals(only)
	if err != nil {
		return Paid{}, err
	}
	at, err := number("epoch", root.Epoch)
	if err != nil {
		return Paid{}, err
	}
	sum := integer(t.paid)
	var accounts, journal []any
	for _, leaf := range leaves {
		due := integer(leaf.CumulativeUnits)
		if had := before[leaf.Account]; had != nil {
			due.Sub(due, had)
		}
		if due.Sign() <= 0 {
			continue
		}
		paid.Accounts++
		sum.Add(sum, due)
		accounts = append(accounts, t.id[0], t.id[1], leaf.Account[:], leaf.CumulativeUnits.String())
		journal = append(journal, t.id[0], t.id[1], leaf.Account[:], at, due.String(), leaf.Detail[:])
	}
	if sum.Cmp(integer(t.held.Last.CumulativeUnits)) > 0 {
		return Paid{}, fmt.Errorf("cumulative units: %s would be paid in all, the last epoch root has %s", sum, t.held.Last.CumulativeUnits)
	}
	if paid.Units, err = proofs.ParseUint128(new(big.Int).Sub(sum, integer(t.paid)).String()); err != nil {
		return Paid{}, err
	}
	err = errors.Join(
		t.insert(`INSERT INTO verifyd_account (audience, pool, account, units) VALUES `, 4, accounts,
			` ON CONFLICT (audience, pool, account) DO UPDATE SET units = excluded.units`),
		t.insert(`INSERT INTO verifyd_credit (audience, pool, account, epoch, units, detail) VALUES `, 6, journal,
			``),
		t.change("paid", sum.String()))
	if err != nil {
		return Paid{}, err
	}
	return paid, nil
}

// totals are what accounts have been credited: one account's, or all.
func (t *turn) totals(only []byte) (map[proofs.Hash]*big.Int, error) {
	query, args := `SELECT account, units FROM verifyd_account WHERE audience = ? AND pool = ?`, t.id[:2:2]
	if only != nil {
		query, args = query+` AND account = ?`, append(args, only)
	}
	found, err := t.tx.QueryContext(t.ctx, t.dialect.query(query), args...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	all := map[proofs.Hash]*big.Int{}
	for found.Next() {
		var account []byte
		var units string
		if err := found.Scan(&account, &units); err != nil {
			return nil, err
		}
		n, err := proofs.ParseUint128(units)
		if err != nil {
			return nil, fmt.Errorf("account %x: units: %w", account, err)
		}
		all[proofs.Hash(account)] = integer(n)
	}
	return all, found.Err()
}

// insert adds rows of so many columns, some at a time.
func (t *turn) insert(head string, columns int, values []any, tail string) error {
	for len(values) > 0 {
		n := min(batch, len(values)/columns)
		query := t.dialect.query(head + rows(n, columns) + tail)
		if _, err := t.tx.ExecContext(t.ctx, query, values[:n*columns]...); err != nil {
			return err
		}
		values = values[n*columns:]
	}
	return nil
}

// Balance is what an account has been credited in all.
func (l *Ledger) Balance(ctx context.Context, account proofs.Hash) (proofs.Uint128, error) {
	var units string
	err := l.db.QueryRowContext(ctx, l.dialect.query(`SELECT units FROM verifyd_account WHERE audience = ? AND pool = ? AND account = ?`),
		append(l.id[:2:2], account[:])...).Scan(&units)
	if errors.Is(err, sql.ErrNoRows) {
		return proofs.Uint128{}, nil
	}
	if err != nil {
		return proofs.Uint128{}, err
	}
	return proofs.ParseUint128(units)
}

// Due is what the last accepted epoch root still owes, over all accounts.
func (l *Ledger) Due(ctx context.Context) (due proofs.Uint128, err error) {
	err = l.inTurn(ctx, func(t *turn) error {
		due, err = proofs.ParseUint128(new(big.Int).Sub(integer(t.held.Last.CumulativeUnits), integer(t.paid)).String())
		return err
	})
	return due, err
}

func integer(u proofs.Uint128) *big.Int {
	n, _ := new(big.Int).SetString(u.String(), 10) // its own decimal form
	return n
}
