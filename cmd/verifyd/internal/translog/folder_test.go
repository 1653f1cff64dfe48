package translog_test

import (
	"path/filepath"
	"testing"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/translog"
	proof "github.com/verifyd/verifyd/proofs/translog"
)

func TestAnOlderCheckpointStillProvesItsEntries(t *testing.T) {
	dir := newLog(t)
	type head struct {
		size   int
		signed []byte
	}
	var past []head
	policy, err := proof.NewPolicy(signer(t, "log").Key())
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{3, 200, 256, 300, 1000} {
		l := open(t, dir)
		if _, err := l.Append(t.Context(), entries(0, size)...); err != nil {
			t.Fatal(err)
		}
		signed, err := l.Published(t.Context(), int64(size))
		if err != nil {
			t.Fatal(err)
		}
		past = append(past, head{size, signed})
		closeLog(t, l)
	}
	f, err := translog.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i, h := range past {
		text, err := f.ProofUnder(h.signed, int64(h.size-1))
		if err != nil {
			t.Fatal(err)
		}
		at, err := proof.Verify(text, f.Key(), entry(h.size-1))
		if err != nil || at.Checkpoint.Size != int64(h.size) {
			t.Fatalf("under %d: %+v, %v", h.size, at, err)
		}
		for _, older := range past[:i] {
			text, err := f.ConsistencyUnder(h.signed, int64(older.size))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := policy.VerifyConsistency(text, must(policy.Open(older.signed))); err != nil {
				t.Fatalf("from %d to %d: %v", older.size, h.size, err)
			}
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestPartialTilesGoWhenTheFullOneIsThere(t *testing.T) {
	dir := newLog(t)
	for _, size := range []int{1, 255, 256, 257, 700} {
		l := open(t, dir)
		if _, err := l.Append(t.Context(), entries(0, size)...); err != nil {
			t.Fatal(err)
		}
		closeLog(t, l)
	}
	for _, level := range []string{"0", "entries"} {
		left, err := filepath.Glob(filepath.Join(dir, "tiles", "tile", level, "*.p"))
		if err != nil || len(left) != 1 || filepath.Base(left[0]) != "002.p" {
			t.Errorf("level %s: %v, %v", level, left, err)
		}
	}
	if r := checked(t, dir); r.Checkpoint.Size != 700 {
		t.Errorf("%+v", r)
	}
}
