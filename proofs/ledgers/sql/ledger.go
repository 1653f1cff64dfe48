package sql

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/bundle"
	"github.com/verifyd/verifyd/proofs/translog"
)

// Genesis is what a ledger starts with. Signers comes from somewhere that is trusted.
type Genesis struct {
	Audience   proofs.Hash
	PoolID     proofs.Hash
	PolicyHash proofs.Hash
	Signers    proofs.SignerSet
	// EpochGrowth is the most by which the epoch may grow from one accepted root to the next, and cannot be
	// changed later; zero stands for [bundle.DefaultEpochGrowth].
	EpochGrowth uint64
}

// maxEpochGrowth leaves 2^31 leaps to the largest number of a database.
const maxEpochGrowth = 1 << 32

// Ledger is one pool's ledger in a database. Its methods may be called from any goroutine, and by any
// number of processes at once: each is one transaction that holds the ledger's row.
type Ledger struct {
	// Log says by which log, and which witnesses, the checkpoints of claims must be signed; nil refuses
	// a claim with a log. Set it before the first call.
	Log *translog.Policy
	// Now is the clock; time.Now if nil. Set it before the first call.
	Now func() time.Time

	db      *sql.DB
	dialect Dialect
	id      []any // audience and pool
}

// Open makes the tables if they are not there, and the ledger if it is not. A ledger that is there keeps
// what it has: of the genesis only audience and pool are looked at.
func Open(ctx context.Context, db *sql.DB, d Dialect, g Genesis) (*Ledger, error) {
	signers, err := proofs.Encode(g.Signers)
	if err != nil {
		return nil, fmt.Errorf("genesis: signers: %w", err)
	}
	if g.PolicyHash == (proofs.Hash{}) {
		return nil, errors.New("genesis: policy hash: zero names no policy")
	}
	if g.Signers.Audience != g.Audience || g.Signers.PoolID != g.PoolID {
		return nil, errors.New("genesis: signers: the set is another ledger's")
	}
	growth := g.EpochGrowth
	if growth == 0 {
		growth = bundle.DefaultEpochGrowth
	}
	if growth > maxEpochGrowth {
		return nil, fmt.Errorf("genesis: epoch growth: %d, limit %d", growth, uint64(maxEpochGrowth))
	}
	if _, err := db.ExecContext(ctx, d.schema); err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	l := &Ledger{db: db, dialect: d, id: []any{g.Audience[:], g.PoolID[:]}}
	err = again(ctx, func() error {
		_, err := db.ExecContext(ctx, d.query(`INSERT INTO verifyd_ledger (audience, pool, policy, signers, epoch_growth) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (audience, pool) DO NOTHING`), g.Audience[:], g.PoolID[:], g.PolicyHash[:], signers, int64(growth))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	return l, nil
}

// turn is a transaction that holds the ledger's row, and what it read there.
type turn struct {
	*Ledger
	ctx  context.Context
	tx   *sql.Tx
	held *bundle.Ledger
}

// inTurn runs f in a transaction that no other of the ledger's runs beside: again, from the beginning, if the
// database undid it for the sake of another.
func (l *Ledger) inTurn(ctx context.Context, f func(*turn) error) error {
	return again(ctx, func() error { return l.once(ctx, f) })
}

func (l *Ledger) once(ctx context.Context, f func(*turn) error) error {
	tx, err := l.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	t := &turn{Ledger: l, ctx: ctx, tx: tx}
	err = t.hold()
	if err == nil {
		err = f(t)
	}
	if err != nil {
		return errors.Join(err, ignoreDone(tx.Rollback()))
	}
	return tx.Commit()
}

// ignoreDone drops the error of ending a transaction that the end of its context has ended.
func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// hold locks the ledger's row by writing to it, which every database understands, and reads the ledger.
func (t *turn) hold() error {
	var policy, signers []byte
	var paid string
	var growth int64
	err := t.tx.QueryRowContext(t.ctx, t.dialect.query(`UPDATE verifyd_ledger SET paid = paid WHERE audience = ? AND pool = ?
		RETURNING policy, signers, epoch_growth, paid`), t.id...).Scan(&policy, &signers, &growth, &paid)
	if err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	now := time.Now
	if t.Now != nil {
		now = t.Now
	}
	h := &bundle.Ledger{
		Audience: proofs.Hash(t.id[0].([]byte)), PoolID: proofs.Hash(t.id[1].([]byte)), PolicyHash: proofs.Hash(policy),
		Log: t.Log, Now: now(), EpochGrowth: uint64(growth), Revoked: map[proofs.Hash]bool{},
	}
	if h.Paid, err = proofs.ParseUint128(paid); err != nil {
		return fmt.Errorf("ledger: paid: %w", err)
	}
	t.held = h
	if h.Signers, err = read[proofs.SignerSet](signerSetType, signers); err != nil {
		return fmt.Errorf("ledger: signers: %w", err)
	}
	// Of the good roots the last one is enough; a claim brings its own, see [turn.recall].
	err = t.each(`SELECT body FROM verifyd_epoch WHERE audience = ? AND pool = ? AND good ORDER BY epoch DESC LIMIT 1`, t.know)
	if err != nil {
		return fmt.Errorf("last root: %w", err)
	}
	err = t.each(`SELECT target FROM verifyd_revocation WHERE audience = ? AND pool = ?`, func(target []byte) error {
		h.Revoked[proofs.Hash(target)] = true
		return nil
	})
	if err != nil {
		return fmt.Errorf("revocations: %w", err)
	}
	err = t.each(`SELECT signers FROM verifyd_former_set WHERE audience = ? AND pool = ? ORDER BY number`, func(body []byte) error {
		former, err := read[proofs.SignerSet](signerSetType, body)
		h.Former = append(h.Former, former)
		return err
	})
	if err != nil {
		return fmt.Errorf("former signers: %w", err)
	}
	return nil
}

// know puts an accepted root before those that are known in this turn.
func (t *turn) know(body []byte) error {
	root, err := read[proofs.EpochRoot](epochRootType, body)
	if err != nil {
		return err
	}
	t.held.Accepted = append([]bundle.Root{{EpochRoot: root, Digest: sha256.Sum256(body)}}, t.held.Accepted...)
	return nil
}

// recall looks up the root of a claim among those accepted earlier.
func (t *turn) recall(env *proofs.Envelope) error {
	if env == nil || proofs.Hash(sha256.Sum256(env.Body)) == t.held.Last().Digest {
		return nil
	}
	digest := sha256.Sum256(env.Body)
	return t.each(`SELECT body FROM verifyd_epoch WHERE audience = ? AND pool = ? AND good AND digest = ?`, t.know, digest[:])
}

// each calls use with the one column of a query about the ledger, whose first arguments are audience and pool.
func (t *turn) each(query string, use func([]byte) error, args ...any) error {
	found, err := t.tx.QueryContext(t.ctx, t.dialect.query(query), append(t.id[:2:2], args...)...)
	if err != nil {
		return err
	}
	defer found.Close()
	for found.Next() {
		var column []byte
		if err := found.Scan(&column); err != nil {
			return err
		}
		if err := use(bytes.Clone(column)); err != nil {
			return err
		}
	}
	return found.Err()
}

// exec runs a statement whose first arguments are audience and pool.
func (t *turn) exec(query string, args ...any) error {
	_, err := t.tx.ExecContext(t.ctx, t.dialect.query(query), append(t.id[:2:2], args...)...)
	return err
}

// change sets a column of the ledger's row.
func (t *turn) change(column string, value any) error {
	_, err := t.tx.ExecContext(t.ctx, t.dialect.query(`UPDATE verifyd_ledger SET `+column+` = ? WHERE audience = ? AND pool = ?`),
		append([]any{value}, t.id...)...)
	return err
}

// number is n as the databases hold it.
func number(field string, n uint64) (int64, error) {
	if n > math.MaxInt64 {
		return 0, fmt.Errorf("%s: %d is above %d, the largest of a database", field, n, int64(math.MaxInt64))
	}
	return int64(n), nil
}

// The payload types of what the tables hold as bodies.
const (
	signerSetType = "application/vnd.verifyd.signer-set.v1+abi"
	epochRootType = "application/vnd.verifyd.epoch-root.v1+abi"
)

// read is a statement of kind S out of a body that the database holds.
func read[S proofs.Statement](payloadType string, body []byte) (s S, err error) {
	parsed, err := proofs.Parse(payloadType, body)
	if err != nil {
		return s, err
	}
	return parsed.(S), nil
}
