package translog_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/translog"
)

func TestEveryDamagedFileIsFound(t *testing.T) {
	dir := newLog(t)
	l := open(t, dir)
	if _, err := l.Append(t.Context(), entries(0, 600)...); err != nil {
		t.Fatal(err)
	}
	closeLog(t, l)
	tiles := filepath.Join(dir, "tiles")
	for _, path := range []string{
		"checkpoint", "tile/0/000", "tile/0/002.p/88", "tile/1/000.p/2", "tile/entries/001", "tile/entries/002.p/88",
	} {
		path := filepath.Join(tiles, path)
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		flipped := bytes.Clone(good)
		flipped[len(flipped)/2] ^= 1
		for name, bad := range map[string][]byte{"flipped": flipped, "cut": good[:len(good)-1], "empty": {}} {
			if err := os.WriteFile(path, bad, 0o644); err != nil {
				t.Fatal(err)
			}
			if r, err := translog.Check(t.Context(), dir); err == nil {
				t.Errorf("%s %s: %+v", path, name, r)
			}
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if _, err := translog.Check(t.Context(), dir); !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, translog.ErrNoCheckpoint) {
			t.Errorf("%s gone: %v", path, err)
		}
		if err := os.WriteFile(path, good, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	checked(t, dir)
}

func TestALogThatContradictsItsCheckpointIsNotSignedAgain(t *testing.T) {
	dir := newLog(t)
	l := open(t, dir)
	if _, err := l.Append(t.Context(), entries(0, 5)...); err != nil {
		t.Fatal(err)
	}
	closeLog(t, l)
	state := filepath.Join(dir, "tiles", ".state", "treeState")
	good, err := os.ReadFile(state)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(name string) {
		t.Helper()
		if l, err := translog.Open(t.Context(), dir, options(t)); err == nil {
			closeLog(t, l)
			t.Errorf("%s: opened", name)
		}
	}
	for name, bad := range map[string]string{
		"older tree":   strings.Replace(string(good), `"size":5`, `"size":4`, 1),
		"another root": `{"size":5,"root":"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}`,
		"short root":   `{"size":5,"root":"AAAA"}`,
		"not JSON":     "{",
	} {
		if err := os.WriteFile(state, []byte(bad), 0o644); err != nil {
			t.Fatal(err)
		}
		refused(name)
	}
	if err := os.Remove(state); err != nil {
		t.Fatal(err)
	}
	refused("no tree")
	if err := os.WriteFile(state, good, 0o644); err != nil {
		t.Fatal(err)
	}
	leaf := filepath.Join(dir, "tiles", "tile", "0", "000.p", "5")
	tile, err := os.ReadFile(leaf)
	if err != nil {
		t.Fatal(err)
	}
	tile[40] ^= 1
	if err := os.WriteFile(leaf, tile, 0o644); err != nil {
		t.Fatal(err)
	}
	refused("another entry")
}

func TestALogStopsAtAFailureAndGoesOnWhenOpenedAgain(t *testing.T) {
	for name, obstacle := range map[string]string{"journal": "journal", "tree": "tiles/tile"} {
		t.Run(name, func(t *testing.T) {
			dir := newLog(t)
			l := open(t, dir)
			// A file where a folder belongs.
			path := filepath.Join(dir, filepath.FromSlash(obstacle))
			if err := errors.Join(os.RemoveAll(path), os.WriteFile(path, nil, 0o644)); err != nil {
				t.Fatal(err)
			}
			if _, err := l.Append(t.Context(), entry(0)); !errors.Is(err, translog.ErrStopped) {
				t.Fatal(err)
			}
			if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o755)); err != nil {
				t.Fatal(err)
			}
			if _, err := l.Append(t.Context(), entry(1)); !errors.Is(err, translog.ErrStopped) {
				t.Fatalf("goes on: %v", err)
			}
			if err := l.Close(t.Context()); !errors.Is(err, translog.ErrStopped) {
				t.Fatal(err)
			}
			l = open(t, dir)
			if _, err := l.Append(t.Context(), entry(0), entry(1)); err != nil {
				t.Fatal(err)
			}
			closeLog(t, l)
			if r := checked(t, dir); r.Checkpoint.Size != 2 || r.Missing != 0 || r.Repeated != 0 {
				t.Fatalf("%+v", r)
			}
		})
	}
}
