package translog_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/translog"
	proof "github.com/verifyd/verifyd/proofs/translog"
)

const origin = "example.com/verifyd"

func testSigner(name string) (*translog.Signer, error) {
	seed := sha256.Sum256([]byte("test key " + name))
	return translog.NewSigner(origin, ed25519.NewKeyFromSeed(seed[:]))
}

func signer(t testing.TB, name string) *translog.Signer {
	t.Helper()
	s, err := testSigner(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func options(t testing.TB) translog.Options {
	return translog.Options{Signer: signer(t, "log"), Interval: 100 * time.Millisecond}
}

// newLog makes a log in a folder of its own.
func newLog(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "log")
	if err := translog.Init(dir, signer(t, "log")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func open(t testing.TB, dir string) *translog.Log {
	t.Helper()
	l, err := translog.Open(t.Context(), dir, options(t))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func closeLog(t testing.TB, l *translog.Log) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := l.Close(ctx); err != nil {
		t.Fatal(err)
	}
}

func entry(i int) []byte { return fmt.Appendf(nil, "proof %d", i) }

func entries(from, to int) [][]byte {
	var es [][]byte
	for i := from; i < to; i++ {
		es = append(es, entry(i))
	}
	return es
}

// checked is the report of a log that must be sound.
func checked(t testing.TB, dir string) translog.Report {
	t.Helper()
	r, err := translog.Check(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWhatWasAppendedIsProvedOffline(t *testing.T) {
	dir := newLog(t)
	l := open(t, dir)
	indexes, err := l.Append(t.Context(), entries(0, 700)...)
	if err != nil {
		t.Fatal(err)
	}
	closeLog(t, l)

	f, err := translog.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, i := range []int{0, 1, 255, 256, 511, 512, 699} {
		if indexes[i] != int64(i) {
			t.Fatalf("entry %d has index %d", i, indexes[i])
		}
		text, err := f.Proof(indexes[i])
		if err != nil {
			t.Fatal(err)
		}
		at, err := proof.Verify(text, f.Key(), entry(i))
		if err != nil {
			t.Fatal(err)
		}
		if at.Index != int64(i) || at.Checkpoint.Size != 700 {
			t.Fatalf("got %+v", at)
		}
		found, err := f.Find(proof.LeafHash(entry(i)))
		if err != nil || found != int64(i) {
			t.Fatalf("found at %d: %v", found, err)
		}
	}
	if _, err := f.Proof(700); !errors.Is(err, translog.ErrNoEntry) {
		t.Fatal(err)
	}
	n := 690
	for e, err := range f.Entries(int64(n)) {
		if err != nil || string(e) != string(entry(n)) {
			t.Fatalf("entry %d: %q, %v", n, e, err)
		}
		n++
	}
	if n != 700 {
		t.Fatalf("entries end at %d", n)
	}
}

func TestTheLogOnlyGrows(t *testing.T) {
	dir := newLog(t)
	policy, err := proof.NewPolicy(signer(t, "log").Key())
	if err != nil {
		t.Fatal(err)
	}
	var past []proof.Checkpoint
	for round := range 4 {
		l := open(t, dir)
		if _, err := l.Append(t.Context(), entries(0, 150*round)...); err != nil {
			t.Fatal(err)
		}
		closeLog(t, l)
		past = append(past, checked(t, dir).Checkpoint)
		f, err := translog.OpenFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, old := range past {
			text, err := f.Consistency(old.Size)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := policy.VerifyConsistency(text, old); err != nil {
				t.Fatalf("from %d to %d: %v", old.Size, 150*round, err)
			}
		}
		f.Close()
	}
}

func TestAnEntryIsInTheLogOnce(t *testing.T) {
	dir := newLog(t)
	for round := range 3 {
		l := open(t, dir)
		var wait sync.WaitGroup
		for range 8 {
			wait.Go(func() {
				indexes, err := l.Append(t.Context(), append(entries(0, 300), entries(0, 300)...)...)
				if err != nil {
					t.Error(err)
					return
				}
				for i := range 300 {
					if indexes[i] != indexes[300+i] {
						t.Errorf("entry %d is at %d and at %d", i, indexes[i], indexes[300+i])
					}
				}
			})
		}
		wait.Wait()
		closeLog(t, l)
		if r := checked(t, dir); r.Checkpoint.Size != 300 || r.Repeated != 0 {
			t.Fatalf("round %d: %+v", round, r)
		}
	}
}

func TestOneProcessWrites(t *testing.T) {
	dir := newLog(t)
	l := open(t, dir)
	if _, err := translog.Open(t.Context(), dir, options(t)); !errors.Is(err, translog.ErrInUse) {
		t.Fatal(err)
	}
	closeLog(t, l)
	closeLog(t, open(t, dir))
}

func TestAnotherKeyDoesNotOpenTheLog(t *testing.T) {
	dir := newLog(t)
	o := options(t)
	o.Signer = signer(t, "other")
	if _, err := translog.Open(t.Context(), dir, o); err == nil {
		t.Fatal("opened")
	}
}

func TestTheJournalIsEmptyOnceAllIsPublished(t *testing.T) {
	dir := newLog(t)
	l := open(t, dir)
	if _, err := l.Append(t.Context(), entries(0, 5)...); err != nil {
		t.Fatal(err)
	}
	if r := journalFiles(t, dir); len(r) != 1 {
		t.Fatalf("journal while open: %v", r)
	}
	closeLog(t, l)
	if r := journalFiles(t, dir); len(r) != 0 {
		t.Fatalf("journal after: %v", r)
	}
}

func journalFiles(t testing.TB, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "journal", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestEntriesAreBounded(t *testing.T) {
	dir := newLog(t)
	l := open(t, dir)
	for _, n := range []int{0, proof.MaxEntrySize + 1} {
		if _, err := l.Append(t.Context(), make([]byte, n)); err == nil {
			t.Errorf("%d bytes pass", n)
		}
	}
	if _, err := l.Append(t.Context(), make([]byte, proof.MaxEntrySize), []byte{1}); err != nil {
		t.Error(err)
	}
	closeLog(t, l)
	if _, err := l.Append(t.Context(), []byte{2}); !errors.Is(err, translog.ErrClosed) {
		t.Error(err)
	}
	if r := checked(t, dir); r.Checkpoint.Size != 2 {
		t.Errorf("%+v", r)
	}
}

func TestInitKeepsWhatIsThere(t *testing.T) {
	dir := newLog(t)
	if err := translog.Init(dir, signer(t, "log")); !errors.Is(err, os.ErrExist) {
		t.Fatal(err)
	}
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "thesis.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := translog.Init(other, signer(t, "log")); !errors.Is(err, os.ErrExist) {
		t.Fatal(err)
	}
	if _, err := translog.OpenFolder(other); !errors.Is(err, translog.ErrNoLog) {
		t.Fatal(err)
	}
}
