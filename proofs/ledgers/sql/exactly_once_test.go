package sql

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/verifyd/verifyd/proofs"
)

// applierEnv makes the test binary an applier on the database that it names.
const applierEnv = "VERIFYD_TEST_APPLIER"

func TestMain(m *testing.M) {
	if name := os.Getenv(applierEnv); name != "" {
		d := database{SQLite(), "sqlite", name}
		if strings.HasPrefix(name, "postgres:") {
			d = database{Postgres(), "pgx", name}
		}
		t := &failing{}
		apply(t, d)
		os.Exit(t.code)
	}
	os.Exit(m.Run())
}

// failing is the test that an applier's process is.
type failing struct {
	testing.TB
	code int
}

func (f *failing) Helper()           {}
func (f *failing) Cleanup(func())    {}
func (f *failing) Fatal(args ...any) { fmt.Fprintln(os.Stderr, args...); os.Exit(1) }

// apply accepts and pays what of the season is not yet, as any number of appliers may do side by side. It
// says "ready" when it begins.
func apply(t testing.TB, d database) {
	p := newPool(t)
	s := newSeason(t, p)
	l := newLedger(t, d, p)
	fmt.Println("ready")
	for i, root := range s.roots {
		ctx := context.Background()
		if _, err := l.Accept(ctx, root); err != nil && class(err) != "replayed-epoch" {
			t.Fatal(err)
		}
		// Another applier may be an epoch ahead: then this file is no longer the last root's.
		if _, err := l.PayEpoch(ctx, s.epochs[i].File()); err != nil && class(err) != "wrong-leaves" {
			t.Fatal(err)
		}
	}
}

// settled checks that the season has been paid, each unit once.
func (s season) settled(t *testing.T, l *Ledger, d database) {
	t.Helper()
	last := s.epochs[len(s.epochs)-1]
	for _, leaf := range last.Leaves {
		if units, err := l.Balance(t.Context(), leaf.Account); err != nil || units != leaf.CumulativeUnits {
			t.Fatalf("%s has %s, want %s: %v", leaf.Account, units, leaf.CumulativeUnits, err)
		}
	}
	if due, err := l.Due(t.Context()); err != nil || due != (proofs.Uint128{}) {
		t.Errorf("%s due: %v", due, err)
	}
	db := d.open(t)
	if n := count(t, db, `SELECT count(*) FROM verifyd_account`); n != len(last.Leaves) {
		t.Errorf("%d accounts, want %d", n, len(last.Leaves))
	}
	// The journal adds up to the balances; the numbers of this test fit 64 bits.
	wrong := `SELECT count(*) FROM verifyd_account a WHERE CAST(a.units AS BIGINT) <> (SELECT sum(CAST(c.units AS BIGINT)) FROM verifyd_credit c WHERE c.account = a.account)`
	if n := count(t, db, wrong); n != 0 {
		t.Errorf("%d accounts differ from their journal", n)
	}
	if got, want := count(t, db, `SELECT CAST(paid AS BIGINT) FROM verifyd_ledger`), last.Total.String(); fmt.Sprint(got) != want {
		t.Errorf("%d paid in all, want %s", got, want)
	}
}

func TestAppliersSideBySideCreditExactlyOnce(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		p := newPool(t)
		s := newSeason(t, p)
		ledgers := make([]*Ledger, 6)
		for i := range ledgers {
			ledgers[i] = newLedger(t, d, p)
		}
		credited := make([]Paid, len(ledgers))
		for i, root := range s.roots {
			var all sync.WaitGroup
			for k, l := range ledgers {
				all.Go(func() {
					if _, err := l.Accept(t.Context(), root); err != nil && class(err) != "replayed-epoch" {
						t.Error(err)
					}
					paid, err := l.PayEpoch(t.Context(), s.epochs[i].File())
					if err != nil {
						t.Error(err)
					}
					credited[k].Accounts += paid.Accounts
					credited[k].Units, _ = credited[k].Units.Add(paid.Units)
				})
			}
			all.Wait()
		}
		var sum proofs.Uint128
		for _, paid := range credited {
			sum, _ = sum.Add(paid.Units)
		}
		if want := s.epochs[len(s.epochs)-1].Total; sum != want {
			t.Errorf("the appliers say that they credited %s, want %s", sum, want)
		}
		s.settled(t, ledgers[0], d)
	})
}

func TestAppliersThatAreKilledCreditExactlyOnce(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		p := newPool(t)
		s := newSeason(t, p)
		l := newLedger(t, d, p)
		seed := uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
		random := rand.New(rand.NewPCG(seed, 0))
		killed := 0
		for killed < 12 {
			if due, err := l.Due(t.Context()); err != nil {
				t.Fatal(err)
			} else if epochs := count(t, d.open(t), `SELECT count(*) FROM verifyd_epoch`); epochs == seasonEpochs && due == (proofs.Uint128{}) {
				break
			}
			if run(t, d, time.Duration(random.IntN(60))*time.Millisecond) {
				killed++
			}
		}
		if killed == 0 {
			t.Error("no applier was killed")
		}
		t.Logf("%d appliers were killed", killed)
		if run(t, d, time.Minute) {
			t.Fatal("the last applier did not end")
		}
		s.settled(t, l, d)
	})
}

// run starts an applier in a process of its own and kills it after so long from when it begins. It says
// whether that came before its end.
func run(t *testing.T, d database, after time.Duration) (killed bool) {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), applierEnv+"="+d.name)
	var message strings.Builder
	c.Stderr = &message
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("%v: %s", err, message.String())
	}
	timer := time.AfterFunc(after, func() { c.Process.Kill() })
	err = c.Wait()
	if timer.Stop() && err != nil {
		t.Fatalf("%v: %s", err, message.String())
	}
	return err != nil
}
