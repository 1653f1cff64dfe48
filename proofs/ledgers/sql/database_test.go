package sql

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"
)

// database is one for tests, reachable from several processes.
type database struct {
	dialect      Dialect
	driver, name string
}

func (d database) open(t testing.TB) *sql.DB {
	t.Helper()
	db, err := sql.Open(d.driver, d.name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// sqliteFile is a new database in a file.
func sqliteFile(t testing.TB) database {
	name := "file:" + filepath.Join(t.TempDir(), "ledger.db") + "?_pragma=busy_timeout(20000)&_pragma=journal_mode(wal)&_pragma=foreign_keys(1)"
	return database{SQLite(), "sqlite", name}
}

// eachDatabase runs a test on a new database of every kind.
func eachDatabase(t *testing.T, test func(*testing.T, database)) {
	t.Run("sqlite", func(t *testing.T) { test(t, sqliteFile(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, postgresServer(t)) })
}

// postgresServer is a database of a new server, which listens on a socket of its own and ends with the test.
func postgresServer(t testing.TB) database {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) == 0 {
		if os.Getenv("VERIFYD_CI") != "" {
			t.Fatal("no PostgreSQL server")
		}
		t.Skip("no PostgreSQL server: the package postgresql of Debian has one")
	}
	bin := filepath.Dir(slices.Max(found))
	dir, err := os.MkdirTemp("", "verifyd-postgres-") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	as := notRoot(t, dir)
	command := func(name string, args ...string) *exec.Cmd {
		c := exec.Command(filepath.Join(bin, name), args...)
		c.SysProcAttr, c.Dir = as, dir
		return c
	}
	data := filepath.Join(dir, "data")
	if out, err := command("initdb", "--no-sync", "--auth=trust", "--username=ledger", "--pgdata="+data).CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	// Killed clients are what these tests are about, a power cut is not: fsync stays off.
	server := command("postgres", "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off")
	var log bytes.Buffer
	server.Stdout, server.Stderr = &log, &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Process.Signal(syscall.SIGINT)
		server.Wait()
	})
	d := database{Postgres(), "pgx", "postgres://ledger@/postgres?host=" + url.QueryEscape(dir)}
	db := d.open(t)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if err = db.Ping(); err == nil {
			return d
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server does not answer: %v\n%s", err, log.String())
		}
	}
}

// notRoot gives dir to the user that Debian's package made, because the server refuses to be root's.
func notRoot(t testing.TB, dir string) *syscall.SysProcAttr {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	who, err := user.Lookup("postgres")
	if err != nil {
		t.Fatal(err)
	}
	uid, err1 := strconv.Atoi(who.Uid)
	gid, err2 := strconv.Atoi(who.Gid)
	if err1 != nil || err2 != nil {
		t.Fatalf("user postgres: %v, %v", err1, err2)
	}
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

// count is a number that a query gives.
func count(t testing.TB, db *sql.DB, query string) (n int) {
	t.Helper()
	if err := db.QueryRowContext(context.Background(), query).Scan(&n); err != nil {
		t.Fatal(fmt.Errorf("%s: %w", query, err))
	}
	return n
}
