package translog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/verifyd/verifyd/proofs/translog"
)

// A Report is what [Check] found in a log whose tree is sound.
type Report struct {
	Checkpoint translog.Checkpoint
	Journal    int // entries that the journal holds
	Missing    int // of those, entries that the published tree lacks
	Repeated   int // entries that are in the tree more than once
}

// ErrUnsound is wrapped by every error that means: the files of the log do not
// belong to its checkpoint.
var ErrUnsound = errors.New("the log is unsound")

// Check reads all of a log: every published entry, every tile, the checkpoint
// and its signature, the journal. It changes nothing and may run beside the
// process that writes, whose latest entries it may then count as missing. Its
// memory is about 50 bytes an entry.
func Check(ctx context.Context, dir string) (Report, error) {
	f, err := OpenFolder(dir)
	if err != nil {
		return Report{}, err
	}
	defer f.Close()
	var r Report
	// The journal before the checkpoint: what is forgotten in between is under
	// the checkpoint.
	recorded, err := f.recorded()
	if err != nil {
		return Report{}, err
	}
	if _, r.Checkpoint, err = f.Checkpoint(); err != nil {
		return Report{}, err
	}
	seen := make(map[tlog.Hash]struct{}, r.Checkpoint.Size)
	if err := f.checkTree(ctx, r.Checkpoint, seen); err != nil {
		return Report{}, fmt.Errorf("%s: %w: %w", dir, ErrUnsound, err)
	}
	r.Repeated = int(r.Checkpoint.Size) - len(seen)
	r.Journal = len(recorded)
	for leaf := range recorded {
		if _, ok := seen[leaf]; !ok {
			r.Missing++
		}
	}
	return r, nil
}

// recorded is the leaf hashes of what the journal holds.
func (f *Folder) recorded() (map[tlog.Hash]struct{}, error) {
	dir := filepath.Join(f.dir, journalFolder)
	numbers, err := segmentNumbers(dir)
	if err != nil {
		return nil, err
	}
	leaves := map[tlog.Hash]struct{}{}
	for _, n := range numbers {
		entries, _, err := readSegmentFile(filepath.Join(dir, segmentName(n)))
		if errors.Is(err, fs.ErrNotExist) {
			continue // the writer forgot it in between: it is published
		}
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			leaves[tlog.RecordHash(e)] = struct{}{}
		}
	}
	return leaves, nil
}

// checkTree computes the tree anew from its entries and compares every file
// with it.
func (f *Folder) checkTree(ctx context.Context, c translog.Checkpoint, seen map[tlog.Hash]struct{}) error {
	levels := &levelCheck{f: f, size: c.Size}
	tree := (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
	for at := int64(0); at < c.Size; at += tileWidth {
		if err := ctx.Err(); err != nil {
			return err
		}
		entries, err := f.bundle(tileAt(levelEntries, at/tileWidth, c.Size))
		if err != nil {
			return err
		}
		for _, e := range entries {
			leaf := tlog.RecordHash(e)
			seen[leaf] = struct{}{}
			if err := tree.Append(leaf[:], nil); err != nil {
				return err
			}
			if err := levels.add(0, leaf); err != nil {
				return err
			}
		}
	}
	if err := levels.finish(); err != nil {
		return err
	}
	if c.Size == 0 {
		return nil // the parser has compared its root
	}
	return sameRoot(tree, c.Root)
}

// levelCheck builds the tiles of every level and compares each with its file.
type levelCheck struct {
	f    *Folder
	size int64
	at   []level
}

// level is the tile that is being filled.
type level struct {
	index  int64
	hashes []byte
}

func (l *levelCheck) add(n int, h tlog.Hash) error {
	if n == len(l.at) {
		l.at = append(l.at, level{})
	}
	t := &l.at[n]
	t.hashes = append(t.hashes, h[:]...)
	if len(t.hashes) < tileWidth*tlog.HashSize {
		return nil
	}
	if err := l.compare(n, t); err != nil {
		return err
	}
	root := tileRoot(t.hashes)
	t.index++
	t.hashes = t.hashes[:0]
	return l.add(n+1, root)
}

// finish compares the partial tiles of the right edge.
func (l *levelCheck) finish() error {
	for n := range l.at {
		if len(l.at[n].hashes) > 0 {
			if err := l.compare(n, &l.at[n]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *levelCheck) compare(n int, t *level) error {
	where := tile{n, t.index, len(t.hashes) / tlog.HashSize}
	data, err := l.f.tile(where)
	if err != nil {
		return err
	}
	if !bytes.Equal(data, t.hashes) {
		return fmt.Errorf("%s: not the hashes of the entries below it", where.path())
	}
	return nil
}

// tileRoot is the root of the hashes of a full tile.
func tileRoot(hashes []byte) tlog.Hash {
	row := make([]tlog.Hash, len(hashes)/tlog.HashSize)
	for i := range row {
		row[i] = tlog.Hash(hashes[i*tlog.HashSize:])
	}
	for len(row) > 1 {
		for i := range len(row) / 2 {
			row[i] = tlog.NodeHash(row[2*i], row[2*i+1])
		}
		row = row[:len(row)/2]
	}
	return row[0]
}
