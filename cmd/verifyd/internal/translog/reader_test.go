package translog

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// FuzzReader reads a log of 300 entries of which one file is another one.
func FuzzReader(f *testing.F) {
	const n = 300
	signer, err := NewSigner("log.example/fuzz", ed25519.NewKeyFromSeed(make([]byte, 32)))
	if err != nil {
		f.Fatal(err)
	}
	dir := filepath.Join(f.TempDir(), "log")
	if err := Init(dir, signer); err != nil {
		f.Fatal(err)
	}
	l, err := Open(f.Context(), dir, Options{Signer: signer, Interval: 100 * time.Millisecond})
	if err != nil {
		f.Fatal(err)
	}
	entries := make([][]byte, n)
	for i := range entries {
		entries[i] = fmt.Appendf(nil, "entry %d", i)
	}
	if _, err := l.Append(f.Context(), entries...); err != nil {
		f.Fatal(err)
	}
	if err := l.Close(f.Context()); err != nil {
		f.Fatal(err)
	}
	paths := []string{"checkpoint", "tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/44"}
	files := map[string][]byte{}
	for _, path := range paths {
		if files[path], err = os.ReadFile(filepath.Join(dir, tilesFolder, path)); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(uint8(0), uint16(40), uint16(1), []byte("9"))
	f.Add(uint8(1), uint16(32), uint16(32), []byte{})
	f.Add(uint8(4), uint16(0), uint16(2), []byte{0xff, 0xff})
	f.Add(uint8(5), uint16(9), uint16(0), []byte("more"))
	f.Fuzz(func(t *testing.T, which uint8, at, length uint16, by []byte) {
		changed := paths[int(which)%len(paths)]
		r, err := newReader("fuzz", signer.Key())
		if err != nil {
			t.Fatal(err)
		}
		r.read = func(path string, limit int64) ([]byte, error) {
			file, ok := files[path]
			if !ok {
				return nil, fs.ErrNotExist
			}
			if path == changed {
				from := min(int(at), len(file))
				file = slices.Concat(file[:from], by, file[min(from+int(length), len(file)):])
			}
			if int64(len(file)) > limit {
				return nil, fmt.Errorf("%s: too large", path)
			}
			return file, nil
		}
		i := 0
		for e, err := range r.Entries(0) {
			if err != nil {
				return
			}
			if i == n || !bytes.Equal(e, entries[i]) {
				t.Fatalf("entry %d is %q", i, e)
			}
			i++
		}
		if i != n {
			t.Fatalf("%d entries of %d, and no error", i, n)
		}
	})
}
