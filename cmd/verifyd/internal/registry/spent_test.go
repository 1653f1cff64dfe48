//go:build unix

package registry

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/spent"
)

// spends is the contribution of a worker in an epoch.
func spends(worker byte, epoch, issued uint64) proofs.Contribution {
	return proofs.Contribution{
		Audience: proofs.Hash{1}, PoolID: proofs.Hash{2}, TaskID: proofs.Hash{3}, WorkerID: proofs.Hash{worker},
		Epoch: epoch, IssuedAt: issued, Verdict: proofs.Verdict{Kind: proofs.Accepted},
	}
}

func spentDigest(t *testing.T, c proofs.Contribution) proofs.Hash {
	t.Helper()
	w, err := spent.Of(c)
	if err != nil {
		t.Fatal(err)
	}
	return w.Digest
}

// newSpent is a new file, opened.
func newSpent(t *testing.T) (*Spent, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "spent")
	if err := InitSpent(path); err != nil {
		t.Fatal(err)
	}
	return reopened(t, path), path
}

func reopened(t *testing.T, path string) *Spent {
	t.Helper()
	s, err := OpenSpent(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func isSpent(err error) bool {
	var already *spent.Error
	return errors.As(err, &already)
}

func TestSpentWorkIsRememberedByWhoeverOpensTheFile(t *testing.T) {
	s, path := newSpent(t)
	a, b := spends(1, 1, 100), spends(2, 1, 100)
	if err := s.Record(a, b); err != nil {
		t.Fatal(err)
	}
	for name, other := range map[string]*Spent{"the same": s, "opened again": reopened(t, path)} {
		if err := other.Record(b, a, a); err != nil {
			t.Errorf("%s: the same bodies: %v", name, err)
		}
		if err := other.Check(spends(1, 2, 200)); !isSpent(err) {
			t.Errorf("%s: another epoch: %v", name, err)
		}
		if err := other.Record(spends(3, 2, 200), spends(2, 2, 200)); !isSpent(err) {
			t.Errorf("%s: one of two spent: %v", name, err)
		}
		if err := other.Check(spends(3, 3, 300)); err != nil {
			t.Errorf("%s: what was refused as a whole left a part: %v", name, err)
		}
	}
}

func TestARevocationIsRememberedAndMakesRoomForACorrection(t *testing.T) {
	s, path := newSpent(t)
	first, second := spends(1, 1, 100), spends(1, 1, 200)
	if err := s.Record(first); err != nil {
		t.Fatal(err)
	}
	if err := s.Revoke(spentDigest(t, first)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		s = reopened(t, path)
		if err := s.Record(second); err != nil {
			t.Error(err)
		}
		if err := s.Record(first); err == nil {
			t.Error("the revoked body was recorded")
		}
		if err := s.Record(spends(1, 2, 300)); !isSpent(err) {
			t.Errorf("a second correction: %v", err)
		}
	}
}

func TestOfManyThatSpendOneWorkAtOnceOneDoes(t *testing.T) {
	_, path := newSpent(t)
	for worker := range byte(20) {
		var group sync.WaitGroup
		won := make(chan uint64, 8)
		for i := range uint64(8) {
			s := reopened(t, path) // each with a lock of its own, as processes have
			group.Go(func() {
				err := s.Record(spends(worker, 1, i), spends(100+worker, 1, 7))
				if err == nil {
					won <- i
				} else if !isSpent(err) {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if len(won) != 1 {
			t.Fatalf("%d bodies stand for one nullifier", len(won))
		}
		if err := reopened(t, path).Check(spends(worker, 1, <-won)); err != nil {
			t.Errorf("the one that was recorded: %v", err)
		}
	}
}

// TestAFileThatACrashCutShortHoldsAllThatWasPromised cuts the file after every byte, and goes on with it.
func TestAFileThatACrashCutShortHoldsAllThatWasPromised(t *testing.T) {
	s, path := newSpent(t)
	var ends []int64
	for worker := range byte(2) {
		if err := s.Record(spends(worker, 1, 100), spends(50+worker, 1, 100)); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, s.size)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := len(spentHeader); cut <= len(whole); cut++ {
		for _, tail := range []string{"", "\x00\x00", "spent 0x"}[cut%3:][:1] { // a crash may leave what was never written
			if err := os.WriteFile(path, append(bytes.Clone(whole[:cut]), tail...), 0o644); err != nil {
				t.Fatal(err)
			}
			s, err := OpenSpent(path)
			if err != nil {
				t.Fatalf("cut at %d: %v", cut, err)
			}
			for worker, end := range ends {
				err := s.Check(spends(byte(worker), 2, 200), spends(50+byte(worker), 2, 200))
				if promised := int64(cut) >= end; isSpent(err) != promised {
					t.Fatalf("cut at %d: worker %d, promised %v: %v", cut, worker, promised, err)
				}
			}
			if err := s.Record(spends(9, 1, 100)); err != nil {
				t.Fatal(err)
			}
			if err := reopened(t, path).Check(spends(9, 2, 200)); !isSpent(err) {
				t.Fatalf("cut at %d: what came after: %v", cut, err)
			}
			_ = s.Close()
		}
	}
}

func TestDamageBeforeTheLastBatchIsRefused(t *testing.T) {
	s, path := newSpent(t)
	if err := s.Record(spends(1, 1, 100)); err != nil {
		t.Fatal(err)
	}
	if err := s.Revoke(proofs.Hash{7}); err != nil {
		t.Fatal(err)
	}
	last := s.size
	if err := s.Record(spends(2, 1, 100)); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := range last {
		for _, mask := range []byte{1, 0x20, 0x80, 0x0a} {
			damaged := bytes.Clone(whole)
			damaged[at] ^= mask
			if err := os.WriteFile(path, damaged, 0o644); err != nil {
				t.Fatal(err)
			}
			if s, err := OpenSpent(path); err == nil {
				_ = s.Close()
				t.Fatalf("byte %d changed by %#x: opened", at, mask)
			}
		}
	}
}

func TestAFileThatIsNotThereIsNotMade(t *testing.T) {
	dir := t.TempDir()
	if _, err := OpenSpent(filepath.Join(dir, "spent")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	_, path := newSpent(t)
	if err := InitSpent(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("made a second time: %v", err)
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, dir} {
		if _, err := OpenSpent(path); err == nil {
			t.Errorf("%s was opened", path)
		}
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*.new*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestAnyHistoryIsTheOneOfABookInMemory draws what several processes do with one file.
func TestAnyHistoryIsTheOneOfABookInMemory(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		first, path := newSpent(t)
		open := []*Spent{first, reopened(t, path), reopened(t, path)}
		var book spent.Book
		for step := range 40 {
			i := r.IntN(len(open))
			c := spends(byte(r.IntN(3)), 1+r.Uint64N(2), r.Uint64N(3))
			w, err := spent.Of(c)
			if err != nil {
				t.Fatal(err)
			}
			switch r.IntN(5) {
			case 0:
				_ = open[i].Close()
				open[i] = reopened(t, path)
			case 1:
				book.Revoke(w.Digest)
				if err := open[i].Revoke(w.Digest); err != nil {
					t.Fatal(err)
				}
			default:
				got, want := open[i].Record(c), book.Spend(w)
				if (got == nil) != (want == nil) || want != nil && fmt.Sprintf("%s: %v", path, want) != got.Error() {
					t.Fatalf("seed %d, step %d: %v, want %v", seed, step, got, want)
				}
			}
		}
	}
}
