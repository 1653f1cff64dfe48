package translog

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/verifyd/verifyd/proofs/translog"
)

// A Reader reads a log from its published files, wherever these are: in a
// [Folder], or behind a URL. It believes the log's key and nothing else: what it
// hands out is under a checkpoint that this key signed. It can be used by several
// goroutines at once, and keeps no more of the log in memory than one tile of
// entries, 16 MiB at most, and the hashes above it.
type Reader struct {
	name   string // of the folder, or the URL
	key    string
	policy *translog.Policy
	// read reads a published file of at most limit bytes; fs.ErrNotExist is
	// wrapped if it is not there.
	read func(path string, limit int64) ([]byte, error)

	mu     sync.Mutex
	signed []byte // the last checkpoint that was found good
	head   translog.Checkpoint
}

func newReader(name, key string) (*Reader, error) {
	policy, err := translog.NewPolicy(key)
	if err != nil {
		return nil, err
	}
	return &Reader{name: name, key: key, policy: policy}, nil
}

// Key is the vkey that the log names itself by.
func (r *Reader) Key() string { return r.key }

// Checkpoint is the published checkpoint as it is signed, and what it says.
// The signature is checked with the log's key, once for each checkpoint. The
// bytes belong to all who ask.
func (r *Reader) Checkpoint() (signed []byte, c translog.Checkpoint, err error) {
	signed, err = r.read(checkpointName, translog.MaxCheckpointSize)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, c, fmt.Errorf("%s: %w", r.name, ErrNoCheckpoint)
	}
	if err != nil {
		return nil, c, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.signed != nil && bytes.Equal(signed, r.signed) {
		return signed, r.head, nil
	}
	if c, err = r.policy.Open(signed); err != nil {
		return nil, c, err
	}
	r.signed, r.head = signed, c
	return signed, c, nil
}

// Proof is the tlog-proof of the entry at an index under the published
// checkpoint.
func (r *Reader) Proof(index int64) ([]byte, error) {
	signed, _, err := r.Checkpoint()
	if err != nil {
		return nil, err
	}
	return r.ProofUnder(signed, index)
}

// ProofUnder is the tlog-proof of the entry at an index under a checkpoint that
// the log published at some time. The tiles that it is made of are checked
// against the checkpoint.
func (r *Reader) ProofUnder(signed []byte, index int64) ([]byte, error) {
	c, err := r.policy.Open(signed)
	if err != nil {
		return nil, err
	}
	if index < 0 || index >= c.Size {
		return nil, fmt.Errorf("index %d of %d: %w", index, c.Size, ErrNoEntry)
	}
	path, err := tlog.ProveRecord(c.Size, index, r.hashes(c))
	if err != nil {
		return nil, fmt.Errorf("proof of index %d: %w", index, err)
	}
	return (&translog.Proof{Index: index, Path: path, Checkpoint: signed}).Text(), nil
}

// Consistency is the proof that the published tree begins with the log's tree
// of an older size.
func (r *Reader) Consistency(old int64) ([]byte, error) {
	signed, _, err := r.Checkpoint()
	if err != nil {
		return nil, err
	}
	return r.ConsistencyUnder(signed, old)
}

// ConsistencyUnder is the proof that the tree of a checkpoint, which the log
// published at some time, begins with the log's tree of an older size.
func (r *Reader) ConsistencyUnder(signed []byte, old int64) ([]byte, error) {
	c, err := r.policy.Open(signed)
	if err != nil {
		return nil, err
	}
	if old < 0 || old > c.Size {
		return nil, fmt.Errorf("size %d of %d: %w", old, c.Size, ErrNoEntry)
	}
	proof := &translog.Consistency{Old: old, Checkpoint: signed}
	if old > 0 {
		if proof.Path, err = tlog.ProveTree(c.Size, old, r.hashes(c)); err != nil {
			return nil, fmt.Errorf("proof from size %d: %w", old, err)
		}
	}
	return proof.Text(), nil
}

// Grew refuses a checkpoint that the log signed unless the tree of another one
// begins with its tree: a log shows one history to everybody.
func (r *Reader) Grew(before, now []byte) error {
	older, err := r.policy.Open(before)
	if err != nil {
		return err
	}
	newer, err := r.policy.Open(now)
	if err != nil {
		return err
	}
	if older.Size > newer.Size {
		return fmt.Errorf("it has %d entries and the log %d: the log was cut, or this is an old copy of it", older.Size, newer.Size)
	}
	text, err := r.ConsistencyUnder(now, older.Size)
	if err != nil {
		return err
	}
	_, err = r.policy.VerifyConsistency(text, older)
	return err
}

// Find is the index of the entry with a leaf hash: the first one, by reading
// the hashes from the beginning.
func (r *Reader) Find(leaf tlog.Hash) (int64, error) {
	_, c, err := r.Checkpoint()
	if err != nil {
		return 0, err
	}
	for at := int64(0); at < c.Size; at += tileWidth {
		hashes, err := r.hashTile(tileAt(0, at/tileWidth, c.Size))
		if err != nil {
			return 0, err
		}
		for i, h := range hashes {
			if h == leaf {
				return at + int64(i), nil
			}
		}
	}
	return 0, fmt.Errorf("entry with leaf hash %s: %w", leaf, ErrNoEntry)
}

// Entries are the published entries from an index on, as [Reader.EntriesUnder]
// has them.
func (r *Reader) Entries(from int64) iter.Seq2[[]byte, error] {
	signed, _, err := r.Checkpoint()
	if err != nil {
		return func(yield func([]byte, error) bool) { yield(nil, err) }
	}
	return r.EntriesUnder(signed, from)
}

// EntriesUnder are the entries of a checkpoint that the log published at some
// time, from an index on. Before any entry of a tile is handed out, all of them
// are hashed and compared with the tree that the checkpoint signs. The first
// error ends them.
func (r *Reader) EntriesUnder(signed []byte, from int64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		c, err := r.policy.Open(signed)
		if err == nil && from < 0 {
			err = fmt.Errorf("index %d: %w", from, ErrNoEntry)
		}
		if err != nil {
			yield(nil, err)
			return
		}
		proved := r.hashes(c)
		for e, err := range r.tiles(c.Size, from, func(t tile, entries [][]byte) error { return under(proved, t, entries) }) {
			if !yield(e, err) {
				return
			}
		}
	}
}

// upTo are the entries of the tree of some size, from an index on, as they are
// on the disk. The first error ends them.
func (r *Reader) upTo(size, from int64) iter.Seq2[[]byte, error] {
	return r.tiles(size, from, func(tile, [][]byte) error { return nil })
}

// tiles reads entries tile by tile, and hands out those of a tile that passes.
func (r *Reader) tiles(size, from int64, passes func(tile, [][]byte) error) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for at := from; at < size; at = (at/tileWidth + 1) * tileWidth {
			t := tileAt(levelEntries, at/tileWidth, size)
			entries, err := r.bundle(t)
			if err == nil {
				err = passes(t, entries)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			for _, e := range entries[at%tileWidth:] {
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}

// under refuses a tile of entries unless they are those of a tree whose hashes
// are proved.
func under(proved tlog.HashReader, t tile, entries [][]byte) error {
	places := make([]int64, len(entries))
	for i := range places {
		places[i] = tlog.StoredHashIndex(0, t.index*tileWidth+int64(i))
	}
	hashes, err := proved.ReadHashes(places)
	if err != nil {
		return fmt.Errorf("%s: the tiles of hashes above it: %w", t.path(), err)
	}
	for i, e := range entries {
		if tlog.RecordHash(e) != hashes[i] {
			return fmt.Errorf("%s: %w: entry %d is not the one that the checkpoint signs", t.path(), ErrUnsound, t.index*tileWidth+int64(i))
		}
	}
	return nil
}
