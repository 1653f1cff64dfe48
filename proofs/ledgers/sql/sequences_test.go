package sql

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/bundle"
	"github.com/verifyd/verifyd/proofs/testdata/sequences"
)

// openFor opens a ledger that begins as another one is.
func openFor(t testing.TB, d database, begin *bundle.Ledger) *Ledger {
	t.Helper()
	l, err := Open(context.Background(), d.open(t), d.dialect, Genesis{
		Audience: begin.Audience, PoolID: begin.PoolID, PolicyHash: begin.PolicyHash, Signers: begin.Signers, EpochGrowth: begin.EpochGrowth,
	})
	if err != nil {
		t.Fatal(err)
	}
	at := begin.Now
	l.Log, l.Now = begin.Log, func() time.Time { return at }
	return l
}

// take makes the call of a step and returns the answer.
func (l *Ledger) take(ctx context.Context, s sequences.Step) string {
	switch s.Do {
	case "accept", "revoke", "rotate":
		env, err := proofs.ParseEnvelope(s.File())
		if err != nil {
			return sequences.Answer(err)
		}
		switch s.Do {
		case "accept":
			_, err = l.Accept(ctx, env)
		case "revoke":
			err = l.Revoke(ctx, env)
		default:
			err = l.Rotate(ctx, env)
		}
		return sequences.Answer(err)
	case "policy":
		raw, err := s.Hex()
		if err != nil {
			return err.Error()
		}
		return sequences.Answer(l.SetPolicy(ctx, proofs.Hash(raw)))
	case "clock":
		at, err := strconv.ParseInt(s.Input, 10, 64)
		l.Now = func() time.Time { return time.Unix(at, 0) }
		return sequences.Answer(err)
	case "claim":
		b, err := bundle.Parse(s.File())
		if err != nil {
			return sequences.Answer(err)
		}
		return sequences.Units(l.PayBundle(ctx, b))
	case "pay":
		file, err := s.Hex()
		if err != nil {
			return err.Error()
		}
		paid, err := l.PayEpoch(ctx, file)
		return sequences.Units(paid.Units, err)
	case "balance":
		account, err := s.Hex()
		if err != nil {
			return err.Error()
		}
		return sequences.Units(l.Balance(ctx, proofs.Hash(account)))
	case "due":
		return sequences.Units(l.Due(ctx))
	}
	return "unknown step " + s.Do
}

func TestSequencesInADatabase(t *testing.T) {
	all, err := sequences.All("sql")
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 50 {
		t.Errorf("%d sequences, want 50", len(all))
	}
	eachDatabase(t, func(t *testing.T, d database) {
		for _, s := range all {
			t.Run(s.Name, func(t *testing.T) {
				begin, err := s.Ledger()
				if err != nil {
					t.Fatal(err)
				}
				db := d.open(t)
				defer wipe(t, db)
				l := openFor(t, d, begin)
				for i, step := range s.Steps {
					if got := l.take(t.Context(), step); got != step.Expect {
						t.Fatalf("step %d, %s: %s, want %s", i+1, step.Do, got, step.Expect)
					}
				}
				adds(t, db)
			})
		}
	})
}

// TestDrawnHistoriesAreAnsweredAlikeByTheDatabaseAndTheBook shuffles the steps
// of all sequences that begin alike into one history after the other: most
// steps come where nobody thought of them.
func TestDrawnHistoriesAreAnsweredAlikeByTheDatabaseAndTheBook(t *testing.T) {
	all, err := sequences.All("sql")
	if err != nil {
		t.Fatal(err)
	}
	var steps []sequences.Step
	for _, s := range all {
		if s.Facts["growth"] == "" && s.Facts["log"] == "" {
			steps = append(steps, s.Steps...)
		}
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d, %d steps to draw from", seed, len(steps))
	random := rand.New(rand.NewPCG(seed, 0))
	histories, long := 12, 80
	if testing.Short() {
		histories = 2
	}
	answers := map[string]int{}
	for h := range histories {
		d := sqliteFile(t)
		begin, err := all[0].Ledger()
		if err != nil {
			t.Fatal(err)
		}
		l, book, db := openFor(t, d, begin), sequences.NewBook(begin), d.open(t)
		highest := proofs.Uint128{}
		for i := range long {
			step := steps[random.IntN(len(steps))]
			if (step.Do == "rotate" || step.Do == "clock") && random.IntN(4) > 0 {
				continue // or every history would end up with set 3, late
			}
			want := book.Take(step)
			answers[want]++
			if got := l.take(t.Context(), step); got != want {
				t.Fatalf("history %d, call %d, %s: the database says %s, the book %s\n%.200s", h, i, step.Do, got, want, step.Input)
			}
			if book.Paid.Cmp(highest) < 0 {
				t.Fatalf("history %d, call %d, %s: less is paid than before", h, i, step.Do)
			}
			highest = book.Paid
		}
		if due, err := l.Due(t.Context()); err != nil || due != book.Due() {
			t.Errorf("%s due, the book says %s: %v", due, book.Due(), err)
		}
		adds(t, db)
	}
	t.Logf("answers: %v", answers)
}

// adds checks that the journal adds up to the accounts, and those to what the
// ledger says that it paid.
func adds(t *testing.T, db *sql.DB) {
	t.Helper()
	for what, query := range map[string]string{
		"accounts differ from their journal": `SELECT count(*) FROM verifyd_account a WHERE CAST(a.units AS BIGINT) <>
			(SELECT sum(CAST(c.units AS BIGINT)) FROM verifyd_credit c WHERE c.account = a.account)`,
		"ledgers differ from their accounts": `SELECT count(*) FROM verifyd_ledger l WHERE CAST(l.paid AS BIGINT) <>
			(SELECT coalesce(sum(CAST(a.units AS BIGINT)), 0) FROM verifyd_account a)`,
		"epochs have two good roots": `SELECT count(*) FROM (SELECT epoch FROM verifyd_epoch WHERE good GROUP BY epoch HAVING count(*) > 1) AS twice`,
	} {
		if n := count(t, db, query); n != 0 {
			t.Errorf("%d %s", n, what)
		}
	}
}

// wipe empties the tables for the next ledger of the same name.
func wipe(t *testing.T, db *sql.DB) {
	t.Helper()
	for _, table := range []string{"credit", "account", "epoch", "revocation", "former_set", "ledger"} {
		if _, err := db.ExecContext(context.Background(), "DELETE FROM verifyd_"+table); err != nil {
			t.Fatal(err)
		}
	}
}
