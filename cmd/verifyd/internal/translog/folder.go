package translog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/verifyd/verifyd/proofs/translog"
	"github.com/verifyd/verifyd/verify/input"
)

// Names in a log's folder.
const (
	KeyFile       = "log.pub" // of the log's key
	lockFile      = "lock"
	journalFolder = "journal"
	tilesFolder   = "tiles"
)

// maxKeyFile bounds a key file in bytes.
const maxKeyFile = 4 << 10

// Errors that callers tell apart.
var (
	ErrNoLog        = errors.New("not a log's folder")
	ErrNoCheckpoint = errors.New("the log has published no checkpoint yet")
	ErrNoEntry      = errors.New("not under the log's published checkpoint")
)

// A Folder reads a log on disk while it is written or not. It changes nothing
// and can be used by several goroutines at once.
type Folder struct {
	dir    string
	tiles  *os.Root // nothing outside it is ever read
	key    string
	policy *translog.Policy

	mu     sync.Mutex
	signed []byte // the last checkpoint that was found good
	head   translog.Checkpoint
}

// OpenFolder opens a log for reading.
func OpenFolder(dir string) (*Folder, error) {
	key, err := FolderKey(dir)
	if err != nil {
		return nil, err
	}
	policy, err := translog.NewPolicy(key)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, KeyFile), err)
	}
	tiles, err := input.OpenFolder(filepath.Join(dir, tilesFolder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", dir, ErrNoCheckpoint)
	}
	if err != nil {
		return nil, err
	}
	return &Folder{dir: dir, tiles: tiles, key: key, policy: policy}, nil
}

// FolderKey reads the key of the log in a folder.
func FolderKey(dir string) (string, error) {
	key, err := ReadKey(filepath.Join(dir, KeyFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s: %w: %s is missing", dir, ErrNoLog, KeyFile)
	}
	return key, err
}

// FolderOrigin reads the name of the log in a folder.
func FolderOrigin(dir string) (string, error) {
	key, err := FolderKey(dir)
	if err != nil {
		return "", err
	}
	return translog.Origin(key)
}

// ReadKey reads the file of a log's key: its vkey on one line.
func ReadKey(path string) (string, error) {
	f, _, err := input.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err != nil {
		return "", err
	}
	key, ok := strings.CutSuffix(string(data), "\n")
	if !ok || len(data) > maxKeyFile || strings.Contains(key, "\n") {
		return "", fmt.Errorf("%s: want one line of at most %d bytes", path, maxKeyFile)
	}
	return key, nil
}

// Close ends the use of the folder.
func (f *Folder) Close() error { return f.tiles.Close() }

// Key is the vkey that the log names itself by.
func (f *Folder) Key() string { return f.key }

// Checkpoint is the published checkpoint as it is signed, and what it says.
// The signature is checked with the log's key, once for each checkpoint. The
// bytes belong to all who ask.
func (f *Folder) Checkpoint() (signed []byte, c translog.Checkpoint, err error) {
	signed, err = f.read(checkpointName, translog.MaxCheckpointSize)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, c, fmt.Errorf("%s: %w", f.dir, ErrNoCheckpoint)
	}
	if err != nil {
		return nil, c, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.signed != nil && bytes.Equal(signed, f.signed) {
		return signed, f.head, nil
	}
	if c, err = f.policy.Open(signed); err != nil {
		return nil, c, err
	}
	f.signed, f.head = signed, c
	return signed, c, nil
}

// Proof is the tlog-proof of the entry at an index under the published
// checkpoint.
func (f *Folder) Proof(index int64) ([]byte, error) {
	signed, _, err := f.Checkpoint()
	if err != nil {
		return nil, err
	}
	return f.ProofUnder(signed, index)
}

// ProofUnder is the tlog-proof of the entry at an index under a checkpoint that
// the log published at some time. The tiles that it is made of are checked
// against the checkpoint.
func (f *Folder) ProofUnder(signed []byte, index int64) ([]byte, error) {
	c, err := f.policy.Open(signed)
	if err != nil {
		return nil, err
	}
	if index < 0 || index >= c.Size {
		return nil, fmt.Errorf("index %d of %d: %w", index, c.Size, ErrNoEntry)
	}
	path, err := tlog.ProveRecord(c.Size, index, f.hashes(c))
	if err != nil {
		return nil, fmt.Errorf("proof of index %d: %w", index, err)
	}
	return (&translog.Proof{Index: index, Path: path, Checkpoint: signed}).Text(), nil
}

// Consistency is the proof that the published tree begins with the log's tree
// of an older size.
func (f *Folder) Consistency(old int64) ([]byte, error) {
	signed, _, err := f.Checkpoint()
	if err != nil {
		return nil, err
	}
	return f.ConsistencyUnder(signed, old)
}

// ConsistencyUnder is the proof that the tree of a checkpoint, which the log
// published at some time, begins with the log's tree of an older size.
func (f *Folder) ConsistencyUnder(signed []byte, old int64) ([]byte, error) {
	c, err := f.policy.Open(signed)
	if err != nil {
		return nil, err
	}
	if old < 0 || old > c.Size {
		return nil, fmt.Errorf("size %d of %d: %w", old, c.Size, ErrNoEntry)
	}
	proof := &translog.Consistency{Old: old, Checkpoint: signed}
	if old > 0 {
		if proof.Path, err = tlog.ProveTree(c.Size, old, f.hashes(c)); err != nil {
			return nil, fmt.Errorf("proof from size %d: %w", old, err)
		}
	}
	return proof.Text(), nil
}

// Grew refuses a checkpoint that the log signed unless the published tree begins
// with the tree of that one: a log shows one history to everybody.
func (f *Folder) Grew(signed []byte) error {
	old, err := f.policy.Open(signed)
	if err != nil {
		return err
	}
	text, err := f.Consistency(old.Size)
	if err != nil {
		return err
	}
	_, err = f.policy.VerifyConsistency(text, old)
	return err
}

// Find is the index of the entry with a leaf hash: the first one, by reading
// the hashes from the beginning.
func (f *Folder) Find(leaf tlog.Hash) (int64, error) {
	_, c, err := f.Checkpoint()
	if err != nil {
		return 0, err
	}
	for at := int64(0); at < c.Size; at += tileWidth {
		hashes, err := f.hashTile(tileAt(0, at/tileWidth, c.Size))
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

// Entries are the published entries from an index on. The first error ends
// them.
func (f *Folder) Entries(from int64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		_, c, err := f.Checkpoint()
		if err == nil && from < 0 {
			err = fmt.Errorf("index %d: %w", from, ErrNoEntry)
		}
		if err != nil {
			yield(nil, err)
			return
		}
		f.upTo(c.Size, from)(yield)
	}
}

// upTo are the entries of the tree of some size, from an index on. The first
// error ends them.
func (f *Folder) upTo(size, from int64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for at := from; at < size; at = (at/tileWidth + 1) * tileWidth {
			entries, err := f.bundle(tileAt(levelEntries, at/tileWidth, size))
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
