package translog_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/verifyd/verifyd/proofs/translog"
)

const (
	origin     = "example.com/verifyd"
	cosignedAt = 1_795_000_000 // Unix time
)

// tree is a log in memory.
type tree struct {
	t      testing.TB
	signer *key
	hashes []tlog.Hash
	size   int64
}

// key signs notes as a log (kind 1) or as a witness (kind 4), from a fixed
// seed.
type key struct {
	name    string
	kind    byte
	private ed25519.PrivateKey
	at      int64 // when it cosigns
}

func newKey(name string, kind byte) *key {
	seed := sha256.Sum256(fmt.Appendf(nil, "test key %s %d", name, kind))
	return &key{name, kind, ed25519.NewKeyFromSeed(seed[:]), cosignedAt}
}

func (k *key) material() []byte {
	return append([]byte{k.kind}, k.private.Public().(ed25519.PublicKey)...)
}

func (k *key) vkey() string {
	return fmt.Sprintf("%s+%08x+%s", k.name, k.KeyHash(), base64.StdEncoding.EncodeToString(k.material()))
}

func (k *key) Name() string { return k.name }

func (k *key) KeyHash() uint32 {
	h := sha256.Sum256(append([]byte(k.name+"\n"), k.material()...))
	return binary.BigEndian.Uint32(h[:])
}

func (k *key) Sign(msg []byte) ([]byte, error) {
	if k.kind == 1 {
		return ed25519.Sign(k.private, msg), nil
	}
	signed := append([]byte("cosignature/v1\ntime "+strconv.FormatInt(k.at, 10)+"\n"), msg...)
	return append(binary.BigEndian.AppendUint64(nil, uint64(k.at)), ed25519.Sign(k.private, signed)...), nil
}

// newTree is a log that holds entry(0) to entry(n-1).
func newTree(t testing.TB, n int64) *tree {
	tr := &tree{t: t, signer: newKey(origin, 1)}
	tr.grow(n)
	return tr
}

func entry(i int64) []byte { return fmt.Appendf(nil, "proof %d", i) }

func (tr *tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		out[i] = tr.hashes[at]
	}
	return out, nil
}

func (tr *tree) grow(n int64) {
	for range n {
		hs, err := tlog.StoredHashes(tr.size, entry(tr.size), tr)
		if err != nil {
			tr.t.Fatal(err)
		}
		tr.hashes = append(tr.hashes, hs...)
		tr.size++
	}
}

func (tr *tree) checkpoint(witnesses ...*key) []byte {
	root, err := tlog.TreeHash(tr.size, tr)
	if err != nil {
		tr.t.Fatal(err)
	}
	return tr.sign(translog.Checkpoint{Origin: tr.signer.name, Size: tr.size, Root: root}.Body(), witnesses...)
}

func (tr *tree) sign(body []byte, witnesses ...*key) []byte {
	signers := []note.Signer{tr.signer}
	for _, w := range witnesses {
		signers = append(signers, w)
	}
	signed, err := note.Sign(&note.Note{Text: string(body)}, signers...)
	if err != nil {
		tr.t.Fatal(err)
	}
	return signed
}

func (tr *tree) prove(i int64, witnesses ...*key) *translog.Proof {
	path, err := tlog.ProveRecord(tr.size, i, tr)
	if err != nil {
		tr.t.Fatal(err)
	}
	return &translog.Proof{Index: i, Path: path, Checkpoint: tr.checkpoint(witnesses...)}
}
