package scenario

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/translog"
)

// origin is the log's name.
const origin = "log.example/pool"

// A Log is a transparency log in memory.
type Log struct {
	hashes []tlog.Hash
	size   int64
	key    ed25519.PrivateKey
}

// NewLog returns an empty log with the key of a name.
func NewLog(name string) *Log {
	seed := ID(name)
	return &Log{key: ed25519.NewKeyFromSeed(seed[:])}
}

// Name is the log's origin.
func (l *Log) Name() string { return origin }

// KeyHash is by c2sp.org/signed-note.
func (l *Log) KeyHash() uint32 {
	h := sha256.Sum256(append([]byte(origin+"\n\x01"), l.key.Public().(ed25519.PublicKey)...))
	return binary.BigEndian.Uint32(h[:])
}

// Sign is what note.Sign asks of a signer.
func (l *Log) Sign(msg []byte) ([]byte, error) { return ed25519.Sign(l.key, msg), nil }

// VKey is the log's key as readers are given it.
func (l *Log) VKey() string {
	material := append([]byte{1}, l.key.Public().(ed25519.PublicKey)...)
	return fmt.Sprintf("%s+%08x+%s", origin, l.KeyHash(), base64.StdEncoding.EncodeToString(material))
}

// ReadHashes is what package tlog asks of a store.
func (l *Log) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		out[i] = l.hashes[at]
	}
	return out, nil
}

// Append adds an entry and returns its index.
func (l *Log) Append(entry []byte) (int64, error) {
	hashes, err := tlog.StoredHashes(l.size, entry, l)
	if err != nil {
		return 0, err
	}
	l.hashes = append(l.hashes, hashes...)
	l.size++
	return l.size - 1, nil
}

// Head is the checkpoint of the log now, and as signed.
func (l *Log) Head() (translog.Checkpoint, []byte, error) {
	root, err := tlog.TreeHash(l.size, l)
	if err != nil {
		return translog.Checkpoint{}, nil, err
	}
	c := translog.Checkpoint{Origin: origin, Size: l.size, Root: root}
	signed, err := note.Sign(&note.Note{Text: string(c.Body())}, l)
	return c, signed, err
}

// HeadHash is the checkpointHash of an epoch root that is made now.
func (l *Log) HeadHash() (proofs.Hash, error) {
	c, _, err := l.Head()
	return sha256.Sum256(c.Body()), err
}

// Inclusion is the tlog-proof of an entry in the log as it is now.
func (l *Log) Inclusion(index int64) (string, error) {
	_, signed, err := l.Head()
	if err != nil {
		return "", err
	}
	path, err := tlog.ProveRecord(l.size, index, l)
	if err != nil {
		return "", err
	}
	return string((&translog.Proof{Index: index, Path: path, Checkpoint: signed}).Text()), nil
}

// Consistency is the proof that the log as it is now begins with its first
// size entries.
func (l *Log) Consistency(size int64) (string, error) {
	_, signed, err := l.Head()
	if err != nil {
		return "", err
	}
	path, err := tlog.ProveTree(l.size, size, l)
	if err != nil {
		return "", err
	}
	return string((&translog.Consistency{Old: size, Path: path, Checkpoint: signed}).Text()), nil
}
