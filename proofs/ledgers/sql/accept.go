package sql

import (
	"context"
	"crypto/sha256"
	"errors"

	"github.com/verifyd/verifyd/proofs"
)

// Accept takes the next epoch root, as [bundle.Ledger.Accept] does. Accepting the same one again is an error
// of class replayed-epoch, and changes nothing.
func (l *Ledger) Accept(ctx context.Context, env *proofs.Envelope) (root proofs.EpochRoot, err error) {
	err = l.inTurn(ctx, func(t *turn) error {
		if root, err = t.held.Accept(env); err != nil {
			return err
		}
		epoch, err := number("epoch", root.Epoch)
		if err != nil {
			return err
		}
		digest := sha256.Sum256(env.Body)
		return t.exec(`INSERT INTO verifyd_epoch (audience, pool, digest, epoch, body, envelope, good) VALUES (?, ?, ?, ?, ?, ?, TRUE)`,
			digest[:], epoch, env.Body, env.Bytes())
	})
	return root, err
}

// Rotate puts the next signer set in force, as [bundle.Ledger.Rotate] does.
func (l *Ledger) Rotate(ctx context.Context, env *proofs.Envelope) error {
	return l.inTurn(ctx, func(t *turn) error {
		before, err := proofs.Encode(t.held.Signers)
		if err != nil {
			return err
		}
		old, err := number("set", t.held.Signers.Set)
		if err != nil {
			return err
		}
		if err := t.held.Rotate(env); err != nil {
			return err
		}
		return errors.Join(
			t.exec(`INSERT INTO verifyd_former_set (audience, pool, number, signers) VALUES (?, ?, ?, ?)`, old, before),
			t.change("signers", env.Body))
	})
}

// Revoke takes back a statement, as [bundle.Ledger.Revoke] does. What was paid on it stays paid; a root pays
// nothing more, and another of its epoch may take its place.
func (l *Ledger) Revoke(ctx context.Context, env *proofs.Envelope) error {
	return l.inTurn(ctx, func(t *turn) error {
		r, err := t.held.Revoke(env)
		if err != nil {
			return err
		}
		return errors.Join(
			t.exec(`INSERT INTO verifyd_revocation (audience, pool, target, envelope) VALUES (?, ?, ?, ?)
				ON CONFLICT (audience, pool, target) DO NOTHING`, r.Target[:], env.Bytes()),
			t.exec(`UPDATE verifyd_epoch SET good = FALSE WHERE audience = ? AND pool = ? AND digest = ?`, r.Target[:]))
	})
}

// SetPolicy puts another scoring policy in force: from now on an epoch root under any other is refused. Those
// that were accepted before go on paying.
// Who may call it is the governance's question.
func (l *Ledger) SetPolicy(ctx context.Context, policy proofs.Hash) error {
	if policy == (proofs.Hash{}) {
		return errors.New("policy hash: zero names no policy")
	}
	return l.inTurn(ctx, func(t *turn) error { return t.change("policy", policy[:]) })
}
