package sql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/bundle"
	"github.com/verifyd/verifyd/proofs/merkle"
)

// Paid is what a call has credited.
type Paid struct {
	Accounts int
	Units    proofs.Uint128
}

// PayEpoch credits every account of the last good epoch root, from its published leaf file, and the
// dust account with them. Called again, it credits nothing.
func (l *Ledger) PayEpoch(ctx context.Context, leafFile []byte) (paid Paid, err error) {
	err = l.inTurn(ctx, func(t *turn) error {
		leaves, err := t.held.Leaves(leafFile)
		if err != nil {
			return err
		}
		paid, err = t.credit(t.held.Last(), leaves, nil)
		return err
	})
	return paid, err
}

// PayBundle credits the account of a claim, and returns by how much: zero if it has been paid already. The
// claim holds a path to an epoch root that the ledger has accepted; it may be late, see [bundle.Ledger.Claim].
func (l *Ledger) PayBundle(ctx context.Context, b *bundle.Bundle) (units proofs.Uint128, err error) {
	err = l.inTurn(ctx, func(t *turn) error {
		if err := t.recall(b.EpochRoot); err != nil {
			return err
		}
		root, leaf, err := t.held.Claim(b)
		if err != nil {
			return err
		}
		paid, err := t.credit(root, []merkle.Leaf{leaf}, leaf.Account[:])
		units = paid.Units
		return err
	})
	return units, err
}

// batch is how many rows go into one statement.
const batch = 1000

// credit raises accounts to their leaves. Only says that a single account is concerned.
func (t *turn) credit(root bundle.Root, leaves []merkle.Leaf, only []byte) (Paid, error) {
	had, err := t.totals(only)
	if err != nil {
		return Paid{}, err
	}
	credits, err := t.held.Credit(leaves, func(account proofs.Hash) proofs.Uint128 { return had[account] })
	if err != nil {
		return Paid{}, err
	}
	paid := Paid{Accounts: len(credits)}
	var accounts, journal []any
	for _, c := range credits {
		paid.Units, _ = paid.Units.Add(c.Units)
		total, _ := had[c.Account].Add(c.Units) // the leaf's
		accounts = append(accounts, t.id[0], t.id[1], c.Account[:], total.String())
		journal = append(journal, t.id[0], t.id[1], c.Account[:], root.Digest[:], c.Units.String(), c.Detail[:])
	}
	err = errors.Join(
		t.insert(`INSERT INTO verifyd_account (audience, pool, account, units) VALUES `, 4, accounts,
			` ON CONFLICT (audience, pool, account) DO UPDATE SET units = excluded.units`),
		t.insert(`INSERT INTO verifyd_credit (audience, pool, account, root, units, detail) VALUES `, 6, journal,
			``),
		t.change("paid", t.held.Paid.String()))
	if err != nil {
		return Paid{}, err
	}
	return paid, nil
}

// totals are what accounts have been credited: one account's, or all.
func (t *turn) totals(only []byte) (map[proofs.Hash]proofs.Uint128, error) {
	query, args := `SELECT account, units FROM verifyd_account WHERE audience = ? AND pool = ?`, t.id[:2:2]
	if only != nil {
		query, args = query+` AND account = ?`, append(args, only)
	}
	found, err := t.tx.QueryContext(t.ctx, t.dialect.query(query), args...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	all := map[proofs.Hash]proofs.Uint128{}
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
		all[proofs.Hash(account)] = n
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
	err := again(ctx, func() error {
		return l.db.QueryRowContext(ctx, l.dialect.query(`SELECT units FROM verifyd_account WHERE audience = ? AND pool = ? AND account = ?`),
			append(l.id[:2:2], account[:])...).Scan(&units)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return proofs.Uint128{}, nil
	}
	if err != nil {
		return proofs.Uint128{}, err
	}
	return proofs.ParseUint128(units)
}

// Due is what the last good epoch root still owes, over all accounts.
func (l *Ledger) Due(ctx context.Context) (due proofs.Uint128, err error) {
	err = l.inTurn(ctx, func(t *turn) error {
		due = t.held.Due()
		return nil
	})
	return due, err
}
