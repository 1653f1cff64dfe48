package translog_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/verifyd/verifyd/proofs/translog"
)

func TestEveryEntryOfEveryTreeVerifies(t *testing.T) {
	vkey := newKey(origin, 1).vkey()
	tr := newTree(t, 0)
	for size := int64(1); size <= 70; size++ {
		tr.grow(1)
		for i := range size {
			at, err := translog.Verify(tr.prove(i).Text(), vkey, entry(i))
			if err != nil {
				t.Fatalf("entry %d of %d: %v", i, size, err)
			}
			if at.Index != i || at.Checkpoint.Size != size || at.Checkpoint.Origin != origin {
				t.Fatalf("entry %d of %d: got %+v", i, size, at)
			}
		}
	}
}

func TestAnotherEntryIsNotInTheLog(t *testing.T) {
	tr := newTree(t, 9)
	for _, other := range [][]byte{entry(4), nil, []byte("proof 33")} {
		if _, err := translog.Verify(tr.prove(3).Text(), tr.signer.vkey(), other); !errors.Is(err, translog.ErrNotLogged) {
			t.Errorf("%q: %v", other, err)
		}
	}
	// An inner node must not pass for an entry.
	left, right := translog.LeafHash(entry(0)), translog.LeafHash(entry(1))
	p := tr.prove(0)
	p.Path = p.Path[1:]
	if _, err := translog.Verify(p.Text(), tr.signer.vkey(), append(left[:], right[:]...)); !errors.Is(err, translog.ErrNotLogged) {
		t.Errorf("inner node: %v", err)
	}
}

func TestEveryFlippedBitOfAProofIsRefused(t *testing.T) {
	tr := newTree(t, 21)
	text := tr.prove(13).Text()
	if _, err := translog.Verify(text, tr.signer.vkey(), entry(13)); err != nil {
		t.Fatal(err)
	}
	for i := range text {
		for bit := range 8 {
			bad := bytes.Clone(text)
			bad[i] ^= 1 << bit
			if _, err := translog.Verify(bad, tr.signer.vkey(), entry(13)); err == nil {
				t.Errorf("bit %d of byte %d (%q) flipped and not seen", bit, i, text[i])
			}
		}
	}
}

func TestEveryShortenedProofIsRefused(t *testing.T) {
	tr := newTree(t, 21)
	text := tr.prove(13).Text()
	for n := range text {
		if _, err := translog.Verify(text[:n], tr.signer.vkey(), entry(13)); err == nil {
			t.Errorf("the first %d bytes pass for the proof", n)
		}
	}
}

func TestAProofSignedByAnotherLogIsRefused(t *testing.T) {
	tr := newTree(t, 5)
	for _, other := range []*key{newKey("example.com/other", 1), newKey(origin+"2", 1)} {
		if _, err := translog.Verify(tr.prove(2).Text(), other.vkey(), entry(2)); err == nil {
			t.Errorf("passes with the key of %s", other.name)
		}
	}
	// The right key under another origin: the log signed for another name.
	body := translog.Checkpoint{Origin: "example.com/other", Size: tr.size, Root: must(tlog.TreeHash(tr.size, tr))}.Body()
	p := tr.prove(2)
	p.Checkpoint = tr.sign(body)
	if _, err := translog.Verify(p.Text(), tr.signer.vkey(), entry(2)); err == nil || !strings.Contains(err.Error(), "origin") {
		t.Errorf("another origin: %v", err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestErrorsNameTheField(t *testing.T) {
	tr := newTree(t, 5)
	good := string(tr.prove(2).Text())
	lines := strings.Split(good, "\n")
	edit := func(i int, line string) string {
		bad := slices.Clone(lines)
		bad[i] = line
		return strings.Join(bad, "\n")
	}
	tests := []struct{ name, text, want string }{
		{"another version", edit(0, "c2sp.org/tlog-proof@v2"), "field version"},
		{"extra data", strings.Replace(good, "index", "extra AAAA\nindex", 1), "field extra"},
		{"no index", edit(1, "indox 2"), "field index"},
		{"leading zero", edit(1, "index 02"), "field index"},
		{"signed index", edit(1, "index +2"), "field index"},
		{"negative index", edit(1, "index -1"), "field index"},
		{"index past the tree", edit(1, "index 5"), "field index"},
		{"huge index", edit(1, "index 99999999999999999999"), "field index"},
		{"huge index in range of int64", edit(1, "index 9000000000000000000"), "limit 72057594037927936"},
		{"short hash", edit(2, "AAAA"), "field path: hash 0"},
		{"loose base64", edit(2, lines[2][:42]+"B="), "field path: hash 0"},
		{"path too long", strings.Replace(good, lines[2], strings.Repeat(lines[2]+"\n", 64)+lines[2], 1), "field path: 67 hashes, limit 63"},
		{"no checkpoint", lines[0] + "\n" + lines[1] + "\n", "no blank line"},
		{"too large", good + strings.Repeat(" ", translog.MaxProofSize), "limit"},
		{"tree size with plus", strings.Replace(good, "\n5\n", "\n+5\n", 1), "field tree size"},
		{"extension line", strings.Replace(good, "\n5\n", "\n5\nx\n", 1), "extension"},
		{"no signature", strings.Split(good, "\n\n—")[0] + "\n\n", "field signatures"},
		{"carriage return", strings.ReplaceAll(good, "\n", "\r\n"), "no blank line"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := translog.Verify([]byte(tt.text), tr.signer.vkey(), entry(2))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestAnEntryOverTheLimitIsRefused(t *testing.T) {
	tr := newTree(t, 2)
	_, err := translog.Verify(tr.prove(0).Text(), tr.signer.vkey(), make([]byte, translog.MaxEntrySize+1))
	if err == nil || !strings.Contains(err.Error(), "limit 65535") {
		t.Fatal(err)
	}
}

func TestTheEmptyTreeHasOneRoot(t *testing.T) {
	tr := newTree(t, 0)
	p := must(translog.NewPolicy(tr.signer.vkey()))
	if _, err := p.Open(tr.checkpoint()); err != nil {
		t.Fatal(err)
	}
	body := translog.Checkpoint{Origin: origin, Root: tlog.Hash{1}}.Body()
	if _, err := p.Open(tr.sign(body)); err == nil || !strings.Contains(err.Error(), "root hash") {
		t.Fatal(err)
	}
}
